"""Whether an image can be used at all."""
