"""`flask --app app images-key …` and `… encrypt-images`: images that only a key can read."""

from __future__ import annotations

from pathlib import Path

import click
from flask import current_app
from flask.cli import AppGroup, with_appcontext

from cli.actor import at_the_shell
from records import utc_now
from records.storage.image_keys import VARIABLE, ImageKey, add_key, make_key_file
from records.storage.image_store import StoreError
from services.instance import encrypting_images
from services.instance.encrypting_images import EncryptedImages, EncryptError
from settings import SettingsError

EXISTS = "{} is there already. Name a new file, or put another key into it: images-key add {}"
CANNOT = "{} cannot be written: {}."
BACK_UP = (
    "Back the file up now, apart from the images: whoever has both can read them, and without the "
    "file nobody ever can."
)
FORMER = (
    "Keep the former keys in the file for as long as there are images, or backups, that need them."
)

group = AppGroup("images-key", help="Make the keys that encrypt images.")


@group.command("new")
@click.argument("file", type=click.Path(path_type=Path))
def new(file: Path) -> None:
    """Write a new key to FILE, which must not be there yet."""
    try:
        key = make_key_file(file, _today())
    except FileExistsError:
        raise click.ClickException(EXISTS.format(file, file)) from None
    except OSError as error:
        raise click.ClickException(CANNOT.format(file, error.strerror)) from error
    _tell(key, file)
    click.echo(f"To use it, set {VARIABLE}={file.absolute()}")
    click.echo(BACK_UP)


@group.command("add")
@click.argument("file", type=click.Path(path_type=Path))
def add(file: Path) -> None:
    """Put a new key before those in FILE; it encrypts from the next start on."""
    try:
        key = add_key(file, _today())
    except StoreError as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(CANNOT.format(file, error.strerror)) from error
    _tell(key, file)
    click.echo(BACK_UP)
    click.echo(f"To encrypt the present images with it, use encrypt-images. {FORMER}")


@click.command("encrypt-images")
@click.option("--decrypt", is_flag=True, help="Decrypt them instead, all.")
@with_appcontext
def encrypt_images(decrypt: bool) -> None:
    """Encrypt all images that are kept with the first key, and verify them.

    The server must be stopped. Stopped midway, the command goes on when it is run again.
    """
    at_the_shell()
    try:
        done = encrypting_images.encrypt_images(current_app.config["LEUKOSCOPE"], decrypt=decrypt)
    except (EncryptError, SettingsError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(_summary(done))
    if done.unreadable:
        raise click.ClickException(
            f"{len(done.unreadable)} files cannot be decrypted and were left as they are, such as "
            f"{done.unreadable[0]}. The log has the keys that they need."
        )
    if decrypt:
        click.echo(f"To keep images in plain from now on, unset {VARIABLE}.")


def _summary(done: EncryptedImages) -> str:
    act = f"Encrypted {done.changed} files with the key {done.key}" if done.key else ""
    act = act or f"Decrypted {done.changed} files"
    return f"{act} and verified; {done.unchanged} were so already."


def _tell(key: ImageKey, file: Path) -> None:
    click.echo(f"Wrote the key {key} to {file}.")


def _today() -> str:
    return utc_now().date().isoformat()
