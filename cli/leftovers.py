"""`flask --app app leftovers`: files that no row names, which the start did not dare to remove."""

from __future__ import annotations

import time

import click
from flask import current_app
from flask.cli import with_appcontext

from cli.actor import at_the_shell
from records.storage import serving_lock
from records.storage.image_store import StoreError
from records.storage.instance_lock import held
from services.instance import leftovers as service
from settings import SettingsError


@click.command("leftovers")
@click.option("--delete", is_flag=True, help="Delete them. This cannot be undone.")
@with_appcontext
def leftovers(delete: bool) -> None:
    """Count the files that no row names, and remove them on demand; the server must be stopped."""
    at_the_shell()
    settings = current_app.config["LEUKOSCOPE"]
    try:
        with held(settings.instance_dir), serving_lock.alone():
            found = service.find(settings, time.time())
            if delete:
                found = service.remove(found)
    except (SettingsError, StoreError) as error:
        raise click.ClickException(str(error)) from error
    if not len(found):
        click.echo("No leftover files.")
        return
    click.echo(f"{'Removed' if delete else 'Leftover'}: {found}.")
