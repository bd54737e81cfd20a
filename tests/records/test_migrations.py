import ast
import json
from collections.abc import Iterator
from datetime import date

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from sqlalchemy import JSON, String, inspect, text
from sqlalchemy.exc import IntegrityError

from app import create_app
from pages.common.formatting import quality_sentence
from records import MIGRATIONS, db
from records.accounts import accounts
from records.analyses import analyses
from records.cases import signatures
from records.migrating import downgrade, upgrade
from records.worklist.field_measures import FieldMeasures
from records.worklist.summaries import AnalysisSummary
from services.analyses.findings import cell_finding
from services.cases.summaries import summary_of
from settings import Settings
from tests.applications import put_blank_database
from tests.cases import put_cell, put_field
from tests.records.analyses.test_analyses import account
from tests.records.cases.test_cases import opened
from tests.services.analyses.fields import named_field
from tests.stand_ins import stand_in_models
from tests.watch import put_watched

LAST_BEFORE_SEVERAL_PROCESSES = 32
"""Migrations since then must let servers be replaced one after another."""


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    """The application on a database without tables."""
    put_blank_database(settings)
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
    """Autogenerate does not compare all of this: compare what the database was told."""
    upgrade()
    migrated = _described()
    db.drop_all()
    db.create_all()

    assert migrated == _described()


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
FINDINGS = text("SELECT id, finding FROM analyses").columns(id=String, finding=JSON)
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
    again = dict(db.session.execute(FINDINGS).all())
    for name in ("refused", "read"):
        assert again[name] == kept[name]
    assert again["oldest"]["reason"] == REASONS["oldest"]


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
    VALUES (:id, 'case', :version, 'ben', 'first', true, '2026-01-01 00:00:00', 'cell', :contents,
    's')
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


TAKES_AWAY = {"drop_table", "drop_column", "rename_table", "alter_column"}
"""Operations after which a server of the version before could no longer read or write."""


def taken_away(migration: str) -> list[str]:
    """Name what the upgrade of a migration's source takes from the version before it."""
    (upgrading,) = [
        each
        for each in ast.parse(migration).body
        if isinstance(each, ast.FunctionDef) and each.name == "upgrade"
    ]
    calls = [each for each in ast.walk(upgrading) if isinstance(each, ast.Call)]
    methods = [(each.func.attr, each) for each in calls if isinstance(each.func, ast.Attribute)]
    found = [name for name, _ in methods if name in TAKES_AWAY]
    found += [
        "a column that rows of before and of the version before lack"
        for name, added in methods
        if name == "add_column"
        for column in added.args
        if isinstance(column, ast.Call)
        and "nullable=False" in ast.unparse(column)
        and "server_default" not in ast.unparse(column)
    ]
    return found


@pytest.mark.parametrize(
    ("line", "takes_away"),
    [
        ("op.drop_table('cases')", True),
        ("batch.drop_column('notes')", True),
        ("op.rename_table('cases', 'smears')", True),
        ("op.add_column('cases', sa.Column('seen', sa.Integer(), nullable=False))", True),
        ("op.add_column('cases', sa.Column('seen', sa.Integer(), nullable=True))", False),
        (
            "op.add_column('cases', sa.Column('n', sa.Integer(), nullable=False, "
            "server_default='0'))",
            False,
        ),
        ("op.create_table('new', sa.Column('id', sa.Integer(), nullable=False))", False),
    ],
)
def test_what_a_migration_takes_away_is_found(line: str, takes_away: bool):
    assert bool(taken_away(f"def upgrade():\n    {line}\n")) == takes_away


def test_new_migrations_leave_servers_of_the_version_before_working():
    """Servers are replaced one after another; those of before go on meanwhile."""
    files = sorted((MIGRATIONS / "versions").glob("*.py"))
    assert len(files) > LAST_BEFORE_SEVERAL_PROCESSES
    for file in files[LAST_BEFORE_SEVERAL_PROCESSES:]:
        assert taken_away(file.read_text(encoding="utf-8")) == [], file.name


def _described() -> dict[str, list[str]]:
    """What the database says of columns, indices and constraints, in a line each."""
    inspector = inspect(db.engine)
    described = {}
    for table in db.metadata.tables:
        # Migrations filled rows of before by defaults of the database, which none needs since.
        columns = (
            {**each, "type": repr(each["type"]), "default": None}
            for each in inspector.get_columns(table)
        )
        parts = (
            columns,
            inspector.get_check_constraints(table),
            inspector.get_unique_constraints(table),
            inspector.get_foreign_keys(table),
            [
                {**each, "dialect_options": {k: str(v) for k, v in each["dialect_options"].items()}}
                for each in inspector.get_indexes(table)
            ],
        )
        described[table] = sorted(repr(sorted(each.items())) for part in parts for each in part)
    return described


