"""Signing up and in, passwords, second factors, roles and teams."""
