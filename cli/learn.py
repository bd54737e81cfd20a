"""`flask --app app learn --data DIR --test DIR`: try learning from a laboratory's archive."""

from __future__ import annotations

import json
from pathlib import Path

import click
from flask import current_app
from flask.cli import with_appcontext

from models.laboratory.folders import FolderError
from models.manifest import WeightsError
from services.learning.from_folder import try_folder

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_EVERY = 10


@click.command("learn")
@click.option("--data", type=FOLDER, required=True, help="Folder to learn from.")
@click.option("--test", type=FOLDER, required=True, help="Folder to measure on.")
@with_appcontext
def learn(data: Path, test: Path) -> None:
    """Learn from a folder of labelled images, and print accuracy on another, before and after.

    The folders hold images/ and labels/ in YOLO's layout (0 blast, 1 other white cell, 2 smudge),
    or single-cell images in all/ and hem/. Nothing of the installation is changed. The last line is
    one JSON object.
    """
    try:
        networks = current_app.extensions["leukoscope_laboratory_models"].networks()
        trial = try_folder(data, test, networks, _tell)
    except (WeightsError, FolderError) as error:
        raise click.ClickException(str(error)) from error
    for path, why in trial.left_out.items():
        click.echo(f"Left out {path}: {why}", err=True)
    click.echo(json.dumps(trial.to_dict()))


def _tell(folder: Path, done: int, total: int) -> None:
    if done % _EVERY == 0 or done == total:
        click.echo(f"{folder}: {done} of {total} images read", err=True)
