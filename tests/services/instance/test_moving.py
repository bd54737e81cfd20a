"""Moving an installation to another database, with a case that was signed and amended."""

from collections.abc import Iterator

import pytest
from flask import Flask
from pydantic import SecretStr
from sqlalchemy import func, select

from core.ids import new_id
from records import copying, db, opening
from records.accounts.teams import Team
from records.audit.audit import Event
from records.cases import signatures
from records.cases.cases import Case
from records.cases.reviews import Review
from records.storage.instance_lock import held
from services.audit.check import verify
from services.cases import review
from services.cases.review import cells_of
from services.cases.signed_contents import digest
from services.instance.moving import Moved, MoveError, move
from settings import Settings, SettingsError, postgresql_url
from tests.applications import empty_app, end, new_app, put_blank_database
from tests.cases import entry, open_case, put_cell, put_field, sign_case
from tests.people import account_named, sign_in_as
from tests.trail import noted, tamper
from tests.uploads import upload_cell

pytestmark = pytest.mark.postgres_only("needs a server of PostgreSQL")


@pytest.fixture
def on_sqlite(settings: Settings) -> Settings:
    """The installation before the move; that after it are the settings of every test."""
    put_blank_database(settings)
    return settings.model_copy(update={"database_url": SecretStr("")})


@pytest.fixture
def source(on_sqlite: Settings) -> Iterator[Flask]:
    """An installation on SQLite in which a case was signed, amended and signed again."""
    with empty_app(on_sqlite) as app:
        upload_cell(sign_in_as(app, "ada"))
        with app.app_context():
            _fill(app)
        yield app


def _fill(app: Flask) -> None:
    ada = account_named("ada")
    case = open_case(ada.id, "Müller-7\U0001f52c", notes="Zeile 1\nZeile 2", collected_on=None)
    put_field(case)
    put_cell(case, probability=0.1 + 0.2)
    counted = [cell for cell in cells_of(case) if cell.counted]
    review.record(case, ada.id, [entry(cell.id, cell.label) for cell in counted])
    review.record(case, ada.id, [entry(counted[0].id, "lymphocyte")])
    review.undo(case, ada.id, new_id())
    by = app.extensions["leukoscope_sign_off"]
    sign_case(by, case, ada)
    by.amend(case, ada, "Wrong stain.")
    sign_case(by, case, ada, "Again.")


def moved(app: Flask, settings: Settings) -> Moved:
    with app.app_context():
        return move(app.config["LEUKOSCOPE"], settings.database)


@pytest.fixture
def arrived(source: Flask, settings: Settings) -> Iterator[Flask]:
    """The application on the database to which the installation was moved."""
    assert moved(source, settings).verdict.findings == ()
    end(source)
    app = new_app(settings)
    yield app
    end(app)


def test_all_rows_are_there_and_the_trail_holds(source: Flask, settings: Settings):
    with source.app_context():
        tables = db.metadata.sorted_tables
        counts = {
            table.name: db.session.scalar(select(func.count()).select_from(table))
            for table in tables
        }
        # The move itself is noted.
        counts["audit_entries"] += 1
    done = moved(source, settings)

    assert done.rows == counts
    assert done.rows["signatures"] == 2
    assert done.rows["reviews"] > 3
    assert done.verdict.findings == ()
    assert done.verdict.head.number == counts["audit_entries"]


def test_what_was_signed_is_what_was_signed(arrived: Flask):
    with arrived.app_context():
        case = db.session.scalar(select(Case))
        assert (case.pseudonym, case.notes) == ("Müller-7\U0001f52c", "Zeile 1\nZeile 2")
        signed = signatures.of_case(case.id)
        assert [one.conclusion for one in signed] == ["Seen.", "Again."]
        assert all(digest(one.contents) == one.sha256 for one in signed)
        (note,) = noted(Event.MOVE)
        assert note.known == {"to": "postgresql"}


def test_numbers_go_on_after_those_that_came(arrived: Flask):
    with arrived.app_context():
        ada, case = account_named("ada"), db.session.scalar(select(Case))
        last = db.session.scalar(select(func.max(Review.id)))
        arrived.extensions["leukoscope_sign_off"].amend(case, ada, "Once more.")
        cell = next(cell for cell in cells_of(case) if cell.counted)
        review.record(case, ada.id, [entry(cell.id, "monocyte")])

        assert db.session.scalar(select(func.max(Review.id))) == last + 1
        assert signatures.version_of(case.id) == 3
        assert verify().findings == ()


