"""The pages: one blueprint per file, all of them listed in `registration`."""
