"""Whole slides: uploaded, looked at, read in areas."""
