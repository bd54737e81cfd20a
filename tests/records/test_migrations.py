import json
from collections.abc import Iterator

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import inspect, text
from sqlalchemy.exc import IntegrityError

from app import create_app
from pages.common.formatting import quality_sentence
from records import MIGRATIONS, db
from records.accounts import accounts
from records.analyses import analyses
from records.cases import signatures
from services.analyses.findings import cell_finding
from settings import Settings
from tests.stand_ins import stand_in_models


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    """The application on a database without tables."""
    app = create_app(settings, stand_in_models())
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


def test_the_migrated_tables_are_those_of_the_program(app: Flask):
    upgrade()

    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, db.metadata) == []


def test_the_constraints_are_those_of_the_program(app: Flask):
    """Autogenerate does not compare check constraints: compare what SQLite was told."""
    upgrade()
    migrated = _constraints()
    db.drop_all()
    db.create_all()

    assert migrated == _constraints()


def test_every_migration_can_be_taken_back(app: Flask):
    upgrade()
    downgrade(revision="base")
    assert inspect(db.engine).get_table_names() == ["alembic_version"]

    upgrade()
    assert set(inspect(db.engine).get_table_names()) >= set(db.metadata.tables)


def test_migrating_again_changes_nothing(app: Flask):
    upgrade()
    upgrade()

    assert "accounts" in inspect(db.engine).get_table_names()


PERSON = """INSERT INTO accounts
    (id, name, name_key, password_hash, status, is_administrator, created_at)
    VALUES (:id, :id, :id, 'hash', 'active', :administrator, '2026-01-01 00:00:00')"""
CELL = """INSERT INTO analyses (id, owner_id, batch_id, kind, created_at, file_name, file_format,
    file_bytes, sha256, width, height, notes, result, finding, model_version, image_name,
    thumbnail_name)
    VALUES ('cell', 'ben', 'b', 'classification', '2026-01-01 00:00:00', 'f', 'PNG', 1, 's', 1, 1,
    '[]', 'normal', '{}', '1', 'i', 't')"""


def test_who_was_there_before_roles_and_teams_keeps_what_they_could_do(app: Flask):
    upgrade(revision="0005")
    for account_id, administrator in (("ada", True), ("ben", False)):
        db.session.execute(text(PERSON), {"id": account_id, "administrator": administrator})
    db.session.execute(text(CELL))
    db.session.commit()
    upgrade()

    ada, ben = (accounts.get_account(account_id) for account_id in ("ada", "ben"))
    assert (ada.role, ada.is_administrator) == ("reviewer", True)
    assert (ben.role, ben.is_administrator) == ("reader", False)
    assert not ben.must_change_password
    assert ada.team_id == ben.team_id
    assert analyses.find_in_team(ada.team_id, "cell").owner is ben

    db.session.remove()
    downgrade(revision="0005")
    assert db.session.scalar(text("SELECT owner_id FROM analyses")) == "ben"


REFUSED = {"label": None, "probability": None, "usable": False, "model": "1"}
CELLS = {
    "oldest": ("not_usable", REFUSED),
    "refused": ("not_usable", {**REFUSED, "can_insist": True}),
    "read": (
        "normal",
        {**REFUSED, "label": "normal", "usable": True, "insisted": True, "familiar": False},
    ),
    "unknown": ("not_usable", REFUSED),
}
REASONS = {
    "oldest": "The image is only 20 × 31 pixels. Crop the cell from a larger original: at least "
    "32 pixels a side.",
    "refused": "The cell is out of focus. Focus on it and take the image again.",
    "read": "The cell is cut off by the image's edge. Crop it again, with a little around it.",
    "unknown": "The image is upside down.",
}
CODES = {"oldest": None, "refused": "blurred", "read": "cut_off", "unknown": None}


def test_kept_reasons_become_codes_and_are_shown_as_before(app: Flask):
    upgrade(revision="0005")
    db.session.execute(text(PERSON), {"id": "ben", "administrator": False})
    kept = {}
    for name, (result, finding) in CELLS.items():
        code = {"code": CODES[name]} if CODES[name] else {}
        kept[name] = {**finding, "reason": REASONS[name], **code}
        made = CELL.replace("'cell'", f"'{name}'").replace("'normal'", f"'{result}'")
        made = made.replace("'s', 1, 1", "'s', 20, 31").replace("'{}'", ":finding")
        db.session.execute(text(made), {"finding": json.dumps(kept[name])})
    db.session.commit()
    upgrade()

    found = {name: cell_finding(analyses.get(name)) for name in CELLS}
    assert {name: one.code for name, one in found.items()} == {
        **CODES,
        "oldest": "too_small",
    }
    assert quality_sentence(found["oldest"]) == REASONS["oldest"]
    assert quality_sentence(found["read"]) == REASONS["read"]
    assert (found["refused"].can_override, found["read"].overridden) == (True, True)
    assert found["read"].in_distribution is False
    assert analyses.get("unknown").finding["reason"] == REASONS["unknown"]

    db.session.remove()
    downgrade(revision="0011")
    again = dict(db.session.execute(text("SELECT id, finding FROM analyses")).all())
    for name in ("refused", "read"):
        assert json.loads(again[name]) == kept[name]
    assert json.loads(again["oldest"])["reason"] == REASONS["oldest"]


