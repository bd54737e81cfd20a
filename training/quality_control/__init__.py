"""Evaluation of quality control."""
