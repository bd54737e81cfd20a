"""`flask --app app move-images URL`: images into a bucket or back, at the server's own shell."""

from __future__ import annotations

import click
from flask import current_app
from flask.cli import with_appcontext

from cli.actor import at_the_shell
from services.instance import moving_images
from services.instance.moving import MoveError
from services.instance.moving_images import MovedImages, place_of
from settings import BUCKET_URL, ON_DISK, Bucket, SettingsError, bucket_of

AFTERWARDS = (
    "Slides, the secret key and thumbnails stay in {}. The images in {} are unchanged, but are no "
    "longer used: delete them when the new place is backed up, for they are of patients."
)


@click.command("move-images")
@click.argument("url")
@click.option("--encryption", type=click.Choice(["none", "aes256", "aws:kms"]), default="none")
@click.option("--kms-key", default="", help="The id of a key, with --encryption=aws:kms.")
@with_appcontext
def move_images(url: str, encryption: str, kms_key: str) -> None:
    """Copy all images to URL and verify them; the server must be stopped.

    URL is s3://BUCKET/PREFIX of a server that the variables AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID
    and AWS_SECRET_ACCESS_KEY name, or "file:" for the instance folder.
    """
    at_the_shell()
    settings = current_app.config["LEUKOSCOPE"]
    target = _target(url, encryption, kms_key)
    try:
        moved = moving_images.move_images(settings, target)
    except (MoveError, SettingsError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"Copied {moved.copied} images to {place_of(settings, target)} and verified.")
    _warn(moved)
    former = place_of(settings, settings.images_bucket)
    click.echo(AFTERWARDS.format(settings.instance_dir, former))
    click.echo(f"To use the copy, {_variables(target, encryption)}.")


def _target(url: str, encryption: str, kms_key: str) -> Bucket | None:
    if url in ON_DISK:
        return None
    try:
        return bucket_of(url, encryption, kms_key)
    except ValueError:
        raise click.BadParameter(
            f"URL must be {BUCKET_URL}; --kms-key needs --encryption=aws:kms."
        ) from None


def _warn(moved: MovedImages) -> None:
    if moved.missing:
        number, first = len(moved.missing), moved.missing[0]
        click.echo(
            f"Warning: {number} files that rows name were missing already, such as {first}.",
            err=True,
        )


def _variables(target: Bucket | None, encryption: str) -> str:
    """Say which settings the installation needs from now on."""
    if target is None:
        return "unset LEUKOSCOPE_IMAGES_URL, LEUKOSCOPE_IMAGES_ENCRYPTION and …_KMS_KEY"
    wanted = [f"LEUKOSCOPE_IMAGES_URL={target}"]
    if target.encryption:
        wanted.append(f"LEUKOSCOPE_IMAGES_ENCRYPTION={encryption}")
    if target.kms_key:
        wanted.append(f"LEUKOSCOPE_IMAGES_KMS_KEY={target.kms_key}")
    return f"set {' '.join(wanted)}"