TASK = """INSERT INTO field_tasks (id, state, done, total, attempts, created_at, owner_id, batch_id,
    file_name, analysis_id) VALUES (:id, :state, 0, 0, 0, '2026-01-01 00:00:00', 'ben', 'b', 'f',
    :analysis_id)"""


def test_fields_sent_before_go_to_the_team_of_their_analysis(app: Flask):
    upgrade(revision="0005")
    db.session.execute(text(PERSON), {"id": "ben", "administrator": False})
    db.session.execute(text(CELL))
    db.session.commit()
    upgrade(revision="0009")
    for state, analysis_id in (("done", "cell"), ("waiting", None)):
        values = {"id": state, "state": state, "analysis_id": analysis_id}
        db.session.execute(text(TASK), values)
    former = db.session.scalar(text("SELECT team_id FROM analyses"))
    db.session.execute(
        text("""INSERT INTO teams (id, name, name_key, created_at)
        VALUES ('night', 'night', 'night', '2026-01-01 00:00:00')""")
    )
    db.session.execute(text("UPDATE accounts SET team_id = 'night'"))
    db.session.commit()
    upgrade()

    teams = dict(db.session.execute(text("SELECT state, team_id FROM field_tasks")).all())
    assert teams == {"done": former, "waiting": "night"}


SIGNED_CASE = """INSERT INTO cases
    (id, owner_id, team_id, pseudonym, specimen, stain, magnification, notes, created_at)
    VALUES ('case', 'ben', :team, 'A-1', 'blood', '', '', '', '2026-01-01 00:00:00')"""
SIGNATURE = """INSERT INTO signatures
    (id, case_id, version, reader_id, role, final, at, conclusion, contents, sha256)
    VALUES (:id, 'case', :version, 'ben', 'first', 1, '2026-01-01 00:00:00', 'cell', :contents, 's')
    """


def test_analyses_that_were_signed_before_are_known_as_such(app: Flask):
    """Those that a signed version names as its images, in any of many versions."""
    upgrade(revision="0005")
    db.session.execute(text(PERSON), {"id": "ben", "administrator": False})
    for analysis_id in ("cell", "second", "mentioned"):
        db.session.execute(text(CELL.replace("'cell',", f"'{analysis_id}',")))
    db.session.commit()
    upgrade(revision="0011")
    team = db.session.scalar(text("SELECT id FROM teams"))
    db.session.execute(text(SIGNED_CASE), {"team": team})
    images = {1: ["cell", "deleted since"], 2: ["cell"], 60: ["cell", "second"]}
    for version in range(1, 101):
        state = {"images": [{"id": each} for each in images.get(version, [])]}
        contents = json.dumps({"conclusion": "mentioned", "state": state})
        values = {"id": version, "version": version, "contents": contents}
        db.session.execute(text(SIGNATURE), values)
    db.session.execute(text(SIGNATURE), {"id": 101, "version": 101, "contents": "{}"})
    db.session.commit()
    upgrade()

    known = {each: signatures.was_signed(each) for each in ("cell", "second", "mentioned")}
    assert known == {"cell": True, "second": True, "mentioned": False}
    rows = db.session.execute(text("SELECT signature_id, analysis_id FROM signed_analyses"))
    assert sorted(map(tuple, rows)) == [(1, "cell"), (2, "cell"), (60, "cell"), (60, "second")]
    with pytest.raises(IntegrityError, match="append-only"):
        db.session.execute(text("DELETE FROM signed_analyses"))


def test_the_migrations_are_one_line():
    assert len(ScriptDirectory(str(MIGRATIONS)).get_heads()) == 1


def _constraints() -> dict[str, list]:
    inspector = inspect(db.engine)
    return {
        table: sorted(
            (constraint["name"], constraint["sqltext"])
            for constraint in inspector.get_check_constraints(table)
        )
        for table in db.metadata.tables
    }
