"""Ablations and comparisons, which no served network needs."""
