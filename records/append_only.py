"""Tables whose rows are never changed nor removed: the database itself refuses it."""

from __future__ import annotations

from sqlalchemy import DDL, Table, event

from records import Base, table_of
from records.engines import POSTGRESQL, SQLITE

# The state is that of a violated constraint, as SQLite's is.
_REFUSE = """CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING MESSAGE = TG_TABLE_NAME || ' is append-only', ERRCODE = '23000';
END $$"""


def triggers(table: str, keys: tuple[str, ...], dialect: str) -> dict[str, str]:
    """Return the statements that make a table append-only, by name of what they make.

    Args:
        table: its name.
        keys: its unique columns, because INSERT OR REPLACE of SQLite deletes without asking the
            trigger of deletions. None for a table that is all key, where that changes nothing.
        dialect: of which database.
    """
    return _of_postgresql(table) if dialect == POSTGRESQL else _of_sqlite(table, keys)


def make_append_only(model: type[Base], *keys: str) -> None:
    """Give the table of a model these triggers when it is created."""
    table = table_of(model)
    for dialect in (SQLITE, POSTGRESQL):
        create_with(table, triggers(table.name, keys, dialect), dialect)


def create_with(table: Table, statements: dict[str, str], dialect: str) -> None:
    """Run statements when a table is created in this kind of database."""
    for statement in statements.values():
        event.listen(table, "after_create", DDL(statement).execute_if(dialect=dialect))


def _of_sqlite(table: str, keys: tuple[str, ...]) -> dict[str, str]:
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


def _of_postgresql(table: str) -> dict[str, str]:
    """Return the statements of PostgreSQL, whose INSERT ... ON CONFLICT asks that of updates."""
    each = {"UPDATE": "ROW", "DELETE": "ROW", "TRUNCATE": "STATEMENT"}
    return {"refuse_change": _REFUSE} | {
        f"{table}_no_{act}": f"CREATE TRIGGER {table}_no_{act} BEFORE {act} ON {table} "
        f"FOR EACH {rows} EXECUTE FUNCTION refuse_change()"
        for act, rows in each.items()
    }
