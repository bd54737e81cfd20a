"""Who acts when a command runs at the server's own shell."""

from __future__ import annotations

import getpass

import click

from records.audit.audit import Actor
from services.audit.audit import acting


@click.pass_context
def at_the_shell(context: click.Context) -> None:
    """Note what the command does as done by the user of the operating system."""
    context.with_resource(acting(Actor(None, f"shell: {_user()}"[:64], "")))


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
