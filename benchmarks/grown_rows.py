"""An installation grown over two years: its rows, made by the database from a few real cases.

The program itself opens, reads, reviews and signs some cases. SQL then copies their rows as often
as wanted, with ids, people, times and signatures of their own: so that the copies have the columns
and the JSON that the program writes, and a new column needs no change here. Copies share the
pictures of the case that they are of.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import psycopg
import rfc8785
from flask import Flask

from benchmarks.reading_room import keep, read
from models.findings import Detection, FieldFindings
from records import db, utc_now
from records.accounts.accounts import Account, Role, new_id
from records.analyses import analyses
from records.analyses.field_tasks import FieldTask
from records.cases.cases import Case
from records.cases.signatures import Signature
from records.tasks import TaskState
from services.analyses.batches import counts_of
from services.cases.review import Entry, cells_of, record
from services.cases.sign_off import SignOff
from tests.cases import sign_case
from tests.people import account_named, add_account
from tests.stand_ins import drawn_field

FIELDS = 5
"""Fields of a case."""

WHITE_CELLS, RED_CELLS = 10, 20
"""Cells of a field: those that are reviewed, and those beside them."""

THRESHOLDS = {"blast": 0.5}
PEOPLE = 5
"""Accounts of a team."""

DAYS = 730
ADMINISTRATOR = "ada"
"""The name of the administrator, who is a reviewer of the largest team."""

LARGEST_SHARE = 0.1
"""The share of all cases that the largest team has."""

UNSIGNED_SHARE = 0.05
"""The share of all cases that is still to be signed, the newest."""


@dataclass(frozen=True)
class Size:
    """How many rows there are to be; `analyses` is a multiple of `FIELDS`."""

    teams: int = 200
    analyses: int = 100_000
    entries: int = 10_000_000

    @property
    def cases(self) -> int:
        """How many cases hold the analyses."""
        return self.analyses // FIELDS

    @property
    def white_cells(self) -> int:
        """How many white cells are in all fields."""
        return self.analyses * WHITE_CELLS

    def of(self, share: float) -> Size:
        """Return a smaller size, with as many teams."""
        return Size(
            self.teams,
            FIELDS * round(self.analyses * share / FIELDS),
            round(self.entries * share),
        )


def fill(app: Flask, url: str, size: Size) -> None:
    """Fill an empty installation, but for its audit trail (`benchmarks.grown_trail`)."""
    with app.app_context():
        templates = _templates(app)
        signed = {case_id: _signed_text(case_id) for case_id in templates[:2]}
        db.session.remove()
    with psycopg.connect(url) as connection:
        connection.execute("SET synchronous_commit = off")
        _copy_people(connection, size)
        _plan(connection, size, templates)
        for statement in _COPIES:
            connection.execute(statement)
        _copy_signatures(connection, signed)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")


def _templates(app: Flask) -> list[str]:
    """Open cases by the program itself: two signed, one in review, one open; their ids."""
    owner_id = add_account(app, ADMINISTRATOR)
    colleague_id = add_account(app, "ben")
    db.session.get_one(Account, colleague_id).role = Role.REVIEWER
    db.session.commit()
    made = [_case(app, owner_id, number) for number in range(4)]
    for case in made[:3]:
        cells = cells_of(case)
        named = cells if case in made[:2] else cells[: len(cells) // 2]
        record(case, owner_id, [Entry(new_id(), each.id, _label(each.proposed)) for each in named])
    sign_off: SignOff = app.extensions["leukoscope_sign_off"]
    for case in made[:2]:
        sign_case(sign_off, case, account_named(ADMINISTRATOR), "No blasts beyond those named.")
    return [case.id for case in made]


def _label(proposed: str | None) -> str:
    return proposed if proposed == "blast" else "lymphocyte"


def _case(app: Flask, owner_id: str, number: int) -> Case:
    case = Case(owner_id=owner_id, pseudonym=f"Alder-{number}", specimen="blood")
    db.session.add(case)
    db.session.flush()
    for field in range(FIELDS):
        found = _found(FIELDS * number + field)
        keep(app.config["LEUKOSCOPE"].instance_dir, owner_id, case.id, drawn_field(), found)
    db.session.flush()
    for analysis in analyses.of_case(case.id):
        done = FieldTask(
            **{name: getattr(analysis, name) for name in ("owner_id", "batch_id", "case_id")},
            **{name: getattr(analysis, name) for name in ("file_name", "sha256", "created_at")},
            id=analysis.id,
            state=TaskState.DONE,
            attempts=1,
            started_at=analysis.created_at,
            analysis_id=analysis.id,
            counts=counts_of(analysis),
        )
        db.session.add(done)
    db.session.commit()
    return case


def _found(seed: int) -> FieldFindings:
    """Make up the cells of a field."""
    chance = np.random.default_rng(seed)
    height, width = drawn_field().shape[:2]
    corners = chance.integers((0, 0), (width - 40, height - 40), (WHITE_CELLS + RED_CELLS, 2))
    boxes = [(float(x), float(y), float(x + 40), float(y + 40)) for x, y in corners]
    white = [read(box, chance) for box in boxes[:WHITE_CELLS]]
    red = [Detection(box, "rbc", 0.9) for box in boxes[WHITE_CELLS:]]
    cells = (*white, *red)
    return FieldFindings(width, height, cells, "drawn", thresholds=THRESHOLDS, classifier="drawn")


def _signed_text(case_id: str) -> str:
    """Return what was signed of a case as the text that its hash is of.

    It has CASE for the id of the case, and that of each field as `_plan` makes them of PREFIX: in
    the order of before, so that sorted keys stay sorted.
    """
    signature = db.session.scalars(db.select(Signature).filter_by(case_id=case_id)).one()
    text = rfc8785.dumps(signature.contents).decode().replace(case_id, "CASE")
    for number, field_id in enumerate(sorted(analyses.ids_of_case(case_id)), 1):
        text = text.replace(field_id, f"PREFIX{number:02x}")
    return text


def _copy_people(connection: psycopg.Connection, size: Size) -> None:
    connection.execute(
        """
        CREATE TEMP TABLE made_teams AS
        SELECT 0 AS number, (SELECT team_id FROM accounts WHERE name = %(administrator)s) AS id
        UNION ALL SELECT number, md5('team ' || number) FROM generate_series(1, %(others)s) number
        """,
        {"administrator": ADMINISTRATOR, "others": size.teams - 1},
    )
    connection.execute(
        """
        INSERT INTO teams SELECT made.* FROM teams CROSS JOIN made_teams,
        jsonb_populate_record(teams, jsonb_build_object('id', made_teams.id,
            'name', 'Laboratory ' || number, 'name_key', 'laboratory ' || number)) made
        WHERE number > 0 AND teams.id = (SELECT id FROM made_teams WHERE number = 0)
        """
    )
    connection.execute(
        """
        CREATE TEMP TABLE made_people AS
        SELECT number AS team, place, made_teams.id AS team_id,
            md5('person ' || number || ' ' || place) AS id,
            'person ' || number || '-' || place AS name
        FROM made_teams CROSS JOIN generate_series(0, %s) place
        """,
        [PEOPLE - 1],
    )
    connection.execute(
        """
        INSERT INTO accounts SELECT made.* FROM accounts CROSS JOIN made_people,
        jsonb_populate_record(accounts, jsonb_build_object('id', made_people.id,
            'name', made_people.name, 'name_key', made_people.name,
            'team_id', made_people.team_id)) made
        WHERE accounts.name = 'ben'
        """
    )


def _plan(connection: psycopg.Connection, size: Size, templates: Sequence[str]) -> None:
    """Decide of each case to come: which it is a copy of, whose, when; and number its fields."""
    end = utc_now().replace(tzinfo=None)
    connection.execute(
        """
        CREATE TEMP TABLE templates AS
        SELECT case_id, template - 1 AS template,
            (SELECT count(*) FROM reviews WHERE reviews.case_id = each.case_id) AS reviews
        FROM unnest(%s::text[]) WITH ORDINALITY AS each (case_id, template)
        """,
        [list(templates)],
    )
    connection.execute(
        """
        CREATE TEMP TABLE made_cases AS
        SELECT number, templates.case_id AS template_id, md5('case ' || number) AS id,
            people.team_id, people.id AS owner_id, readers.id AS reader_id, at,
            0::bigint AS first_review
        FROM (
            SELECT number, %(start)s::timestamp + number * %(step)s::interval AS at,
                CASE WHEN number > %(signed)s THEN 2 + number %% 2 ELSE number %% 2 END AS template,
                CASE WHEN number %% %(every)s = 0 THEN 0 ELSE number %% %(teams)s END AS team,
                number / %(teams)s %% %(people)s AS place
            FROM generate_series(1, %(cases)s) number
        ) planned
        JOIN templates USING (template)
        JOIN made_people people ON (people.team, people.place) = (planned.team, planned.place)
        JOIN made_people readers ON (readers.team, readers.place) = (planned.team, 0)
        """,
        _planned(size, end),
    )
    connection.execute(_NUMBER_REVIEWS)
    connection.execute(
        """
        CREATE TEMP TABLE made_fields AS
        SELECT analyses.id AS template_id, made_cases.id AS case_id, made_cases.team_id,
            made_cases.owner_id,
            made_cases.at + row_number() OVER fields * interval '1 minute' AS at,
            left(made_cases.id, 30) || lpad(to_hex(row_number() OVER fields), 2, '0') AS id
        FROM made_cases JOIN analyses ON analyses.case_id = made_cases.template_id
        WINDOW fields AS (PARTITION BY made_cases.id ORDER BY analyses.id)
        """
    )
    connection.execute("CREATE INDEX ON made_fields (case_id, template_id)")
    connection.execute("ANALYZE")


def _planned(size: Size, end: datetime) -> dict[str, object]:
    return {
        "start": end - timedelta(days=DAYS),
        "step": timedelta(days=DAYS) / size.cases,
        "signed": round(size.cases * (1 - UNSIGNED_SHARE)),
        "every": round(1 / LARGEST_SHARE),
        "teams": size.teams,
        "people": PEOPLE,
        "cases": size.cases,
    }


_NUMBER_REVIEWS = """
    UPDATE made_cases SET first_review = counted.before
    FROM (
        SELECT number, (SELECT coalesce(max(id), 0) FROM reviews)
            + sum(reviews) OVER (ORDER BY number) - reviews AS before
        FROM made_cases JOIN templates ON templates.case_id = template_id
    ) counted
    WHERE counted.number = made_cases.number
