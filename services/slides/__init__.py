"""Whole slides: they arrive in parts, are shown in tiles, and areas of them are read."""
