"""Copying all rows of a database into an empty one, of either kind, as they are."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import (
    URL,
    Connection,
    Engine,
    NullPool,
    RowMapping,
    Select,
    Table,
    create_engine,
    func,
    inspect,
    select,
)

from records import Base, table_of
from records.accounts import teams
from records.engines import POSTGRESQL, options_for, prepare

AT_ONCE = 50
"""Rows in memory at the same time: a finding may have megabytes."""

REVISIONS = "alembic_version"
_TEAMS = table_of(teams.Team)


@dataclass(frozen=True)
class Contents:
    """How many rows a table has, and the SHA-256 of them all in whatever order."""

    rows: int
    sha256: str


class NotCopiedError(Exception):
    """The rows of a table did not arrive as they were."""


def engine_of(url: URL) -> Engine:
    """Open a database in which JSON is read and written as the text that it is."""
    engine = create_engine(
        url,
        poolclass=NullPool,
        hide_parameters=True,
        json_serializer=_unchanged,
        json_deserializer=_text,
        **options_for(url),
    )
    prepare(engine)
    return engine


def occupied(connection: Connection) -> list[str]:
    """Return the tables of a database that keep something, or are not of this program.

    The team that the migrations make does not count.
    """
    known = Base.metadata.tables
    present = set(inspect(connection).get_table_names()) - {REVISIONS}
    kept = [name for name in present if name not in known or _keeps(connection, known[name])]
    return sorted(kept)


def copy(source: Connection, target: Connection) -> dict[str, Contents]:
    """Copy every table into a database with the same schema; what was read, by table.

    Not yet committed. The order is that of foreign keys; triggers and constraints are in force.
    """
    target.execute(_TEAMS.delete())
    copied = {table.name: _copy(source, target, table) for table in Base.metadata.sorted_tables}
    if target.dialect.name == POSTGRESQL:
        _set_sequences(target)
    return copied


def check(target: Connection, copied: dict[str, Contents]) -> None:
    """Read all tables again; raises `NotCopiedError` naming one that is not what was copied."""
    for table in Base.metadata.sorted_tables:
        reading = _Reading()
        for rows in _blocks(target, table):
            reading.add(rows)
        if reading.contents() != copied[table.name]:
            raise NotCopiedError(table.name)


class _Reading:
    """Adds up what rows are read."""

    def __init__(self) -> None:
        self._digests: list[bytes] = []

    def add(self, rows: Iterable[RowMapping]) -> None:
        self._digests += [
            hashlib.sha256(repr(tuple(row.values())).encode()).digest() for row in rows
        ]

    def contents(self) -> Contents:
        whole = hashlib.sha256(b"".join(sorted(self._digests)))
        return Contents(len(self._digests), whole.hexdigest())


def _copy(source: Connection, target: Connection, table: Table) -> Contents:
    reading = _Reading()
    for rows in _blocks(source, table):
        reading.add(rows)
        target.execute(table.insert(), [dict(row) for row in rows])
    return reading.contents()


def _blocks(connection: Connection, table: Table) -> Iterator[Sequence[RowMapping]]:
    """Yield the rows of a table in the order of its key: a row comes after the one it undoes."""
    wanted: Select[tuple[object, ...]] = select(table).order_by(*table.primary_key)
    with connection.execute(wanted.execution_options(yield_per=AT_ONCE)) as rows:
        yield from rows.mappings().partitions()


def _set_sequences(target: Connection) -> None:
    """Let each numbered table go on after its last row."""
    for table in Base.metadata.sorted_tables:
        column = table.autoincrement_column
        if column is not None and (last := target.scalar(select(func.max(column)))):
            sequence = func.pg_get_serial_sequence(table.name, column.name)
            target.execute(select(func.setval(sequence, last)))


def _keeps(connection: Connection, table: Table) -> bool:
    kept = select(func.count()).select_from(table)
    if table.name == _TEAMS.name:
        kept = kept.where(_TEAMS.c.name_key != teams.FIRST_KEY)
    return bool(connection.scalar(kept))


def _unchanged(value: str | None) -> str | None:
    return value


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode()
