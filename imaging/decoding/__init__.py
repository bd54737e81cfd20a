"""What is checked of an uploaded file before its pixels are decoded, one module a format."""
