"""Measurements, run by `./dev bench NAME`: ratios against a peer or a floor, taken in one run."""
