"""The audit trail as tests read it, and as somebody with the database file might change it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select, text

from records import db, transaction
from records.audit import audit
from records.audit.audit import About, Actor, Entry, Event
from records.engines import POSTGRESQL

ADA = Actor("a" * 32, "ada", "192.0.2.1")
CELL = About("analysis", "c" * 32)


def append(count: int = 1) -> None:
    """Keep some rows, one transaction each; needs an application context, as all here do."""
    for number in range(count):
        with transaction():
            audit.append(db.session(), ADA, Event.VIEW, CELL, {"number": number})


def entries() -> list[Entry]:
    """Every row, oldest first."""
    return list(db.session.scalars(db.select(Entry).order_by(Entry.number)))


def noted(event: Event) -> list[Entry]:
    """The rows of one event, oldest first."""
    return [entry for entry in entries() if entry.event == event]


def disarm(table: str) -> None:
    """Let an append-only table be changed."""
    if db.engine.dialect.name == POSTGRESQL:
        db.session.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
    else:
        db.session.execute(text(f"DROP TRIGGER {table}_no_UPDATE"))


def tamper(statement: str, **values: Any) -> None:
    """Run SQL as somebody does who first takes the triggers away."""
    dialect = db.engine.dialect.name
    if dialect == POSTGRESQL:
        db.session.execute(text("ALTER TABLE audit_entries DISABLE TRIGGER USER"))
    else:
        for trigger in audit.triggers(dialect):
            db.session.execute(text(f"DROP TRIGGER IF EXISTS {trigger}"))
    db.session.execute(text(statement), values)
    db.session.commit()


def forge(number: int, **changes: Any) -> None:
    """Change a row and give it the hash of its new contents."""
    row = select(audit.ENTRIES).where(audit.ENTRIES.c.number == number)
    content = dict(db.session.execute(row).mappings().one())
    content |= changes
    del content["hash"]
    sets = ", ".join(f"{name} = :{name}" for name in changes)
    sets = f"{sets}, hash = :hash" if sets else "hash = :hash"
    tamper(
        f"UPDATE audit_entries SET {sets} WHERE number = :row",
        **changes,
        hash=audit.digest(content),
        row=number,
    )
