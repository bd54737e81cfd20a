"""The interface for programs: a thin layer over the same services as the pages."""
