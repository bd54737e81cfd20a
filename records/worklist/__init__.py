"""What lists and statistics need of cases, without reading findings or signed contents."""
