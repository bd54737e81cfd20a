"""`flask --app app tasks`: what failed in the background, and who works there."""

from __future__ import annotations

import click
from flask import current_app
from flask.cli import AppGroup

from jobs.engine import Tasks
from records import workers

group = AppGroup("tasks", help="Background tasks: what failed, and which processes are at work.")


@group.command("failed")
def show_failed() -> None:
    """List the tasks that failed: number, kind, when they were asked for, and why."""
    failed = _tasks().failed()
    for row in failed:
        kept = "" if row.can_retry else "  (its image is gone)"
        asked = f"{row.created_at:%Y-%m-%d %H:%M} UTC"
        click.echo(f"{row.id}  {row.queue}  {asked}  {row.error}{kept}")
    if not failed:
        click.echo("No failed tasks.")


@group.command("retry")
@click.argument("numbers", nargs=-1)
@click.option("--all", "all_of_them", is_flag=True, help="Retry all that can be tried again.")
def retry(numbers: tuple[str, ...], all_of_them: bool) -> None:
    """Try failed tasks again, named by their numbers: at once where a server runs."""
    failed = {row.id: row for row in _tasks().failed()}
    unknown = [number for number in numbers if number not in failed]
    if unknown:
        raise click.ClickException(f"No failed task has the number {unknown[0]}.")
    if not numbers and not all_of_them:
        raise click.ClickException("Name tasks by their numbers, or all of them with --all.")
    wanted = failed.values() if all_of_them else [failed[number] for number in numbers]
    retried = sum(_tasks().retry(row) for row in wanted)
    click.echo(f"Tried again: {retried} of {len(wanted)}.")


@group.command("workers")
def show_workers() -> None:
    """List the processes that do background work."""
    at_work = workers.at_work()
    for worker in at_work:
        since = f"{worker.started_at:%Y-%m-%d %H:%M} UTC"
        click.echo(f"{worker.name}  since {since}, last seen {worker.seen_at:%H:%M:%S} UTC")
    if not at_work:
        click.echo("No process is at work.")


def _tasks() -> Tasks:
    return current_app.extensions["leukoscope_tasks"]
