"""Maintenance of the project: what it is made of."""
