"""What signed cases give back to training."""
