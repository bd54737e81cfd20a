"""The audit trail: rows that are only ever added, each sealed with the hash of the one before."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import DDL, RowMapping, Select, String, Text, event, insert, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import canonical_json
from core.ids import new_id
from records import Model, UtcDateTime, db, pagination, table_of, take_write_lock, utc_now

NOTHING = "0" * 64
"""What the first row names as the hash before it."""

UNLOGGED = "audit rows of this transaction"
"""Key in the session's `info`: rows that the external hash log does not have yet."""


class Event(StrEnum):
    """What is noted: the name that is kept, and `label` for people."""

    label: str

    def __new__(cls, name: str, label: str) -> Event:
        """Make a member that is its name."""
        member = str.__new__(cls, name)
        member._value_, member.label = name, label
        return member

    BEGIN = "begin", "Audit trail started"
    START = "start", "Server started"
    SIGN_UP = "sign-up", "Requested an account"
    SIGN_UP_TAKEN = "sign-up-taken", "Requested an account under a taken name"
    SIGN_IN = "sign-in", "Signed in"
    SIGN_IN_FAILED = "sign-in-failed", "Sign-in failed"
    SIGN_IN_REFUSED = "sign-in-refused", "Sign-in refused: account not active"
    SIGN_OUT = "sign-out", "Signed out"
    REFUSED = "refused", "Request refused"
    SESSION_EXPIRED = "session-expired", "Session timed out"
    SESSION_END = "session-end", "Ended sessions"
    PASSWORD_CHANGE = "password-change", "Changed password"
    PASSWORD_CHANGE_FAILED = "password-change-failed", "Password change failed"
    PASSWORD_RESET = "password-reset", "Reset password"
    CODE_ASKED = "code-asked", "Password accepted, code requested"
    CODE_FAILED = "code-failed", "Wrong code or password"
    SECOND_FACTOR = "second-factor", "Set up second factor"
    SECOND_FACTOR_REMOVE = "second-factor-remove", "Removed second factor"
    SECOND_FACTOR_RESET = "second-factor-reset", "Reset second factor"
    SECURITY_KEY = "security-key", "Added security key"
    SECURITY_KEY_REMOVE = "security-key-remove", "Removed security key"
    RECOVERY_CODE = "recovery-code", "Used a recovery code"
    RECOVERY_CODES = "recovery-codes", "Created new recovery codes"
    APPROVE = "approve", "Approved account"
    REFUSE = "refuse", "Refused account"
    DEACTIVATE = "deactivate", "Deactivated account"
    REACTIVATE = "reactivate", "Reactivated account"
    ROLE = "role", "Changed role"
    ADMINISTRATOR = "administrator", "Changed administrator rights"
    TEAM = "team", "Moved account to another team"
    TEAM_CREATE = "team-create", "Created team"
    TEAM_RENAME = "team-rename", "Renamed team"
    UPLOAD = "upload", "Uploaded images"
    SLIDE_UPLOAD = "slide-upload", "Uploaded slide"
    SLIDE_AREA = "slide-area", "Marked area of slide"
    SLIDE_CASE = "slide-case", "Added slide to case"
    SLIDE_DELETE = "slide-delete", "Deleted slide"
    ANALYSIS = "analysis", "Image analysed"
    VIEW = "view", "Viewed"
    # The name that the trails of all installations hold.
    OVERRIDE_QUALITY_CHECK = "insist", "Overrode image-quality check"
    DETECT_AGAIN = "detect-again", "Sent image to Detect"
    EXPLANATION = "explanation", "Requested SHAP values"
    DOWNLOAD = "download", "Downloaded result"
    DELETE = "delete", "Deleted analysis"
    CASE_OPEN = "case-open", "Opened case"
    CASE_EDIT = "case-edit", "Edited case description"
    CASE_ADD = "case-add", "Added analyses to case"
    CASE_REMOVE = "case-remove", "Removed analysis from case"
    CORRECTION = "correction", "Reviewed cells"
    UNDO = "undo", "Undid reviews"
    CASE_SIGN = "case-sign", "Signed case"
    CASE_SIGN_REFUSED = "case-sign-refused", "Signing refused"
    CASE_AMEND = "case-amend", "Reopened case for amendment"
    REPORT = "report", "Downloaded report"
    EXPORT_REVIEWED = "export-reviewed", "Exported signed cases for training"
    BACKUP = "backup", "Created backup"
    RESTORE = "restore", "Restored backup"
    SWEEP = "sweep", "Removed leftover files"
    AUDIT_SEARCH = "audit-search", "Searched audit trail"
    AUDIT_EXPORT = "audit-export", "Exported audit trail"


class Entry(Model):
    """One row of the trail: who (at that time), from where, what, about what; `details` is JSON.

    `hash` is the SHA-256 of all other columns; `previous_hash`, in the column `former`, is that of
    the row before.
    """

    __tablename__ = "audit_entries"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    account_id: Mapped[str | None] = mapped_column(String(32))
    account_name: Mapped[str] = mapped_column(String(64), index=True)
    address: Mapped[str] = mapped_column(String(45))
    event: Mapped[str] = mapped_column(String(32), index=True)
    object_kind: Mapped[str | None] = mapped_column(String(16))
    object_id: Mapped[str | None] = mapped_column(String(32), index=True)
    details: Mapped[str] = mapped_column(Text)
    previous_hash: Mapped[str] = mapped_column("former", String(64))
    hash: Mapped[str] = mapped_column(String(64))

    @property
    def known(self) -> dict[str, Any]:
        """The details."""
        return json.loads(self.details)


