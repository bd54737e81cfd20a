"""Parts that all addresses of the API share."""
