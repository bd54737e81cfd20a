"""Accounts, teams, sessions and second factors."""
