"""One smear field: its cells, at the scale that suits it."""
