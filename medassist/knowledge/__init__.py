"""What the app knows of medicine: reviewed files, a versioned store built from them, and what finds and ranks in it."""
