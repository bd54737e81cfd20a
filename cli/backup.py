"""`flask --app app backup DIR` and `… restore DIR`: all of an instance, at the server's shell."""

from __future__ import annotations

from pathlib import Path

import click
from flask import current_app
from flask.cli import with_appcontext

from cli.actor import at_the_shell
from pages.accounts.accounts import get_accounts
from records.storage.stored_files import IMAGES, UPLOADS
from services.audit.check import Verdict
from services.backups.make import back_up
from services.backups.manifest import BackupError, Manifest
from services.backups.restore import Restored
from services.backups.restore import restore as restored_from
from settings import SettingsError

APART = (
    "Its images are encrypted, and the key file {} is not in it: keep that in another backup. "
    "Without it nobody can ever read them."
)
SECRET = "The backup holds patients' images and the secret key. Protect it like the instance."  # noqa: S105


@click.command("backup")
@click.argument("folder", type=click.Path(path_type=Path))
@with_appcontext
def backup(folder: Path) -> None:
    """Copy all that this installation keeps to FOLDER, new or empty; the server may run."""
    at_the_shell()
    try:
        made = back_up(current_app.config["LEUKOSCOPE"], folder)
    except (BackupError, SettingsError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"Backed up to {folder} and verified: {_contents(made.manifest)}.")
    if made.manifest.missing:
        click.echo(
            f"Warning: {len(made.manifest.missing)} files are missing in the instance itself. "
            f"{folder / 'backup.json'} lists them.",
            err=True,
        )
    click.echo(SECRET)
    if key_file := current_app.config["LEUKOSCOPE"].images_key_file:
        click.echo(APART.format(key_file))
    judge(made.verdict)


@click.command("restore")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--replace", is_flag=True, help="Move the present instance aside.")
@with_appcontext
def restore(folder: Path, replace: bool) -> None:
    """Put the backup in FOLDER in the place of this instance; the server must be stopped."""
    at_the_shell()
    settings = current_app.config["LEUKOSCOPE"]
    try:
        done = restored_from(settings, get_accounts(), folder, replace)
    except (BackupError, SettingsError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(
        f"Restored to {settings.instance_dir}, as of {done.manifest.made_at}: "
        f"{_contents(done.manifest)}. Everybody is signed out."
    )
    _tell(done)
    judge(done.verdict)


def _tell(done: Restored) -> None:
    if done.replaced:
        click.echo(f"The previous instance is in {done.replaced}. Delete it when no longer needed.")
    if done.weights:
        click.echo(
            "The backup used other models than those installed. To use them, set "
            f"LEUKOSCOPE_WEIGHTS={done.weights}"
        )
    if done.unreadable:
        click.echo(f"Warning: {done.unreadable}", err=True)


def _contents(manifest: Manifest) -> str:
    numbers = f"{manifest.number_of(IMAGES)} images, {manifest.number_of(UPLOADS)} waiting fields"
    return f"{numbers}, {manifest.head.number} audit entries"


def judge(verdict: Verdict) -> None:
    """Say where the trail of a copy ends, and fail where it is not whole."""
    for finding in verdict.findings:
        click.echo(finding, err=True)
    if verdict.findings:
        raise click.ClickException("The audit trail in it was altered.")
    if verdict.head is None:
        click.echo("The audit trail has no entries yet.")
        return
    click.echo(
        "No audit entry is changed, moved or missing. Latest entry: "
        f"{verdict.head.number}:{verdict.head.hash}"
    )
