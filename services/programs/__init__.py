"""What programs need beyond what people do: answers that are given once more."""
