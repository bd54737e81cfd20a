"""Help: what each page is for, and the tour."""