def _white(label: str, blast: float, opinion: str) -> dict:
    return {"label": label, "box": [0, 0, 9, 9], "blast": blast, "second_label": opinion}


FIELDS = {
    "named by the classifier": (
        {
            "detections": [_white("wbc", 0.9, "uncertain"), _white("wbc", 0.1, "normal")],
            "counts": {"blast": 0, "wbc": 2, "smudge": 0, "rbc": 7, "platelet": 0},
            "thresholds": {"detector_blast": 0.5},
            "named_by": "classifier",
            "second_model": "1",
        },
        ("uncertain_cells", {"white": 2, "uncertain": 1, "named_by": "classifier", "other": 1}),
    ),
    "named by the detector": (
        {
            "detections": [_white("wbc", 0.1, "all_blast"), _white("wbc", 0.1, "uncertain")],
            "counts": {"blast": 0, "wbc": 2, "rbc": 0, "platelet": 0},
            "second_model": "1",
        },
        ("no_blasts", {"white": 2, "uncertain": 0, "named_by": "detector", "other": 1}),
    ),
    "read once": (
        {
            "detections": [{"label": "rbc", "box": [0, 0, 9, 9]}],
            "counts": {"blast": 0, "wbc": 0, "rbc": 1, "platelet": 0},
        },
        ("no_white_cells", {"white": 0, "uncertain": 0, "named_by": "detector", "other": None}),
    ),
}


def test_fields_kept_before_are_counted_for_lists(app: Flask):
    upgrade(revision="0005")
    db.session.execute(text(PERSON), {"id": "ben", "administrator": False})
    for name, (finding, _) in FIELDS.items():
        result = "no_blasts" if finding["counts"]["wbc"] else "no_white_cells"
        made = CELL.replace("'cell'", f"'{name}'").replace("'normal'", f"'{result}'")
        made = made.replace("'classification'", "'detection'").replace("'{}'", ":finding")
        db.session.execute(text(made), {"finding": json.dumps(finding)})
    db.session.commit()
    upgrade(revision="0016")
    values = {"id": "task", "state": "done", "analysis_id": "read once"}
    insert = TASK.replace("analysis_id)", "analysis_id, team_id, counts)", 1)
    insert = insert.replace(":analysis_id)", ":analysis_id, (SELECT id FROM teams), :counts)")
    db.session.execute(text(insert), {**values, "counts": '{"white": 0, "quality": null}'})
    db.session.commit()
    upgrade()

    for name, (finding, (result, counts)) in FIELDS.items():
        field = analyses.get(name)
        assert (field.result, field.counts) == (
            result,
            {"smudge": 0, **finding["counts"], **counts},
        )
    task = db.session.scalar(text("SELECT counts FROM field_tasks").columns(counts=JSON))
    assert (task["quality"], task["other"], task["rbc"]) == (None, None, 1)
    db.session.remove()
    downgrade(revision="0016")
    results = dict(db.session.execute(text("SELECT id, result FROM analyses")).all())
    assert results["named by the classifier"] == "no_blasts"


def test_analyses_kept_before_are_summarised_as_new_ones_are(app: Flask):
    upgrade()
    case = opened(account("ada"))
    kept = [put_field(case).id, put_cell(case).id]
    expected = {one: values_of(summary_of(analyses.get(one))) for one in kept}
    db.session.remove()
    downgrade(revision="0018")
    upgrade()
    assert {one: values_of(db.session.get_one(AnalysisSummary, one)) for one in kept} == expected


def test_fields_kept_before_are_followed_as_far_as_their_counts_tell(app: Flask):
    upgrade()
    ada = account("ada")
    case, demo = opened(ada), opened(ada, "B-2", demo=True)
    field = put_field(case, named_field(width=600, height=800))
    put_field(demo)
    put_cell(case)
    put_watched(ada, date(2026, 3, 2), result="not_readable")
    before = values_of(db.session.get_one(FieldMeasures, field.id))
    db.session.remove()
    downgrade(revision="0027")
    upgrade()
    (row,) = db.session.scalars(db.select(FieldMeasures))
    assert values_of(row) == before
    assert (row.long_side, row.white_cells, row.blasts, row.uncertain) == (800, 4, 2, 1)


def values_of(summary: AnalysisSummary | FieldMeasures) -> dict[str, object]:
    return {column.key: getattr(summary, column.key) for column in inspect(type(summary)).columns}
