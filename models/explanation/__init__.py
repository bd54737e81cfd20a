"""Which parts of a cell image an answer rests on."""