"""

_COPIES = (
    """
    INSERT INTO cases SELECT made.* FROM made_cases
    JOIN cases ON cases.id = made_cases.template_id,
    jsonb_populate_record(cases, jsonb_build_object('id', made_cases.id,
        'owner_id', made_cases.owner_id, 'team_id', made_cases.team_id,
        'assignee_id', CASE WHEN number % 3 = 0 THEN reader_id END,
        'pseudonym', 'Alder-' || number * 7 / 10, 'accession', 'S' || lpad(number::text, 8, '0'),
        'priority', CASE WHEN number % 20 = 0 THEN 'urgent' ELSE 'routine' END,
        'folded', 'alder-' || number * 7 / 10 || E'\\ns' || lpad(number::text, 8, '0') || E'\\n',
        'form_key', NULL, 'created_at', at)) made
    """,
    """
    INSERT INTO analyses SELECT made.* FROM made_fields
    JOIN analyses ON analyses.id = template_id,
    jsonb_populate_record(analyses, jsonb_build_object('id', made_fields.id,
        'owner_id', made_fields.owner_id, 'team_id', made_fields.team_id,
        'case_id', made_fields.case_id, 'batch_id', md5(made_fields.case_id),
        'sha256', md5(made_fields.id) || md5(made_fields.case_id), 'created_at', at,
        'file_name', 'field-' || right(made_fields.id, 2) || '.png')) made
    """,
    """
    INSERT INTO analysis_summaries SELECT made.* FROM made_fields
    JOIN analysis_summaries ON analysis_id = template_id,
    jsonb_populate_record(analysis_summaries, jsonb_build_object('analysis_id', made_fields.id,
        'folded_name', 'field-' || right(made_fields.id, 2) || '.png')) made
    """,
    """
    INSERT INTO field_measures SELECT made.* FROM made_fields
    JOIN field_measures ON analysis_id = template_id,
    jsonb_populate_record(field_measures, jsonb_build_object('analysis_id', made_fields.id,
        'team_id', made_fields.team_id, 'day', at::date)) made
    """,
    """
    INSERT INTO field_tasks SELECT made.* FROM made_fields
    JOIN field_tasks ON field_tasks.id = template_id,
    jsonb_populate_record(field_tasks, jsonb_build_object('id', made_fields.id,
        'analysis_id', made_fields.id, 'owner_id', made_fields.owner_id,
        'team_id', made_fields.team_id, 'case_id', made_fields.case_id,
        'batch_id', md5(made_fields.case_id), 'created_at', at, 'started_at', at,
        'sha256', md5(made_fields.id) || md5(made_fields.case_id))) made
    """,
    # Materialised: the table that grows meanwhile would be read again for every row.
    """
    WITH originals AS MATERIALIZED (
        SELECT reviews AS original, case_id, analysis_id, key,
            row_number() OVER (PARTITION BY case_id ORDER BY id) AS place
        FROM reviews
    )
    INSERT INTO reviews SELECT made.* FROM made_cases
    JOIN originals ON originals.case_id = template_id
    JOIN made_fields ON (made_fields.case_id, made_fields.template_id)
        = (made_cases.id, analysis_id),
    jsonb_populate_record(original, jsonb_build_object('case_id', made_cases.id,
        'id', first_review + place, 'key', md5(made_cases.id || key),
        'analysis_id', made_fields.id, 'reviewer_id', reader_id,
        'at', made_cases.at + interval '1 hour')) made
    """,
    "SELECT setval(pg_get_serial_sequence('reviews', 'id'), (SELECT max(id) FROM reviews))",
)


def _copy_signatures(connection: psycopg.Connection, signed: Mapping[str, str]) -> None:
    """Sign the copies of signed cases: the contents name their own ids, the hash is of these."""
    connection.execute(
        """
        CREATE TEMP TABLE signed_texts AS
        SELECT * FROM unnest(%s::text[], %s::text[]) AS each (template_id, contents)
        """,
        [list(signed), list(signed.values())],
    )
    for statement in _SIGNATURES:
        connection.execute(statement)


_SIGNATURES = (
    """
    CREATE TEMP TABLE made_signatures AS
    SELECT made_cases.id AS case_id, template_id,
        replace(replace(contents, 'CASE', made_cases.id), 'PREFIX', left(made_cases.id, 30))
            AS contents,
        (SELECT max(id) FROM signatures) + row_number() OVER (ORDER BY number) AS id
    FROM made_cases JOIN signed_texts USING (template_id)
    """,
    """
    INSERT INTO signatures SELECT made.* FROM made_signatures
    JOIN made_cases ON made_cases.id = made_signatures.case_id
    JOIN signatures ON signatures.case_id = made_signatures.template_id,
    jsonb_populate_record(signatures, jsonb_build_object('id', made_signatures.id,
        'case_id', made_cases.id, 'reader_id', made_cases.reader_id,
        'at', made_cases.at + (1 + number % 48) * interval '1 hour',
        'contents', made_signatures.contents::jsonb,
        'sha256', encode(sha256(convert_to(made_signatures.contents, 'UTF8')), 'hex'))) made
    """,
    """
    INSERT INTO signed_analyses SELECT made_signatures.id, made_fields.id
    FROM made_signatures JOIN made_fields USING (case_id)
    """,
    """
    INSERT INTO signed_counts SELECT made.* FROM made_signatures
    JOIN signatures ON signatures.case_id = made_signatures.template_id
    JOIN signed_counts ON signature_id = signatures.id,
    jsonb_populate_record(signed_counts,
        jsonb_build_object('signature_id', made_signatures.id)) made
    """,
    "SELECT setval(pg_get_serial_sequence('signatures', 'id'), (SELECT max(id) FROM signatures))",
)
