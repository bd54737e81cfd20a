"""The audit trail and its external hash log."""
