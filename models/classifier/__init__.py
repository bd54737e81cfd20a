"""One white cell: which square is shown, and whether it is an ALL blast."""
