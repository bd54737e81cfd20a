"""Reports of a case: what they say (`contents`), and the formats that say it."""
