"""A copy of the audit trail's hashes outside of the database: one line for each row."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from flask import current_app
from sqlalchemy import event
from sqlalchemy.orm import Session

from records import db
from records.audit.audit import UNLOGGED, Head

FILE = "audit_witness"
"""The name that installations have kept since the first version."""

log = logging.getLogger(__name__)


def path() -> Path:
    """Return the path of this installation's log: a text file beside its database."""
    return Path(current_app.instance_path) / FILE


def write(heads: Iterable[Head]) -> None:
    """Add a line for each row; one write, so that lines of two processes do not mix."""
    lines = "".join(f"{head.number} {head.hash}\n" for head in heads)
    descriptor = os.open(path(), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(descriptor, lines.encode())
    finally:
        os.close(descriptor)


def read() -> Iterator[Head | None]:
    """Yield the lines that there are now, in order; None for one that cannot be read.

    Raises `FileNotFoundError`.
    """
    return _lines(path().stat().st_size)


def _lines(end: int) -> Iterator[Head | None]:
    """Yield the lines of so many bytes."""
    with path().open("rb") as lines:
        for line in lines:
            if end <= 0:
                return
            end -= len(line)
            yield _parsed(line.decode(errors="replace"))


def _parsed(line: str) -> Head | None:
    number, _, digest = line.strip().partition(" ")
    return Head(int(number), digest) if number.isdecimal() and len(digest) == 64 else None


@event.listens_for(db.session, "after_commit")
def _committed(session: Session) -> None:
    """Log the rows that are kept now; they stay kept if that fails."""
    heads = session.info.pop(UNLOGGED, None)
    if not heads:
        return
    try:
        write(heads)
    except OSError:
        log.exception("The external hash log cannot be written")


@event.listens_for(db.session, "after_rollback")
def _rolled_back(session: Session) -> None:
    session.info.pop(UNLOGGED, None)
