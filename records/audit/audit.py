"""The audit trail: rows that are only ever added, each sealed with the hash of the one before."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    Index,
    RowMapping,
    Select,
    String,
    Text,
    func,
    insert,
    or_,
    select,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import canonical_json
from core.ids import new_id
from core.translatable import translatable
from records import (
    Model,
    UtcDateTime,
    append_only,
    db,
    pagination,
    table_of,
    take_write_lock,
    utc_now,
)
from records.append_only import create_with
from records.engines import POSTGRESQL, SQLITE, by_code_points

NOTHING = "0" * 64
"""What the first row names as the hash before it."""

UNLOGGED = "audit rows of this transaction"
"""Key in the session's `info`: rows that the external hash log does not have yet."""


ADDRESS_LENGTH = 45
"""Of the longest address of IPv6; a proxy may send anything for one."""


class Event(StrEnum):
    """What is noted: the name that is kept, and `label` for people."""

    label: str

    def __new__(cls, name: str, label: str) -> Event:
        """Make a member that is its name."""
        member = str.__new__(cls, name)
        member._value_, member.label = name, label
        return member

    BEGIN = "begin", translatable("Audit trail started")
    START = "start", translatable("Server started")
    SIGN_UP = "sign-up", translatable("Requested an account")
    SIGN_UP_TAKEN = "sign-up-taken", translatable("Requested an account under a taken name")
    SIGN_IN = "sign-in", translatable("Signed in")
    SIGN_IN_FAILED = "sign-in-failed", translatable("Sign-in failed")
    SIGN_IN_REFUSED = "sign-in-refused", translatable("Sign-in refused: account not active")
    PROVIDER_ACCOUNT = "provider-account", translatable("Created account from identity provider")
    PROVIDER_REFUSED = "provider-refused", translatable("Sign-in at identity provider refused")
    IDENTITY_CONFIRMED = "identity-confirmed", translatable("Confirmed identity before signing")
    SIGN_OUT = "sign-out", translatable("Signed out")
    REFUSED = "refused", translatable("Request refused")
    SESSION_EXPIRED = "session-expired", translatable("Session timed out")
    SESSION_END = "session-end", translatable("Ended sessions")
    PASSWORD_CHANGE = "password-change", translatable("Changed password")
    PASSWORD_CHANGE_FAILED = "password-change-failed", translatable("Password change failed")
    PASSWORD_RESET = "password-reset", translatable("Reset password")
    CODE_ASKED = "code-asked", translatable("Password accepted, code requested")
    CODE_FAILED = "code-failed", translatable("Wrong code or password")
    SECOND_FACTOR = "second-factor", translatable("Set up second factor")
    SECOND_FACTOR_REMOVE = "second-factor-remove", translatable("Removed second factor")
    SECOND_FACTOR_RESET = "second-factor-reset", translatable("Reset second factor")
    SECURITY_KEY = "security-key", translatable("Added security key")
    SECURITY_KEY_REMOVE = "security-key-remove", translatable("Removed security key")
    RECOVERY_CODE = "recovery-code", translatable("Used a recovery code")
    RECOVERY_CODES = "recovery-codes", translatable("Created new recovery codes")
    TOKEN_CREATE = "token-create", translatable("Created access token")
    TOKEN_REVOKE = "token-revoke", translatable("Revoked access token")
    WEBHOOK_CREATE = "webhook-create", translatable("Created webhook")
    WEBHOOK_REMOVE = "webhook-remove", translatable("Removed webhook")
    APPROVE = "approve", translatable("Approved account")
    REFUSE = "refuse", translatable("Refused account")
    DEACTIVATE = "deactivate", translatable("Deactivated account")
    REACTIVATE = "reactivate", translatable("Reactivated account")
    ROLE = "role", translatable("Changed role")
    ADMINISTRATOR = "administrator", translatable("Changed administrator rights")
    FULL_NAME = "full-name", translatable("Changed name on reports")
    LABORATORY = "laboratory", translatable("Changed laboratory settings")
    HEAD_FIT = "head-fit", translatable("Fitted laboratory model")
    HEAD_ACTIVATE = "head-activate", translatable("Activated laboratory model")
    HEAD_DEACTIVATE = "head-deactivate", translatable("Deactivated laboratory model")
    HEAD_SHADOW = "head-shadow", translatable("Started laboratory model in shadow")
    HEAD_SHADOW_STOP = "head-shadow-stop", translatable("Stopped laboratory model in shadow")
    CASE_WITHDRAW = "case-withdraw", translatable("Withdrew case from learning")
    HEAD_EXPORT = "head-export", translatable("Exported laboratory model")
    WATCH = "watch", translatable("Changed quality watch")
    TEAM = "team", translatable("Moved account to another team")
    TEAM_CREATE = "team-create", translatable("Created team")
    TEAM_RENAME = "team-rename", translatable("Renamed team")
    UPLOAD = "upload", translatable("Uploaded images")
    SLIDE_UPLOAD = "slide-upload", translatable("Uploaded slide")
    SLIDE_AREA = "slide-area", translatable("Marked area of slide")
    SLIDE_CASE = "slide-case", translatable("Added slide to case")
    SLIDE_DELETE = "slide-delete", translatable("Deleted slide")
    ANALYSIS = "analysis", translatable("Image analysed")
    VIEW = "view", translatable("Viewed")
    # The name that the trails of all installations hold.
    OVERRIDE_QUALITY_CHECK = "insist", translatable("Overrode image-quality check")
    DETECT_AGAIN = "detect-again", translatable("Sent image to Detect")
    EXPLANATION = "explanation", translatable("Requested SHAP values")
    DOWNLOAD = "download", translatable("Downloaded result")
    DELETE = "delete", translatable("Deleted analysis")
    CASE_OPEN = "case-open", translatable("Opened case")
    CASE_EDIT = "case-edit", translatable("Edited case description")
    DEMO_REMOVE = "demo-remove", translatable("Removed demo case")
    CASE_ASSIGN = "case-assign", translatable("Assigned case")
    CASE_CLOSE = "case-close", translatable("Closed case")
    CASE_REOPEN = "case-reopen", translatable("Reopened closed case")
    CASE_ARCHIVE = "case-archive", translatable("Archived case")
    CASE_UNARCHIVE = "case-unarchive", translatable("Took case from archive")
    CASE_ADD = "case-add", translatable("Added analyses to case")
    CASE_REMOVE = "case-remove", translatable("Removed analysis from case")
    CORRECTION = "correction", translatable("Reviewed cells")
    UNDO = "undo", translatable("Undid reviews")
    CELL_COMMENT = "cell-comment", translatable("Commented on cell")
    MORPHOLOGY = "morphology", translatable("Corrected form of cell")
    CASE_SIGN = "case-sign", translatable("Signed case")
    CASE_SIGN_REFUSED = "case-sign-refused", translatable("Signing refused")
    CASE_AMEND = "case-amend", translatable("Reopened case for amendment")
    REPORT = "report", translatable("Downloaded report")
    EXPORT_REVIEWED = "export-reviewed", translatable("Exported signed cases for training")
    STATISTICS = "statistics", translatable("Downloaded statistics")
    BACKUP = "backup", translatable("Created backup")
    RESTORE = "restore", translatable("Restored backup")
    MOVE = "move", translatable("Started move to another database")
    MOVE_IMAGES = "move-images", translatable("Started move of images to another store")
    ENCRYPT_IMAGES = "encrypt-images", translatable("Started encryption of images")
    DECRYPT_IMAGES = "decrypt-images", translatable("Started decryption of images")
    SWEEP = "sweep", translatable("Removed leftover files")
    AUDIT_SEARCH = "audit-search", translatable("Searched audit trail")
    AUDIT_EXPORT = "audit-export", translatable("Exported audit trail")


