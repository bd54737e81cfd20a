"""The addresses of the application: those of pages, and those of the API."""

from __future__ import annotations

from flask import Flask
from werkzeug.routing import Rule


def is_of_programs(rule: Rule) -> bool:
    """Whether programs ask for it with a token, not browsers."""
    return rule.rule.startswith("/api/")


def rules_of_pages(app: Flask) -> list[Rule]:
    """The addresses that browsers ask for."""
    return [rule for rule in app.url_map.iter_rules() if not is_of_programs(rule)]


def rules_of_programs(app: Flask) -> list[Rule]:
    """The addresses of the API."""
    return [rule for rule in app.url_map.iter_rules() if is_of_programs(rule)]
