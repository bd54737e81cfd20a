"""Care of an installation: leftovers, backup and restore."""
