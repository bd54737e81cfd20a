"""People who use the application in a test: their accounts, their browsers, their forms."""

from __future__ import annotations

import secrets

from flask import Flask
from flask.testing import FlaskClient
from itsdangerous import URLSafeTimedSerializer
from werkzeug.test import TestResponse

from records import db
from records.accounts import teams
from records.accounts.accounts import Account, AccountStatus

PASSWORD = "violet stain, forty drops"


def add_account(app: Flask, name: str, password: str = PASSWORD) -> str:
    """Make an active account (the first one an administrator) and return its id."""
    with app.app_context():
        account = app.extensions["leukoscope_accounts"].sign_up(name, password)
        account.status = AccountStatus.ACTIVE
        db.session.commit()
        return account.id


def account_named(name: str) -> Account:
    """The account of this name; needs an application context."""
    return db.session.scalars(db.select(Account).filter_by(name=name)).one()


def team_of(account_id: str) -> str:
    """The id of an account's team; needs an application context."""
    return db.session.get_one(Account, account_id).team_id


def move(app: Flask, name: str, team: str) -> None:
    """Put an account into the team of this name, which is made if there is none."""
    with app.app_context():
        found = teams.named(team) or teams.add(team, team)
        account_named(name).team_id = found.id
        db.session.commit()


def csrf_token(client: FlaskClient) -> str:
    """The token that a form of this browser must carry, made as its pages make it."""
    with client.session_transaction() as kept:
        secret = kept.setdefault("csrf_token", secrets.token_hex(20))
    return URLSafeTimedSerializer(client.application.secret_key, salt="wtf-csrf-token").dumps(
        secret
    )


def post(client: FlaskClient, path: str, **form: object) -> TestResponse:
    """Post a form as the page would: with its CSRF token."""
    return client.post(path, data={"csrf_token": csrf_token(client), **form})


def sign_in_as(app: Flask, name: str) -> FlaskClient:
    """A browser in which a new account of this name has signed in."""
    add_account(app, name)
    client = app.test_client()
    answer = post(client, "/sign-in", name=name, password=PASSWORD)
    assert answer.status_code == 302, answer.get_data(as_text=True)
    return client
