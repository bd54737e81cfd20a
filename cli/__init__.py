"""Flask commands, for an administrator at the server's own shell."""
