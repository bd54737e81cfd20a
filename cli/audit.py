"""`flask --app app audit …`: checks and exports the audit trail at the server's own shell."""

from __future__ import annotations

from pathlib import Path

import click
from flask.cli import AppGroup

from cli.actor import at_the_shell
from records.audit import audit as records
from records.audit.audit import Event, Head
from services.audit import audit
from services.audit.check import verify as check
from services.audit.export import FORMATS

group = AppGroup("audit", callback=at_the_shell, help="Check and export the audit trail.")


def _head(_context: object, _option: object, value: str | None) -> Head | None:
    if value is None:
        return None
    number, _, digest = value.partition(":")
    if not number.isdecimal() or len(digest) != 64:
        raise click.BadParameter("use NUMBER:HASH, as shown on the audit page")
    return Head(int(number), digest)


@group.command("verify")
@click.option("--head", callback=_head, help="An entry noted earlier, as NUMBER:HASH.")
def verify(head: Head | None) -> None:
    """Look for rows that were changed, removed or moved; exit status 1 if there are any."""
    verdict = check(head)
    for finding in verdict.findings:
        click.echo(finding)
    if verdict.findings:
        raise click.ClickException("The audit trail was altered.")
    if verdict.head is None:
        click.echo("The audit trail has no entries yet.")
        return
    click.echo(
        f"{verdict.head.number} entries, none changed, moved or missing. The external hash log "
        f"confirms {verdict.logged}. Latest entry: {verdict.head.number}:{verdict.head.hash}"
    )


@group.command("export")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def export(file: Path) -> None:
    """Write every row to FILE: a table (.csv) or one JSON object a line (.jsonl)."""
    write = FORMATS.get(file.suffix.removeprefix("."))
    if write is None:
        raise click.ClickException("FILE must end in .csv or .jsonl.")
    audit.keep(Event.AUDIT_EXPORT, format=file.suffix.removeprefix("."))
    with file.open("w", encoding="utf-8", newline="") as stream:
        stream.writelines(write(records.in_order()))
    click.echo(f"Audit trail written to {file}.")
