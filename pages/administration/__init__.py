"""Pages of administrators: people, teams, the audit trail."""
