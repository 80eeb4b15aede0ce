"""The blind review: who rates what, what a rater may see, what is asked, and the protocol that fixes all of it."""
