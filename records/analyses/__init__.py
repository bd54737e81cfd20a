"""Analyses of images, their explanations, and fields in the queue."""
