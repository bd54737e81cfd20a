"""Cases, the reading room, sign-off and reports."""
