"""Two people read a case, each for themselves, until both have signed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from records.audit.audit import Event
from records.cases import signatures
from records.cases.cases import Case
from records.cases.signatures import Signature, SignatureRole
from records.worklist import worklist
from services.cases import review
from services.cases.blinding import Stage, stage_of
from services.cases.cases import state_of
from services.cases.review import Cell, ConflictError, cells_of
from services.cases.sign_off import SignOff, SignOffError
from settings import Settings
from tests.cases import entry, open_case, put_field, sign_case
from tests.people import account_named, add_account
from tests.trail import noted


@pytest.fixture(autouse=True)
def _in_the_application(app: Flask) -> Iterator[None]:
    for name in ("ada", "ben", "cleo"):
        add_account(app, name)
    with app.app_context():
        yield


@pytest.fixture
def case() -> Case:
    made = open_case(account_named("ada").id, blind=True)
    put_field(made)
    return made


@pytest.fixture
def two(app: Flask, settings: Settings) -> SignOff:
    return SignOff(app.extensions["leukoscope_accounts"], settings.weights_dir, readers=2)


def cells(case: Case, name: str | None) -> dict[str, Cell]:
    """The cells as they stand for a person, by number."""
    account_id = name and account_named(name).id
    return {one.id.partition(".")[2]: one for one in cells_of(case, None, account_id)}


def look(case: Case, name: str, **other_labels: str) -> None:
    """Name every counted cell as the models do, but those of these numbers ("n1")."""
    entries = [
        entry(cell.id, other_labels.get(f"n{number}", cell.proposed or cell.label), based_on=None)
        for number, cell in cells(case, name).items()
        if cell.counted
    ]
    review.record(case, account_named(name).id, entries)


def sign(by: SignOff, case: Case, name: str) -> Signature:
    return sign_case(by, case, account_named(name))


def signed_apart(by: SignOff, case: Case) -> None:
    """Ada and ben sign, who differ on the first cell."""
    look(case, "ada")
    sign(by, case, "ada")
    look(case, "ben", n0="monocyte")
    sign(by, case, "ben")


def test_everybody_sees_their_own_work_and_nobody_in_particular_sees_none(case: Case):
    look(case, "ada", n0="basophil")
    look(case, "ben", n0="monocyte")
    labels = {name: cells(case, name)["0"].label for name in ("ada", "ben", "cleo", None)}
    assert labels == {"ada": "basophil", "ben": "monocyte", "cleo": "blast", None: "blast"}
    counts = {
        name: worklist.counts_of([case.id], name and account_named(name).id)[case.id].reviewed
        for name in ("ada", "cleo", None)
    }
    assert counts == {"ada": 4, "cleo": 0, None: 0}


def test_two_who_agree_lock_the_case(case: Case, two: SignOff):
    look(case, "ada")
    first = sign(two, case, "ada")
    assert (first.role, first.final, stage_of(case)) == (SignatureRole.FIRST, False, Stage.BLIND)
    look(case, "ben")
    second = sign(two, case, "ben")
    assert (second.role, second.final) == (SignatureRole.SECOND, True)
    assert (stage_of(case), state_of(case)) == (Stage.OPEN, "signed")
    assert second.contents["agreement"] == {
        "kappa": 1.0,
        "cells": 4,
        "disagreements": [],
        "blind": True,
    }


def test_the_second_must_name_the_suspicious_cells_and_is_not_told_where_they_differ(
    case: Case, two: SignOff
):
    look(case, "ada", n0="basophil")
    sign(two, case, "ada")
    standing = two.standing(case, account_named("ben").id)
    assert len(standing.missing) == 4
    assert (standing.agreement, standing.first, standing.differences) == (None, None, ())


def test_two_who_differ_decide_each_cell_before_it_is_final(case: Case, two: SignOff):
    signed_apart(two, case)
    assert (stage_of(case), state_of(case)) == (Stage.ADJUDICATION, "adjudicating")
    cleo = account_named("cleo").id
    standing = two.standing(case, cleo)
    [difference] = standing.differences
    assert (difference.first, difference.second) == ("blast", "monocyte")
    assert standing.agreement
    assert standing.agreement.kappa == pytest.approx(0.6), "3 of 4 agree, by chance 6 of 16"
    with pytest.raises(SignOffError, match="Decide every cell"):
        sign(two, case, "cleo")

    review.record(case, cleo, [entry(difference.cell.id, "lymphocyte")])
    last = sign(two, case, "cleo")
    assert (last.role, last.final) == (SignatureRole.ADJUDICATOR, True)
    [told] = last.contents["agreement"]["disagreements"]
    assert (told["first"], told["second"], told["decided"]) == ("blast", "monocyte", "lymphocyte")
    assert cells(case, None)["0"].label == "lymphocyte"


def test_a_decision_that_is_undone_is_open_again(case: Case, two: SignOff):
    signed_apart(two, case)
    ada = account_named("ada").id
    cell = cells(case, "ada")["0"].id
    kept = review.record(case, ada, [entry(cell, "blast")])
    assert not two.standing(case, ada).undecided
    review.undo(case, ada, "e" * 32, kept[0].id)
    assert two.standing(case, ada).undecided == {cell}


def test_a_cell_that_only_one_of_them_drew_is_a_difference(case: Case, two: SignOff):
    look(case, "ada")
    drawn = f"{cells(case, 'ada')['0'].analysis_id}.d0000000a"
    ada, ben = account_named("ada").id, account_named("ben").id
    review.record(case, ada, [entry(drawn, "blast", box=(10.0, 10.0, 60.0, 60.0))])
    sign(two, case, "ada")
    assert "d0000000a" not in cells(case, "ben")
    look(case, "ben")
    sign(two, case, "ben")
    [difference] = two.standing(case, ben).differences
    assert (difference.cell.id, difference.first, difference.second) == (drawn, "blast", None)
    review.record(case, ben, [entry(drawn, "not_a_cell")])
    assert sign(two, case, "ben").final


def test_what_somebody_else_said_meanwhile_never_counts(case: Case, two: SignOff):
    look(case, "ada")
    sign(two, case, "ada")
    look(case, "cleo", n0="eosinophil", n3="eosinophil")
    look(case, "ben")
    sign(two, case, "ben")
    assert {cell.label for cell in cells(case, None).values()} >= {"blast"}
    assert "eosinophil" not in {cell.label for cell in cells(case, None).values()}


def test_an_amended_case_is_blind_again_over_what_was_signed(case: Case, two: SignOff):
    signed_apart(two, case)
    cleo = account_named("cleo").id
    review.record(case, cleo, [entry(cells(case, "cleo")["0"].id, "lymphocyte")])
    sign(two, case, "cleo")
    two.amend(case, account_named("ada"), "One cell.")
    assert stage_of(case) is Stage.BLIND
    assert cells(case, "ben")["0"].label == "lymphocyte"
    review.record(case, cleo, [entry(cells(case, "cleo")["1"].id, "basophil")])
    assert cells(case, "ben")["1"].label == "blast"
    assert cells(case, "cleo")["1"].label == "basophil"


def test_the_trail_names_the_cells_and_not_their_classes(case: Case):
    look(case, "ada", n0="basophil")
    [row] = noted(Event.CORRECTION)
    assert "basophil" not in row.details
    assert len(row.known["cells"]) == 4


def test_a_word_on_a_cell_that_a_colleague_named_unseen_is_a_conflict():
    case = open_case(account_named("ada").id)
    put_field(case)
    cell = cells(case, "ada")["0"].id
    [theirs] = review.record(case, account_named("ben").id, [entry(cell, "monocyte")])
    ada = account_named("ada").id
    with pytest.raises(ConflictError) as raised:
        review.record(case, ada, [entry(cell, "basophil", based_on=None)])
    assert [one.review.label for one in raised.value.clashes] == ["monocyte"]
    assert review.record(case, ada, [entry(cell, "monocyte", based_on=None)]), "they agree"
    [mine] = review.record(case, ada, [entry(cell, "blast", based_on=theirs.id)])
    assert mine.label_before == "monocyte"
    assert not signatures.locked(case.id)
