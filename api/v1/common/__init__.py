"""What all addresses of the API share."""