ENTRIES = table_of(Entry)

TRIGGERS = {
    "audit_entries_no_update": """
        CREATE TRIGGER audit_entries_no_update BEFORE UPDATE ON audit_entries
        BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END""",
    "audit_entries_no_delete": """
        CREATE TRIGGER audit_entries_no_delete BEFORE DELETE ON audit_entries
        BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END""",
    # INSERT OR REPLACE deletes without the trigger above.
    "audit_entries_no_replace": """
        CREATE TRIGGER audit_entries_no_replace BEFORE INSERT ON audit_entries
        WHEN NEW.number <= (SELECT MAX(number) FROM audit_entries)
        BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END""",
}
"""What the database refuses, whoever asks: by name, the statement that makes the trigger."""

for _statement in TRIGGERS.values():
    event.listen(ENTRIES, "after_create", DDL(_statement))


@dataclass(frozen=True)
class Actor:
    """Who does something: an account and its name now, or only a name; from which address.

    `browser` is what the browser calls itself; it is kept with a sign-in, not in the trail.
    """

    account_id: str | None
    name: str
    address: str
    browser: str = ""


@dataclass(frozen=True)
class About:
    """What something is done to: a kind of object, and its id."""

    kind: str
    id: str


@dataclass(frozen=True)
class Head:
    """The end of the trail: the number of its last row, and that row's hash."""

    number: int
    hash: str


@dataclass(frozen=True)
class Search:
    """Which rows to look for; None does not restrict. `since` is included, `before` is not."""

    name: str | None = None
    event: str | None = None
    object_id: str | None = None
    since: datetime | None = None
    before: datetime | None = None


def append(
    session: Session,
    actor: Actor,
    event: Event,
    about: About | None = None,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Add a row in the session's transaction; it is kept if and when that is committed."""
    take_write_lock(session)
    previous = head(session) or _begin(session)
    content = {
        "at": utc_now(),
        "account_id": actor.account_id,
        "account_name": actor.name,
        "address": actor.address,
        "event": event.value,
        "object_kind": about and about.kind,
        "object_id": about and about.id,
        "details": canonical_json.canonical(details or {}),
    }
    _add(session, previous, content)


def head(session: Session) -> Head | None:
    """Return the end of the trail, or None while there is none."""
    newest = select(ENTRIES.c.number, ENTRIES.c.hash).order_by(ENTRIES.c.number.desc()).limit(1)
    row = session.connection().execute(newest).first()
    return Head(*row) if row else None


def digest(content: Mapping[str, Any]) -> str:
    """Return the SHA-256, in hexadecimal, of all columns but `hash`.

    It is of their JSON with sorted keys, in UTF-8.
    """
    kept = {**content, "at": content["at"].isoformat(timespec="microseconds")}
    return canonical_json.digest(kept)


def seen_lately(account_id: str, event: Event, about: About, since: datetime) -> bool:
    """Return whether the account has done this to the object since then."""
    wanted = select(Entry.number).where(
        Entry.object_id == about.id,
        Entry.event == event.value,
        Entry.account_id == account_id,
        Entry.at >= since,
    )
    return db.session.scalar(wanted.limit(1)) is not None


def matching(search: Search) -> Select[tuple[Entry]]:
    """Return the query for the rows that match, newest first."""
    wanted = select(Entry).order_by(Entry.number.desc())
    if search.name:
        wanted = wanted.where(Entry.account_name == search.name)
    if search.event:
        wanted = wanted.where(Entry.event == search.event)
    if search.object_id:
        wanted = wanted.where(Entry.object_id == search.object_id)
    return pagination.between(wanted, Entry.at, search.since, search.before)


def names() -> list[str]:
    """Return everybody whom the trail names, in alphabetical order."""
    return list(db.session.scalars(select(Entry.account_name).distinct().order_by("account_name")))


def in_order(search: Search | None = None) -> Iterator[RowMapping]:
    """Yield the rows that match, oldest first, without keeping them all in memory."""
    columns = matching(search or Search()).with_only_columns(*ENTRIES.c)
    oldest_first = columns.order_by(None).order_by(Entry.number)
    yield from db.session.execute(oldest_first.execution_options(yield_per=1000)).mappings()


def hashes() -> dict[int, str]:
    """Return the kept hash of every row, by number."""
    return dict(db.session.execute(select(ENTRIES.c.number, ENTRIES.c.hash)).tuples().all())


def _begin(session: Session) -> Head:
    """Add the first row, which tells this trail from that of any other installation."""
    content = dict.fromkeys(("account_id", "object_kind", "object_id"))
    content |= {
        "at": utc_now(),
        "account_name": "server",
        "address": "",
        "event": Event.BEGIN.value,
    }
    details = canonical_json.canonical({"installation": new_id()})
    return _add(session, Head(0, NOTHING), {**content, "details": details})


def _add(session: Session, previous: Head, content: dict[str, Any]) -> Head:
    content = {**content, "number": previous.number + 1, "former": previous.hash}
    added = Head(content["number"], digest(content))
    session.connection().execute(insert(ENTRIES).values(**content, hash=added.hash))
    session.info.setdefault(UNLOGGED, []).append(added)
    return added
