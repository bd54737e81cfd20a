"""Programs that use the API in a test, each with a token of somebody's account."""

from __future__ import annotations

from flask import Flask
from flask.testing import FlaskClient

from records.accounts.api_tokens import Scope
from services.accounts import api_tokens
from tests.people import account_named


def token_of(app: Flask, name: str, *scopes: Scope, days: int = 30) -> str:
    """A new token of an account, for these scopes or for all."""
    with app.app_context():
        _, text = api_tokens.create(account_named(name), f"{name}’s script", scopes or Scope, days)
    return text


def program_with(app: Flask, token: str) -> FlaskClient:
    """A program that sends this token."""
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    return client


def program_of(app: Flask, name: str, *scopes: Scope) -> FlaskClient:
    """A program that has a new token of an account, for these scopes or for all."""
    return program_with(app, token_of(app, name, *scopes))
