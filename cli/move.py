"""`flask --app app move-to URL`: the database to another server, at the server's own shell."""

from __future__ import annotations

import click
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy import URL

from cli.actor import at_the_shell
from cli.backup import judge
from services.instance.moving import MoveError, move
from settings import POSTGRESQL_URL, Settings, SettingsError, place_of, postgresql_url

SQLITE = "sqlite"

AFTERWARDS = (
    "Only the database was copied: images, slides and the secret key stay in {}. The database that "
    "was used so far is unchanged. Do not serve it again: both would go on with one audit trail. "
    "Delete it when the new one is backed up, for it holds what was kept of patients."
)


@click.command("move-to")
@click.argument("url")
@with_appcontext
def move_to(url: str) -> None:
    """Copy the database to URL, an empty one; the server must be stopped.

    URL is postgresql://USER:PASSWORD@HOST/NAME, or "sqlite" for the file in the instance folder.
    """
    at_the_shell()
    settings = current_app.config["LEUKOSCOPE"]
    target = _target(settings, url)
    try:
        moved = move(settings, target)
    except (MoveError, SettingsError) as error:
        raise click.ClickException(str(error)) from error
    rows = sum(moved.rows.values())
    click.echo(
        f"Copied {rows} rows of {len(moved.rows)} tables to {place_of(target)} and verified."
    )
    click.echo(AFTERWARDS.format(settings.instance_dir))
    judge(moved.verdict)
    if url == SQLITE:
        click.echo("To use the copy, unset LEUKOSCOPE_DATABASE_URL.")
    else:
        click.echo("To use the copy, set LEUKOSCOPE_DATABASE_URL to this address.")


def _target(settings: Settings, url: str) -> URL:
    if url == SQLITE:
        return settings.sqlite
    try:
        return postgresql_url(url)
    except ValueError:
        raise click.BadParameter(f"URL must be {POSTGRESQL_URL}, or “sqlite”.") from None
