"""Timings against what a user would otherwise run, as ratios from one process."""
