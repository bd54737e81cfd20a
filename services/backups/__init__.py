"""Copies of an instance: made while the server runs, checked, and restored into another place."""
