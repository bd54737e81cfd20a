"""What a laboratory counts of its own work."""
