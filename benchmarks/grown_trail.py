"""An audit trail of millions of rows, whose chain of hashes holds: `audit verify` finds it whole.

Each row is hashed here as the program hashes it, and rows come in by COPY, with the indexes taken
away meanwhile. The external hash log does not get them: only the program's commits write it.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import NamedTuple, TypeVar

import psycopg
from psycopg import sql

from core.canonical_json import canonical
from records.audit.audit import NOTHING, Event, Head

SHARES = {
    Event.VIEW: 60,
    Event.CORRECTION: 14,
    Event.DOWNLOAD: 6,
    Event.SIGN_IN: 5,
    Event.SIGN_OUT: 4,
    Event.UPLOAD: 3,
    Event.ANALYSIS: 3,
    Event.REPORT: 2,
    Event.CASE_OPEN: 1,
    Event.CASE_SIGN: 1,
    Event.AUDIT_SEARCH: 1,
}
"""How many of a hundred rows say what."""

DETAILS = {
    Event.VIEW: canonical({"page": "field.result"}),
    Event.CORRECTION: canonical({"cells": {f"{'0' * 32}.7": ["lymphocyte", "blast"]}}),
    Event.UPLOAD: canonical({"files": 1, "kind": "detection"}),
    Event.ANALYSIS: canonical({"kind": "detection", "owner": "0" * 32, "sha256": "0" * 64}),
}
OF_CASES = (Event.CORRECTION, Event.REPORT, Event.CASE_OPEN, Event.CASE_SIGN)
OF_NOTHING = (Event.SIGN_IN, Event.SIGN_OUT, Event.UPLOAD, Event.AUDIT_SEARCH)

COPY = """
    COPY audit_entries (number, at, account_id, account_name, address, event, object_kind,
        object_id, details, former, hash) FROM STDIN
"""
LINES = 5_000
"""Rows that are sent to the database at once."""

_INDEXES = """
    SELECT indexname, indexdef FROM pg_indexes
    WHERE tablename = 'audit_entries' AND indexname NOT LIKE 'pk%'
"""


Thing = TypeVar("Thing")


class _Known(NamedTuple):
    """What rows may be about: ids and names of people, ids of analyses and of cases."""

    people: Sequence[tuple[str, str]]
    analyses: Sequence[str]
    cases: Sequence[str]


class _Act(NamedTuple):
    """What a row tells, of texts without anything that JSON or COPY would escape but `details`."""

    account_id: str | None
    account_name: str
    event: str
    object_kind: str | None
    object_id: str | None
    details: str
    address: str = "10.0.0.1"


_BEGINNING = _Act(
    None, "server", Event.BEGIN.value, None, None, canonical({"installation": "grown"}), ""
)


def replace_trail(url: str, number: int, days: int) -> Head:
    """Put a trail of so many rows, of the last days, in place of the one that is there.

    Returns its end.
    """
    head = Head(0, NOTHING)
    with psycopg.connect(url) as connection:
        connection.execute("SET synchronous_commit = off")
        connection.execute("SET maintenance_work_mem = '512MB'")
        known = _known(connection)
        indexes = connection.execute(_INDEXES).fetchall()
        for name, _ in indexes:
            connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
        connection.execute("ALTER TABLE audit_entries DISABLE TRIGGER USER")
        connection.execute("TRUNCATE audit_entries")
        with connection.cursor().copy(COPY) as copy:
            for end, lines in _blocks(known, number, timedelta(days=days)):
                copy.write(lines)
                head = end
        connection.execute("ALTER TABLE audit_entries ENABLE TRIGGER USER")
        for _, statement in indexes:
            connection.execute(statement.encode())
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE audit_entries")
    return head


def _known(connection: psycopg.Connection) -> _Known:
    def ids(table: str) -> list[str]:
        wanted = sql.SQL("SELECT id FROM {} ORDER BY id").format(sql.Identifier(table))
        return [row[0] for row in connection.execute(wanted)]

    people = connection.execute("SELECT id, name FROM accounts ORDER BY name").fetchall()
    return _Known(people, ids("analyses"), ids("cases"))


def _blocks(known: _Known, number: int, period: timedelta) -> Iterator[tuple[Head, str]]:
    """Yield many rows at once as lines of COPY, with the last of them; row 1 begins the trail."""
    chance = random.Random(0)
    events = chance.choices(list(SHARES), list(SHARES.values()), k=LINES)
    start, head, lines = datetime.now(UTC) - period, Head(0, NOTHING), list[str]()
    for place in range(number):
        act = _acted(known, events[place % LINES], chance) if place else _BEGINNING
        at = (start + period * (place / number)).isoformat(timespec="microseconds")
        added = Head(place + 1, _digest(act, at, head))
        lines.append(_line(act, at, head, added))
        head = added
        if len(lines) == LINES:
            yield head, "".join(lines)
            lines.clear()
    yield head, "".join(lines)


def _acted(known: _Known, event: Event, chance: random.Random) -> _Act:
    """Make up what somebody did."""
    account_id, name = _one_of(known.people, chance)
    kind, object_id = None, None
    if event in OF_CASES:
        kind, object_id = "case", _one_of(known.cases, chance)
    elif event not in OF_NOTHING:
        kind, object_id = "analysis", _one_of(known.analyses, chance)
    return _Act(account_id, name, event.value, kind, object_id, DETAILS.get(event, "{}"))


def _one_of(things: Sequence[Thing], chance: random.Random) -> Thing:
    # Much faster than `choice`.
    return things[int(chance.random() * len(things))]


def _digest(act: _Act, at: str, previous: Head) -> str:
    """Hash a row as `records.audit.audit.digest` does, which takes several times as long."""
    return hashlib.sha256(
        f'{{"account_id":{_json(act.account_id)},"account_name":"{act.account_name}",'
        f'"address":"{act.address}","at":"{at}","details":{_quoted(act.details)},"event":"{act.event}",'
        f'"former":"{previous.hash}","number":{previous.number + 1},'
        f'"object_id":{_json(act.object_id)},"object_kind":{_json(act.object_kind)}}}'.encode()
    ).hexdigest()


@cache
def _quoted(details: str) -> str:
    return json.dumps(details)


def _json(text: str | None) -> str:
    return "null" if text is None else f'"{text}"'


def _line(act: _Act, at: str, previous: Head, added: Head) -> str:
    """Write a row as COPY takes it."""
    columns = act.account_id, act.account_name, act.address, act.event, act.object_kind
    texts = "\t".join("\\N" if text is None else text for text in (*columns, act.object_id))
    return f"{added.number}\t{at}\t{texts}\t{act.details}\t{previous.hash}\t{added.hash}\n"
