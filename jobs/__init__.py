"""Background work: the queue and its threads."""