def test_it_moves_back_to_sqlite(arrived: Flask, settings: Settings, on_sqlite: Settings):
    (on_sqlite.instance_dir / "leukoscope.sqlite3").unlink()
    with arrived.app_context():
        rows = move(settings, settings.sqlite).rows
    end(arrived)
    back = new_app(on_sqlite)
    with back.app_context():
        assert rows["signatures"] == len(list(db.session.scalars(select(signatures.Signature))))
        assert verify().findings == ()
    end(back)


def test_a_database_with_rows_is_refused(source: Flask, settings: Settings):
    with source.app_context(), opening.elsewhere(settings):
        opening.bring_up_to_date(settings)
        db.session.add(Team(name="night", name_key="night"))
        db.session.commit()
    with pytest.raises(MoveError, match="is not empty: it has teams"):
        moved(source, settings)
    with source.app_context():
        assert noted(Event.MOVE) == []


def test_a_migrated_database_without_rows_is_empty(source: Flask, settings: Settings):
    with source.app_context(), opening.elsewhere(settings):
        opening.bring_up_to_date(settings)
    assert moved(source, settings).verdict.findings == ()


def test_a_running_server_is_left_alone(source: Flask, settings: Settings):
    with held(settings.instance_dir), pytest.raises(SettingsError, match="is in use by"):
        moved(source, settings)


def test_the_same_database_is_refused(source: Flask, on_sqlite: Settings):
    with pytest.raises(MoveError, match="is the database that this installation uses"):
        moved(source, on_sqlite)


def test_a_server_that_does_not_answer_is_named_without_the_password(source: Flask):
    nobody = postgresql_url("postgresql://ben:geheim@127.0.0.1:1/leukoscope")
    with source.app_context(), pytest.raises(SettingsError) as caught:
        move(source.config["LEUKOSCOPE"], nobody)
    assert str(caught.value).startswith("postgresql://127.0.0.1:1/leukoscope cannot be used: ")
    assert "geheim" not in str(caught.value)
    assert "Check LEUKOSCOPE_DATABASE_URL" in str(caught.value)


def test_rows_that_postgresql_cannot_keep_leave_nothing_there(source: Flask, settings: Settings):
    with source.app_context():
        db.session.scalar(select(Case)).notes = "with a zero: \0"
        db.session.commit()
    with pytest.raises(MoveError, match=r"cannot be kept in postgresql://.*: .*NUL"):
        moved(source, settings)
    with source.app_context(), opening.elsewhere(settings), db.engine.connect() as connection:
        assert copying.occupied(connection) == []


def test_rows_that_arrive_otherwise_are_noticed(source: Flask, settings: Settings, monkeypatch):
    def copy_wrongly(reading, writing) -> dict:
        copied = copy(reading, writing)
        writing.execute(db.update(Case).values(stain="Wright"))
        return copied

    copy = copying.copy
    monkeypatch.setattr(copying, "copy", copy_wrongly)
    with pytest.raises(MoveError, match=r"The rows of cases in postgresql://.* are not those"):
        moved(source, settings)
    with source.app_context(), opening.elsewhere(settings), db.engine.connect() as connection:
        assert copying.occupied(connection) == []


def test_a_trail_that_was_altered_before_is_told(source: Flask, settings: Settings):
    with source.app_context():
        tamper("UPDATE audit_entries SET account_name = 'eve' WHERE number = 2")
    assert any("Row 2 was changed" in one for one in moved(source, settings).verdict.findings)


def test_the_commands_say_what_to_do_next(source: Flask, settings: Settings):
    shell = source.test_cli_runner()
    url = settings.database_url.get_secret_value()
    wrong = shell.invoke(args=["move-to", "mysql://a:geheim@b/c"])
    assert (wrong.exit_code, "geheim" in wrong.output) == (2, False)

    done = shell.invoke(args=["move-to", url])
    assert done.exit_code == 0
    assert "tables to postgresql:///" in done.output
    assert "set LEUKOSCOPE_DATABASE_URL" in done.output
    assert "s3cret" not in done.output
    again = shell.invoke(args=["move-to", url])
    assert (again.exit_code, "is not empty" in again.output) == (1, True)
