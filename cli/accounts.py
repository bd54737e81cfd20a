"""`flask --app app accounts …`: for an administrator at the server's own shell."""

from __future__ import annotations

import click
from flask import Flask
from flask.cli import AppGroup

from cli import (
    audit,
    backup,
    export,
    images_key,
    learn,
    learn_signed,
    leftovers,
    move,
    move_images,
    tasks,
    watch,
)
from cli.actor import at_the_shell
from pages.accounts.accounts import get_accounts
from records.accounts import accounts as records
from records.accounts.accounts import Account
from services.accounts.accounts import Decision, ExternalAccountError, name_key
from services.accounts.passwords import PasswordError
from services.accounts.people import recover_administrator

accounts = AppGroup("accounts", callback=at_the_shell, help="Manage accounts.")


def init_app(app: Flask) -> None:
    """Add the commands to `flask`."""
    app.cli.add_command(accounts)
    app.cli.add_command(audit.group)
    app.cli.add_command(export.export_reviewed)
    app.cli.add_command(leftovers.leftovers)
    app.cli.add_command(backup.backup)
    app.cli.add_command(backup.restore)
    app.cli.add_command(move.move_to)
    app.cli.add_command(move_images.move_images)
    app.cli.add_command(images_key.group)
    app.cli.add_command(images_key.encrypt_images)
    app.cli.add_command(learn.learn)
    app.cli.add_command(tasks.group)
    app.cli.add_command(learn_signed.learn_signed)
    app.cli.add_command(watch.watch)


@accounts.command("list")
def list_accounts() -> None:
    """Print every account: status, role, whether administrator, name."""
    for account in records.all_accounts():
        administrator = "administrator" if account.is_administrator else "-"
        click.echo(f"{account.status:12} {account.role:9} {administrator:14} {account.name}")


@accounts.command("approve")
@click.argument("name")
def approve(name: str) -> None:
    """Let the waiting account NAME sign in."""
    account = _named(name)
    if not get_accounts().decide(account.id, Decision.approve):
        raise click.ClickException(
            f"“{account.name}” is not pending: its status is {account.status}."
        )
    click.echo(f"“{account.name}” can now sign in.")


@accounts.command("reset-password")
@click.argument("name")
@click.password_option(prompt="New password")
def reset_password(name: str, password: str) -> None:
    """Give NAME a new password and sign it out everywhere."""
    account = _named(name)
    try:
        get_accounts().reset_password(account, password)
    except PasswordError as error:
        raise click.ClickException(str(error)) from error
    except ExternalAccountError as error:
        raise click.ClickException(
            f"“{account.name}” signs in at the identity provider and has no password here."
        ) from error
    click.echo(f"“{account.name}” has a new password.")


@accounts.command("reset-second-factor")
@click.argument("name")
def reset_second_factor(name: str) -> None:
    """Remove the second factor of NAME and sign it out everywhere."""
    account = _named(name)
    if not get_accounts().reset_second_factor(account):
        raise click.ClickException(f"“{account.name}” has no second factor.")
    click.echo(f"Second factor of “{account.name}” removed.")


@accounts.command("end-sessions")
@click.argument("name", required=False)
@click.option("--everybody", is_flag=True, help="Sign every account out.")
def end_sessions(name: str | None, everybody: bool) -> None:
    """Sign NAME, or everybody, out in every browser."""
    if bool(name) == everybody:
        raise click.UsageError("Give either a NAME or --everybody.")
    accounts = get_accounts()
    ended = accounts.end_sessions(_named(name)) if name else accounts.end_all_sessions()
    click.echo(f"Sessions ended: {ended}.")


@accounts.command("make-administrator")
@click.argument("name")
def make_administrator(name: str) -> None:
    """Make NAME an active administrator, where no other is left to do so."""
    account = _named(name)
    recover_administrator(account)
    click.echo(f"“{account.name}” is now an administrator.")


def _named(name: str) -> Account:
    account = records.find_account(name_key(name))
    if account is None:
        raise click.ClickException(f"There is no account “{name}”.")
    return account
