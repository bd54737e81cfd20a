"""Which signed cells are references of a class, and for whom."""

from __future__ import annotations

import io
from itertools import count
from typing import Any

import numpy as np
import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image

from core.geometry import Box
from imaging.images import RgbImage
from records import db
from records.accounts.accounts import Role
from records.analyses.analyses import Analysis
from records.cases import signatures
from records.cases.cases import Case
from records.cases.signatures import Signature
from services.analyses.thumbnails import SIDE
from services.cases import references
from services.cases.references import IN_A_ROW, OF_ONE_CASE, References
from services.cases.review import cells_of, record
from tests.cases import entry, open_case, put_cell, put_field, sign_case
from tests.people import account_named, add_account, move

NUMBERS = count()


class StandInThumbnails:
    """Pictures of one colour, of whatever cell was not lost."""

    def __init__(self) -> None:
        self.gone: set[str] = set()
        self.shown: list[str] = []

    def cell(self, analysis: Analysis, name: str, box: Box) -> RgbImage:
        if analysis.id in self.gone:
            raise FileNotFoundError
        self.shown.append(f"{analysis.id}.{name}")
        return np.full((SIDE, SIDE, 3), 100, np.uint8)


class Team:
    """ada's team: its open case, and cases that she signed."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.thumbnails = StandInThumbnails()
        self.references = References(self.thumbnails)
        self.open = self.case()

    def case(self, name: str = "ada", **values: object) -> Case:
        """A case with a field of four counted cells, the first cut by the edge."""
        case = open_case(account_named(name).id, **values)
        field = put_field(case)
        field.sha256 = f"{next(NUMBERS):064x}"
        db.session.commit()
        return case

    def signed(self, label: str = "monocyte", name: str = "ada", **values: object) -> Case:
        """A case all of whose cells were named so, and signed."""
        case = self.case(name, **values)
        self.name(case, label, name)
        self.sign(case, name)
        return case

    def name(self, case: Case, label: str, name: str = "ada") -> None:
        counted = [cell for cell in cells_of(case) if cell.counted]
        record(case, account_named(name).id, [entry(cell.id, label) for cell in counted])

    def sign(self, case: Case, name: str = "ada") -> Signature:
        return sign_case(self.app.extensions["leukoscope_sign_off"], case, account_named(name))

    def row(self, label: str = "monocyte", case: Case | None = None) -> list[str]:
        """The cases whose cells are shown to who reads the open case, or another."""
        found = self.references.row(case or self.open, label)
        return list(found.cases) if found else []

    def count(self, label: str = "monocyte") -> int:
        found = self.references.row(self.open, label)
        assert found
        width, height = Image.open(io.BytesIO(found.picture)).size
        assert height == SIDE
        return width // SIDE


def put_signature(case: Case, contents: dict[str, Any], final: bool = True) -> None:
    """Sign a case, whatever it says."""
    told = {"version": 1, "conclusion": "", "sha256": "", "final": final}
    signature = Signature(case_id=case.id, reader_id=case.owner_id, contents=contents, **told)
    signatures.add_signature(signature, [])
    db.session.commit()


@pytest.fixture
def team(app: Flask, signed_in: FlaskClient):
    with app.app_context():
        yield Team(app)


def test_cells_come_from_the_newest_cases_at_most_two_of_each(team: Team):
    cases = [team.signed().id for _ in range(4)]
    assert team.row() == cases[:0:-1]
    assert (team.count(), OF_ONE_CASE) == (IN_A_ROW, 2)
    assert team.row("blast") == []


def test_what_is_not_signed_or_nobody_named_is_no_reference(team: Team):
    team.name(team.case(), "monocyte")
    case = team.case()
    (blast, *_) = [cell for cell in cells_of(case) if cell.proposed == "blast" and not cell.at_edge]
    record(case, account_named("ada").id, [entry(blast.id, "eosinophil")])
    for cell in cells_of(case):
        if cell.counted and not cell.seen:
            record(case, account_named("ada").id, [entry(cell.id, "unclassified")])
    team.sign(case)
    assert (team.row(), team.row("unclassified")) == ([], [])
    assert team.row("eosinophil") == [case.id]
    assert team.thumbnails.shown == [blast.id]


def test_a_cell_cut_by_the_edge_is_no_reference(team: Team):
    case = team.signed()
    cut = {cell.id for cell in cells_of(case) if cell.at_edge}
    assert cut
    team.row()
    assert team.thumbnails.shown
    assert cut.isdisjoint(team.thumbnails.shown)


def test_images_of_single_cells_are_references_too(team: Team):
    case = open_case(account_named("ada").id)
    image = put_cell(case)
    team.name(case, "blast")
    team.sign(case)
    assert team.row("blast") == [case.id]
    assert team.thumbnails.shown == [f"{image.id}.0"]


def test_another_teams_cells_and_demos_are_never_shown(app: Flask, team: Team):
    add_account(app, "ben")
    move(app, "ben", "another team")
    account_named("ben").role = Role.REVIEWER
    db.session.commit()
    elsewhere, demo = team.signed(name="ben"), team.signed()
    demo.demo = True
    db.session.commit()
    assert team.row() == []
    assert team.row(case=team.case("ben")) == [elsewhere.id]


def test_the_case_that_is_read_shows_nothing_of_itself(team: Team):
    case = team.signed()
    assert team.row() == [case.id]
    team.app.extensions["leukoscope_sign_off"].amend(case, account_named("ada"), "a cell")
    assert team.row(case=case) == []


def test_cells_of_a_file_that_the_case_has_too_are_left_out(team: Team):
    case = team.signed()
    (own,) = db.session.scalars(db.select(Analysis).filter_by(case_id=team.open.id))
    (other,) = db.session.scalars(db.select(Analysis).filter_by(case_id=case.id))
    own.sha256 = other.sha256
    db.session.commit()
    assert team.row() == []
    assert team.row(case=team.case()) == [case.id]


def test_what_the_first_of_two_reviewers_signed_shows_nothing(team: Team):
    kept, blind = team.signed(), team.case(blind=True)
    (signature,) = signatures.of_case(kept.id)
    put_signature(blind, signature.contents, final=False)
    assert team.row() == [kept.id]


def test_the_newest_signed_version_counts(team: Team):
    case = team.signed("monocyte")
    assert team.row() == [case.id]
    team.app.extensions["leukoscope_sign_off"].amend(case, account_named("ada"), "a cell")
    team.name(case, "lymphocyte")
    assert (team.row(), team.row("lymphocyte")) == ([case.id], [])
    team.sign(case)
    assert (team.row(), team.row("lymphocyte")) == ([], [case.id])


def test_where_an_image_is_gone_the_next_cells_are_shown(team: Team):
    cases = [team.signed().id for _ in range(4)]
    (lost,) = db.session.scalars(db.select(Analysis).filter_by(case_id=cases[-1]))
    team.thumbnails.gone = {lost.id}
    assert team.row() == cases[2::-1]
    assert team.count() == IN_A_ROW


def test_a_signature_is_read_once_and_none_beyond_those_needed(team: Team, monkeypatch):
    for _ in range(4):
        team.signed()
    read = []
    get = signatures.get
    monkeypatch.setattr(signatures, "get", lambda one: read.append(one) or get(one))
    team.row()
    team.row()
    assert len(read) == len(set(read)) == 3
    team.row("blast")
    assert len(read) == len(set(read)) == 4


def test_only_the_newest_cases_are_looked_through(team: Team, monkeypatch):
    monkeypatch.setattr(references, "NEWEST", 1)
    cases = [team.signed().id for _ in range(2)]
    assert team.row() == cases[1:]


def test_what_was_altered_is_left_out(team: Team):
    case, kept = team.case(), team.signed()
    put_signature(case, {})
    assert team.row() == [kept.id]
