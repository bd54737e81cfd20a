from datetime import date

import pytest

from records import db
from records.worklist.field_measures import (
    Blasts,
    FieldMeasures,
    agreement_of,
    blasts_of_pseudonym,
    days_of,
    sizes_of,
    working_days,
)
from tests.people import team_of
from tests.plans import plan_of
from tests.records.analyses.test_analyses import account
from tests.records.cases.test_cases import NOON, opened
from tests.services.statistics.test_laboratory import sign
from tests.watch import SIZE, put_watched

MONDAY, TUESDAY = date(2026, 3, 2), date(2026, 3, 3)


def test_a_day_adds_up_what_was_measured_and_counted(app):
    with app.app_context():
        ada = account("ada")
        put_watched(ada, MONDAY, measures={"light": 200.0}, uncertain=5)
        put_watched(ada, MONDAY, measures={"light": 220.0}, uncertain=15, white=50)
        turned = SIZE[::-1]
        put_watched(ada, TUESDAY, size=turned)
        put_watched(ada, TUESDAY, size=(800, 600))
        first, *others = days_of(team_of(ada))
        assert (first.day, first.size, first.fields) == (MONDAY, SIZE, 2)
        assert first.sums["light"] == (420.0, 2)
        assert first.sums["uncertain"] == (20, 150)
        assert first.sums["out_of_distribution"] == (0, 0)
        assert {one.size for one in others} == {SIZE, (800, 600)}
        team = team_of(ada)
        assert sizes_of([team, "none"]) == {team: {SIZE: 3, (800, 600): 1}, "none": {}}
        assert sorted(working_days(team_of(ada), TUESDAY)) == [TUESDAY]


@pytest.mark.sqlite_only("a plan of SQLite")
def test_fields_are_counted_by_size_in_an_index(app):
    with app.app_context():
        plan = plan_of(lambda: sizes_of(["a", "b"]))
    assert "COVERING INDEX ix_field_measures_team_id_long_side_short_side" in plan


def test_measures_go_with_their_field(app):
    with app.app_context():
        field = put_watched(account("ada"), MONDAY)
        assert db.session.get(FieldMeasures, field.id) is not None
        db.session.expunge_all()
        db.session.execute(db.text("DELETE FROM analyses"))
        db.session.commit()
        assert db.session.get(FieldMeasures, field.id) is None


def test_cells_of_one_pseudonym_are_counted_by_day(app):
    with app.app_context():
        ada = account("ada")
        slide, again, other = opened(ada, "QC-1"), opened(ada, "qc-1"), opened(ada, "QC-10")
        for case, blasts in ((slide, 20), (again, 24), (other, 90)):
            put_watched(ada, MONDAY, case.id, blast=blasts)
        assert blasts_of_pseudonym(slide) == [Blasts(MONDAY, 44, 200)]


def test_agreement_is_of_the_day_of_the_first_final_signature(app):
    with app.app_context():
        ada = account("ada")
        first, second = opened(ada), opened(ada, "B-2")
        sign(first.id, ada, NOON)
        sign(second.id, ada, NOON, compared=10, agreed=10)
        sign(first.id, ada, NOON, version=2, compared=50, agreed=0)
        assert agreement_of(team_of(ada)) == {NOON.date(): (16, 18)}
