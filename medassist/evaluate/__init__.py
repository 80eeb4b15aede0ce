"""Yardsticks for whole answers. Reads cases with their right diagnosis, asks, compares, counts."""
