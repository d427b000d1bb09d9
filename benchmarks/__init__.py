"""Measurements of this program; each prints ratios taken in one run, since machines are noisy."""
