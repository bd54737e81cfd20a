import json
import stat
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
from flask import Flask
from sqlalchemy import Select, event, text
from sqlalchemy.exc import IntegrityError

from records import db, transaction, utc_now
from records.audit import audit, external_log
from records.audit.audit import NOTHING, Actor, Event, Head, Search
from records.engines import SQLITE
from tests.trail import ADA, CELL, append, entries
from tests.waiting import HANGS


@pytest.fixture(autouse=True)
def context(app: Flask):
    with app.app_context():
        yield


def test_the_first_row_begins_the_trail_and_each_continues_the_one_before():
    append(3)
    first, *others = entries()

    assert (first.number, first.event, first.previous_hash) == (1, Event.BEGIN, NOTHING)
    assert len(json.loads(first.details)["installation"]) == 32
    assert [entry.number for entry in others] == [2, 3, 4]
    assert [entry.previous_hash for entry in others] == [first.hash, others[0].hash, others[1].hash]


def test_a_row_says_who_from_where_what_about_what_and_when():
    before = datetime.now(UTC)
    append()
    entry = entries()[-1]

    assert (entry.account_id, entry.account_name, entry.address) == (
        ADA.account_id,
        "ada",
        ADA.address,
    )
    assert (entry.event, entry.object_kind, entry.object_id) == ("view", "analysis", CELL.id)
    assert entry.known == {"number": 0}
    assert before <= entry.at <= datetime.now(UTC)
    assert entry.at.utcoffset().total_seconds() == 0


def test_every_column_is_in_the_hash():
    append()
    row = next(iter(audit.in_order()))
    content = {name: row[name] for name in row if name != "hash"}

    assert audit.digest(content) == row["hash"]
    for name, value in content.items():
        other = datetime(2026, 1, 1, tzinfo=UTC) if name == "at" else "other"
        assert audit.digest({**content, name: other}) != row["hash"], (name, value)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entries SET account_name = 'eve' WHERE number = 2",
        "DELETE FROM audit_entries WHERE number = 2",
        "DELETE FROM audit_entries",
        pytest.param(
            "INSERT OR REPLACE INTO audit_entries SELECT * FROM audit_entries WHERE number = 1",
            marks=pytest.mark.sqlite_only("a statement of SQLite"),
        ),
        *(
            pytest.param(statement, marks=pytest.mark.postgres_only("a statement of PostgreSQL"))
            for statement in (
                "TRUNCATE audit_entries",
                "INSERT INTO audit_entries SELECT * FROM audit_entries WHERE number = 1 "
                "ON CONFLICT (number) DO UPDATE SET account_name = 'eve'",
            )
        ),
    ],
)
def test_the_database_refuses_to_change_or_remove_a_row(statement: str):
    append(2)

    with pytest.raises(IntegrityError, match="append-only"):
        db.session.execute(text(statement))
    db.session.rollback()
    assert len(entries()) == 3


MADE = {
    "sqlite": "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' ORDER BY name",
    "postgresql": """
        SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
        UNION SELECT proname, prosrc FROM pg_proc JOIN pg_namespace AS place
            ON place.oid = pronamespace WHERE nspname = 'public' ORDER BY 1""",
}
"""By kind of database, what it was told of triggers and their functions."""


def test_a_migrated_database_refuses_the_same():
    dialect = db.engine.dialect.name
    made = MADE[dialect]
    migrated = db.session.execute(text(made)).all()
    db.session.commit()
    db.drop_all()
    db.create_all()

    assert db.session.execute(text(made)).all() == migrated
    names = {name.lower() for name, _ in migrated}
    assert names > {name.lower() for name in audit.triggers(dialect)}


def test_the_chain_does_not_fork_when_many_write_at_the_same_time(app: Flask):
    everybody = Barrier(4)

    def write(_: int) -> None:
        with app.app_context():
            # A query first: what it saw of the trail is old when its turn to write comes.
            audit.head(db.session())
            everybody.wait(timeout=HANGS)
            append(25)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))

    kept = entries()
    assert [entry.number for entry in kept] == list(range(1, 102))
    assert [entry.previous_hash for entry in kept[1:]] == [entry.hash for entry in kept[:-1]]


def test_what_is_rolled_back_leaves_no_row_and_no_logged_hash():
    append()
    with pytest.raises(ZeroDivisionError), transaction():
        audit.append(db.session(), ADA, Event.DELETE, CELL)
        1 / 0  # noqa: B018
    append()

    assert [entry.event for entry in entries()] == ["begin", "view", "view"]
    assert list(external_log.read()) == [Head(entry.number, entry.hash) for entry in entries()]


def test_the_external_log_is_written_after_the_commit_and_for_its_owner_only():
    audit.append(db.session(), ADA, Event.VIEW, CELL)
    assert not external_log.path().exists()
    db.session.commit()

    assert [line.number for line in external_log.read()] == [1, 2]
    assert stat.S_IMODE(external_log.path().stat().st_mode) == 0o600


def test_an_external_log_that_cannot_be_written_keeps_nobody_from_working(caplog):
    external_log.path().mkdir()
    append()

    assert len(entries()) == 2
    assert "external hash log cannot be written" in caplog.text


def plan_of(query: Select) -> str:
    """How the database would find the rows of a query: SQLite in its words, as one line."""
    written = query.compile(db.engine, compile_kwargs={"literal_binds": True})
    return "; ".join(row[-1] for row in db.session.execute(text(f"EXPLAIN QUERY PLAN {written}")))


def test_names_are_found_without_a_look_at_every_row(app: Flask):
    append(3)
    with transaction():
        audit.append(db.session(), Actor(None, "Zoe", ""), Event.VIEW)
        audit.append(db.session(), Actor(None, "", ""), Event.VIEW)
    asked = []
    event.listen(db.engine, "before_cursor_execute", lambda *shown: asked.append(shown[2]))

    assert audit.names() == ["", "Zoe", "ada", "server"]
    (query,) = asked
    if db.engine.dialect.name == SQLITE:
        (_, *steps) = db.session.execute(text(f"EXPLAIN QUERY PLAN {query}"))
        assert not [step for step in steps if step[-1].startswith("SCAN audit_entries")]


@pytest.mark.sqlite_only("the plans of PostgreSQL depend on the number of rows")
@pytest.mark.parametrize(
    "search",
    [
        Search(name="ada"),
        Search(since=utc_now(), before=utc_now()),
        Search(since=utc_now(), behind=7),
        Search(behind=7),
    ],
)
def test_the_newest_rows_come_without_sorting_all_that_match(search: Search):
    plan = plan_of(audit.matching(search))
    assert "SEARCH audit_entries" in plan
    assert "TEMP B-TREE" not in plan


def test_a_long_list_goes_on_behind_a_row(app: Flask):
    append(4)
    newest = entries()[-1]
    for search in (Search(), Search(since=newest.at - timedelta(days=1)), Search(name="ada")):
        found = db.session.scalars(audit.matching(replace(search, behind=4)))
        assert [entry.number for entry in found if entry.number > 1] == [3, 2]
