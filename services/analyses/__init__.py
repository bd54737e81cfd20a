"""Uploaded images to kept analyses, and what is shown of them."""
