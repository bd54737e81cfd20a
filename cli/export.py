"""`flask --app app export-reviewed DIR`: signed cases as images to train on."""

from __future__ import annotations

from pathlib import Path

import click
from flask.cli import with_appcontext

from cli.actor import at_the_shell
from pages.common.lookups import get_analyst
from services.learning import export_reviewed as service
from services.learning.export_reviewed import ExportError


@click.command("export-reviewed")
@click.argument("folder", type=click.Path(path_type=Path))
@with_appcontext
def export_reviewed(folder: Path) -> None:
    """Write the cells and fields of signed cases to FOLDER, without pseudonyms, for training."""
    at_the_shell()
    try:
        done = service.export_reviewed(folder, get_analyst())
    except ExportError as error:
        raise click.ClickException(str(error)) from error
    counts = f"patients: {done.patients}, fields: {done.fields}, cells: {done.cells}"
    click.echo(f"Written to {folder}: {counts}.")
