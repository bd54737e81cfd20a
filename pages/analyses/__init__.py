"""Classify, Detect, the history, and their results."""
