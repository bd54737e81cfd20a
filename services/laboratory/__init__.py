"""The laboratory's settings: letterhead, ranges, phrases, and cell classes of its own."""
