"""Speed as ratios: two arms, each in a process of its own, taking turns in one run. `make bench` writes README.md."""
