"""Writing, checking and exporting the audit trail."""
