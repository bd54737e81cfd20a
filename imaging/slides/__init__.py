"""Whole slides: files of gigabytes, read a region at a time in processes of their own."""
