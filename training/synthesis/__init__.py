"""Composites: fields without blasts, into which known cells are composited."""
