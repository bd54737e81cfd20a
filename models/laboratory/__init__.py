"""Correct the classifier with what a laboratory's own cells show."""
