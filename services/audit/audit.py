"""Who does what: noted in the audit trail, in the transaction of the act itself."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import event as orm_event
from sqlalchemy.orm import object_session

from records import db, transaction, utc_now
from records.accounts.accounts import Account
from records.analyses.analyses import Analysis
from records.audit import audit as records
from records.audit.audit import About, Actor, Event

SERVER = Actor(None, "server", "")
"""Who acts when no person does: time-outs, the start, work in the background."""

PICTURES_BELONG_FOR = timedelta(minutes=30)
"""How long after somebody looked at a result its pictures are part of that look."""

_acting: ContextVar[Actor] = ContextVar("acting", default=SERVER)


@contextmanager
def acting(actor: Actor) -> Generator[None]:
    """Note what the block does as done by `actor`."""
    token = _acting.set(actor)
    try:
        yield
    finally:
        _acting.reset(token)


def act_as(actor: Actor) -> None:
    """Note what this thread does from here on as done by `actor`."""
    _acting.set(actor)


def present() -> Actor:
    """Return who acts now."""
    return _acting.get()


def as_account(account: Account) -> Actor:
    """Return the account as actor, from the address of whoever acts now."""
    return replace(_acting.get(), account_id=account.id, name=account.name)


def as_program(account: Account, token: str) -> Actor:
    """Return the account as actor through a program that has a token of this name."""
    return replace(as_account(account), token=token)


def note(event: Event, about: About | None = None, /, **details: object) -> None:
    """Add a row to the present transaction; `details` are JSON, without passwords or patients."""
    note_by(_acting.get(), event, about, **details)


def note_by(actor: Actor, event: Event, about: About | None = None, /, **details: object) -> None:
    """Add a row, as `note` does, of what somebody else did than whoever acts now."""
    records.append(db.session(), actor, event, about, details)


def keep(event: Event, about: About | None = None, /, **details: object) -> None:
    """Add a row where nothing else is changed, and commit it."""
    with transaction():
        note(event, about, **details)


def keep_picture(about: About) -> None:
    """Note a look at a picture, unless its whole result was looked at a short while ago."""
    who, since = _acting.get().account_id, utc_now() - PICTURES_BELONG_FOR
    if who is None or not records.seen_lately(who, Event.VIEW, about, since):
        keep(Event.VIEW, about, picture=True)


def about_account(account: Account) -> About:
    """Name an account as the object of a row."""
    return About("account", account.id)


@orm_event.listens_for(Analysis, "after_insert")
def _analysed(_mapper: object, _connection: object, analysis: Analysis) -> None:
    """Note a new analysis in its own transaction, whoever keeps it."""
    _note_analysis(Event.ANALYSIS, analysis, model=analysis.model_version)


@orm_event.listens_for(Analysis, "after_delete")
def _deleted(_mapper: object, _connection: object, analysis: Analysis) -> None:
    _note_analysis(Event.DELETE, analysis)


def _note_analysis(event: Event, analysis: Analysis, **details: object) -> None:
    """Note an analysis; the file by its hash only, for its name may be a patient's.

    The owner is not always who acts: fields are read in the background, colleagues may delete.
    """
    about = About("analysis", analysis.id)
    kept = {"owner": analysis.owner_id, "kind": analysis.kind, "sha256": analysis.sha256}
    kept |= details
    if analysis.case_id:
        kept["case"] = analysis.case_id
    # The session that flushes, which need not be the one of this thread.
    session = object_session(analysis) or db.session()
    records.append(session, _acting.get(), event, about, kept)