class Entry(Model):
    """One row of the trail: who (at that time), from where, what, about what; `details` is JSON.

    `hash` is the SHA-256 of all other columns; `previous_hash`, in the column `former`, is that of
    the row before.
    """

    __tablename__ = "audit_entries"
    __table_args__ = (
        # In the order of pages: of millions of rows a quiet person's few are found at once.
        Index("ix_audit_entries_account_name_number", "account_name", "number"),
    )

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    account_id: Mapped[str | None] = mapped_column(String(32))
    account_name: Mapped[str] = mapped_column(by_code_points(String(64)))
    address: Mapped[str] = mapped_column(String(ADDRESS_LENGTH))
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

_TRIGGERS = {
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
_IN_ORDER = """
    CREATE OR REPLACE FUNCTION refuse_earlier_entry() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NEW.number <= (SELECT MAX(number) FROM audit_entries) THEN
            RAISE EXCEPTION USING MESSAGE = 'audit_entries is append-only', ERRCODE = '23000';
        END IF;
        RETURN NEW;
    END $$"""


def triggers(dialect: str) -> dict[str, str]:
    """Return the statements by which the database refuses changes of the trail, whoever asks.

    By name of what each makes; `dialect` says of which database.
    """
    if dialect != POSTGRESQL:
        return _TRIGGERS
    return append_only.triggers("audit_entries", ("number",), dialect) | {
        "refuse_earlier_entry": _IN_ORDER,
        "audit_entries_no_replace": "CREATE TRIGGER audit_entries_no_replace BEFORE INSERT "
        "ON audit_entries FOR EACH ROW EXECUTE FUNCTION refuse_earlier_entry()",
    }


for _dialect in (SQLITE, POSTGRESQL):
    create_with(ENTRIES, triggers(_dialect), _dialect)


@dataclass(frozen=True)
class Actor:
    """Who does something: an account and its name now, or only a name; from which address.

    `browser` is what the browser calls itself; it is kept with a sign-in, not in the trail. `token`
    is the name of the token with which a program acts for the account; the details of each row have
    it.
    """

    account_id: str | None
    name: str
    address: str
    browser: str = ""
    token: str | None = None


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
    """Which rows to look for; None does not restrict. `since` is included, `before` is not.

    `behind` is the number of a row: only what is listed behind it, so what is older.
    """

    name: str | None = None
    event: str | None = None
    object_id: str | None = None
    since: datetime | None = None
    before: datetime | None = None
    behind: int | None = None

    @property
    def by_time(self) -> bool:
        """Whether rows are found by their time."""
        return bool(self.since or self.before)


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
    by_program = {"by_token": actor.token} if actor.token is not None else {}
    content = {
        "at": utc_now(),
        "account_id": actor.account_id,
        "account_name": actor.name,
        "address": actor.address,
        "event": event.value,
        "object_kind": about and about.kind,
        "object_id": about and about.id,
        "details": canonical_json.canonical({**(details or {}), **by_program}),
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
    """Return the query for the rows that match, newest first.

    Those of a period come in the order of their time, which an index has: from the newest row on,
    all that came since would be read. Both orders differ only as clocks of machines do.
    """
    wanted = select(Entry).order_by(*([Entry.at.desc()] if search.by_time else []))
    wanted = _behind(wanted.order_by(Entry.number.desc()), search)
    if search.name:
        wanted = wanted.where(Entry.account_name == search.name)
    if search.event:
        wanted = wanted.where(Entry.event == search.event)
    if search.object_id:
        wanted = wanted.where(Entry.object_id == search.object_id)
    return pagination.between(wanted, Entry.at, search.since, search.before)


def names() -> list[str]:
    """Return everybody whom the trail names, in alphabetical order.

    The index is searched once for each name: the trail has far more rows than names.
    """
    steps = select(func.min(Entry.account_name).label("name")).cte("steps", recursive=True)
    following = select(func.min(Entry.account_name)).where(Entry.account_name > steps.c.name)
    known = steps.c.name.is_not(None)
    steps = steps.union_all(select(following.scalar_subquery()).where(known))
    found = db.session.scalars(select(steps.c.name))
    return [name for name in found if name is not None]


def in_order(search: Search | None = None) -> Iterator[RowMapping]:
    """Yield the rows that match, oldest first, without keeping them all in memory."""
    columns = matching(search or Search()).with_only_columns(*ENTRIES.c)
    oldest_first = columns.order_by(None).order_by(Entry.number)
    # Closed at the end, whenever that is: PostgreSQL reads on by a cursor of its own.
    with db.session.execute(oldest_first.execution_options(yield_per=1000)) as rows:
        yield from rows.mappings()


def hashes_of(numbers: Iterable[int]) -> dict[int, str]:
    """Return the kept hashes of some rows, by number; none of a row that is not there."""
    wanted = select(ENTRIES.c.number, ENTRIES.c.hash).where(ENTRIES.c.number.in_(list(numbers)))
    return dict(db.session.execute(wanted).tuples().all())


def _behind(wanted: Select[tuple[Entry]], search: Search) -> Select[tuple[Entry]]:
    if search.behind is None:
        return wanted
    earlier = Entry.number < search.behind
    if search.by_time:
        at = select(Entry.at).where(Entry.number == search.behind).scalar_subquery()
        # The first condition is what the index can begin at.
        return wanted.where(Entry.at <= at, or_(Entry.at < at, earlier))
    return wanted.where(earlier)


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
