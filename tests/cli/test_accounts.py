import pytest
from flask import Flask
from flask.testing import FlaskCliRunner

from services.accounts.accounts import Decision
from tests.people import PASSWORD, account_named, add_account, sign_in_as

NEW = "seven pale rims at noon"


@pytest.fixture
def shell(app: Flask) -> FlaskCliRunner:
    add_account(app, "ada")
    with app.app_context():
        app.extensions["leukoscope_accounts"].sign_up("Ben", PASSWORD)
    return app.test_cli_runner()


def test_list_prints_everybody(shell: FlaskCliRunner):
    lines = shell.invoke(args=["accounts", "list"]).output.splitlines()

    assert [line.split() for line in lines] == [
        ["active", "reviewer", "administrator", "ada"],
        ["waiting", "reader", "-", "Ben"],
    ]


def test_approve_lets_one_who_waits_in(shell: FlaskCliRunner):
    assert shell.invoke(args=["accounts", "approve", "ben"]).output == "“Ben” can now sign in.\n"

    again = shell.invoke(args=["accounts", "approve", "ben"])
    assert again.exit_code == 1
    assert "is not pending" in again.output


def test_an_unknown_name_is_said_so(shell: FlaskCliRunner):
    answer = shell.invoke(args=["accounts", "approve", "eve"])

    assert answer.exit_code == 1
    assert "There is no account “eve”." in answer.output


def test_reset_password_gives_a_new_one_and_signs_out_everywhere(app: Flask):
    browser = sign_in_as(app, "ada")
    typed = f"{NEW}\n{NEW}\n"
    answer = app.test_cli_runner().invoke(args=["accounts", "reset-password", "ada"], input=typed)

    assert answer.exit_code == 0
    assert NEW not in answer.output
    assert browser.get("/account/password").status_code == 302


def test_reset_password_refuses_a_common_one(shell: FlaskCliRunner):
    typed = "password1234\n" * 2
    answer = shell.invoke(args=["accounts", "reset-password", "ada"], input=typed)

    assert answer.exit_code == 1
    assert "easy to guess" in answer.output


@pytest.mark.parametrize("decision", [None, "deactivate"])
def test_a_lost_administrator_is_replaced(app: Flask, shell: FlaskCliRunner, decision: str | None):
    shell.invoke(args=["accounts", "approve", "ben"])
    with app.app_context():
        ben = account_named("Ben").id
        if decision:
            app.extensions["leukoscope_accounts"].decide(ben, Decision[decision])

    answer = shell.invoke(args=["accounts", "make-administrator", "ben"])

    assert answer.output == "“Ben” is now an administrator.\n"
    assert (
        "active       reader    administrator  Ben"
        in shell.invoke(args=["accounts", "list"]).output
    )
