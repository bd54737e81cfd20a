"""What the administrator says of the laboratory, for its reports."""
