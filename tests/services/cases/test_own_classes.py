"""A laboratory's own classes, from the review to what is signed."""

from collections.abc import Iterator

import pytest
from flask import Flask, current_app
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from core.taxonomy import BUILT_IN
from records import db
from records.cases.cases import Case
from records.cases.reviews import Review
from services.cases import review
from services.cases.review import RETIRED_LABEL, UNKNOWN_LABEL, ReviewError, cells_of, differential
from services.cases.sign_off import SignOff, SignOffError
from services.cases.signed_contents import digest, verify
from services.laboratory import classes
from services.laboratory.classes import cell_classes
from services.reports.contents import ReportContents, collect_report
from services.reports.sections import differences_sentence
from tests.cases import entry, open_case, put_field, sign_case
from tests.people import PASSWORD, account_named, add_account

PLASMA, MEGA = "own_plasma", "own_mega"


@pytest.fixture(autouse=True)
def _in_the_application(app: Flask) -> Iterator[None]:
    for name in ("ada", "ben"):
        add_account(app, name)
    with app.app_context():
        ada = account_named("ada")
        classes.add(ada, "Plasma cell", "plasma", "26446-5", white=True)
        classes.add(ada, "Megakaryocyte", "mega", "", white=False)
        yield


@pytest.fixture
def case() -> Case:
    made = open_case(account_named("ada").id)
    put_field(made)
    return made


@pytest.fixture
def one_reader(app: Flask) -> SignOff:
    return app.extensions["leukoscope_sign_off"]


def look(case: Case, name: str = "ada", **labels: str) -> None:
    """Name every counted cell as it is called now, but those of these numbers ("n1")."""
    counted = [cell for cell in cells_of(case) if cell.counted]
    entries = [entry(cell.id, labels.get(f"n{cell.number}", cell.label)) for cell in counted]
    review.record(case, account_named(name).id, entries)


def report(case: Case, version: int | None = None) -> ReportContents:
    return collect_report(case, current_app.config["LEUKOSCOPE"].weights_dir, version)


def retire(code: str) -> None:
    classes.retire(account_named("ada"), code)


def test_a_cell_gets_an_own_class_and_no_unknown_or_retired_one(case: Case):
    look(case, n0=PLASMA)
    cell = cells_of(case)[0]
    assert (cell.label, cell.review.label_before) == (PLASMA, "blast")

    retire(MEGA)
    ada = account_named("ada").id
    for label, sentence in (("own_none", UNKNOWN_LABEL), (MEGA, RETIRED_LABEL)):
        with pytest.raises(ReviewError, match=str(sentence)):
            review.record(case, ada, [entry(cell.id, label)])


def test_what_has_a_retired_class_keeps_it_and_gets_it_back_by_undo(case: Case):
    look(case, n0=PLASMA)
    retire(PLASMA)
    cell, ada = cells_of(case)[0], account_named("ada").id
    review.record(case, ada, [entry(cell.id, PLASMA)])
    assert cells_of(case)[0].kept

    review.record(case, ada, [entry(cell.id, "monocyte")])
    review.undo(case, ada, "ab" * 16)
    assert cells_of(case)[0].label == PLASMA


def test_an_own_class_is_part_of_the_differential_only_if_it_counts(case: Case):
    before = differential(cells_of(case), cell_classes())
    look(case, n0=PLASMA, n1=MEGA)
    now = differential(cells_of(case), cell_classes())

    assert (now.reviewers.labels[PLASMA], now.reviewers.labels[MEGA]) == (1, 1)
    assert now.reviewers.white == now.total - 1 == 3
    assert now.reviewers.per_100(MEGA) == pytest.approx(100 / 3)
    assert now.models == before.models
    assert set(now.models.labels) == set(BUILT_IN.codes), "models propose no own class"


def test_what_is_signed_has_the_classes_that_its_cells_have(case: Case, one_reader: SignOff):
    look(case, n0=PLASMA)
    signature = sign_case(one_reader, case, account_named("ada"))
    state = signature.contents["state"]

    assert state["own_classes"] == [
        {"code": PLASMA, "name": "Plasma cell", "white": True, "loinc": "26446-5"}
    ]
    assert state["by_reviewers"]["labels"][PLASMA] == 1
    assert MEGA not in state["by_reviewers"]["labels"]
    assert PLASMA not in state["by_models"]["labels"]
    assert signature.sha256 == digest(signature.contents)
    assert verify(signature).serialize() == signature.contents


def test_without_own_classes_nothing_of_them_is_signed(case: Case, one_reader: SignOff):
    look(case)
    signature = sign_case(one_reader, case, account_named("ada"))
    assert "own_classes" not in signature.contents["state"]
    assert verify(signature).snapshot.classes == BUILT_IN


def test_a_later_name_or_retirement_changes_nothing_that_is_signed(case: Case, one_reader: SignOff):
    ada = account_named("ada")
    look(case, n0=PLASMA)
    sign_case(one_reader, case, ada)
    before = report(case)
    classes.change(ada, PLASMA, "Plasmazelle", "")
    retire(PLASMA)

    after = report(case)
    assert after.snapshot == before.snapshot
    assert after.sha256 == before.sha256
    assert after.snapshot.classes.names[PLASMA] == "Plasma cell"
    one_reader.amend(case, ada, "Once more.")
    assert report(case).snapshot.classes.names[PLASMA] == "Plasmazelle"
    assert report(case, 1).snapshot == before.snapshot


def test_a_class_that_is_renamed_meanwhile_is_a_change(case: Case, one_reader: SignOff):
    ada = account_named("ada")
    look(case, n0=PLASMA)
    seen = one_reader.standing(case, ada.id).seen
    classes.change(ada, MEGA, "Megakaryozyt", "")
    assert one_reader.standing(case, ada.id).seen == seen, "no cell has that one"
    classes.change(ada, PLASMA, "Plasmazelle", "")
    with pytest.raises(SignOffError, match="changed"):
        one_reader.sign(case, ada, PASSWORD, "Seen.", seen)


def test_a_class_that_the_other_reader_took_away_still_has_its_name(app: Flask, case, settings):
    two = SignOff(app.extensions["leukoscope_accounts"], settings.weights_dir, readers=2)
    look(case, n0=PLASMA)
    sign_case(two, case, account_named("ada"))
    look(case, "ben", n0="monocyte")
    sign_case(two, case, account_named("ben"))

    contents = report(case)
    assert contents.snapshot.own_classes == ()
    sentence = differences_sentence(contents.agreement, contents.classes)
    assert "Plasma cell / Monocyte" in sentence


@pytest.mark.parametrize("label", ["owner", "Own_x", ""])
def test_the_database_takes_no_other_label(case: Case, label: str):
    look(case, n0=PLASMA)
    row = cells_of(case)[0].review
    values = {
        "key": "cd" * 16,
        "case_id": case.id,
        "analysis_id": row.analysis_id,
        "cell": "0",
        "reviewer_id": row.reviewer_id,
    }
    with pytest.raises(IntegrityError, match="ck_reviews_label"):
        db.session.execute(insert(Review).values(label=label, **values))
    db.session.rollback()
