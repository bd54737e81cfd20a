"""Tables whose rows are never changed nor removed: the database itself refuses it."""

from __future__ import annotations

from sqlalchemy import DDL, event

from records import Base, table_of


def triggers(table: str, keys: tuple[str, ...]) -> dict[str, str]:
    """Return the statements that make a table append-only, by name of the trigger.

    Args:
        table: its name.
        keys: its unique columns, because INSERT OR REPLACE deletes without asking the trigger of
            deletions. None for a table that is all key, where that changes nothing.
    """
    refuse = f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
    rests = {"UPDATE": refuse, "DELETE": refuse}
    if keys:
        same = " OR ".join(f"{key} = NEW.{key}" for key in keys)
        replaces = f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {same})"  # noqa: S608  our own names
        rests["INSERT"] = f"{replaces} {refuse}"
    return {
        f"{table}_no_{act}": f"CREATE TRIGGER {table}_no_{act} BEFORE {act} ON {table} {rest}"
        for act, rest in rests.items()
    }


def make_append_only(model: type[Base], *keys: str) -> None:
    """Give the table of a model these triggers when it is created."""
    table = table_of(model)
    for statement in triggers(table.name, keys).values():
        event.listen(table, "after_create", DDL(statement))
