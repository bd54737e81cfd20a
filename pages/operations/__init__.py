"""What monitoring asks of the server: whether it answers, whether it is ready, its metrics."""
