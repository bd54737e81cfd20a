from collections.abc import Sequence

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from records import db
from records.cases import signatures
from records.cases.cases import Case
from records.cases.signatures import Amendment, Signature, SignatureRole
from tests.records.analyses.test_analyses import account, kept
from tests.records.cases.test_cases import opened


@pytest.fixture(autouse=True)
def _in_the_application(app):
    with app.app_context():
        yield


@pytest.fixture
def case() -> Case:
    return opened(account("ada"))


def signed(
    case: Case, role: str = SignatureRole.FIRST, covered: Sequence[str] = (), **values: object
) -> Signature:
    given = {"version": 1, "conclusion": "ALL", "contents": {"cells": []}, "sha256": "0" * 64}
    signature = Signature(case_id=case.id, reader_id=case.owner_id, role=role, **(given | values))
    signatures.add_signature(signature, covered)
    db.session.commit()
    return signature


def amended(case: Case, version: int = 2) -> Amendment:
    amendment = Amendment(
        case_id=case.id, version=version, opened_by=case.owner_id, reason="a cell"
    )
    signatures.add_amendment(amendment)
    db.session.commit()
    return amendment


def test_a_case_is_locked_by_the_final_signature_and_opened_by_an_amendment(case: Case):
    assert (signatures.version_of(case.id), signatures.locked(case.id)) == (1, False)
    first = signed(case, final=False)
    assert not signatures.locked(case.id)
    second = signed(case, SignatureRole.SECOND)
    assert signatures.locked(case.id)

    amendment = amended(case)
    assert (signatures.version_of(case.id), signatures.locked(case.id)) == (2, False)
    again = signed(case, version=2)
    assert signatures.locked(case.id)
    assert signatures.of_case(case.id) == [first, second, again]
    assert signatures.of_version(case.id, 2) == [again]
    assert signatures.amendments_of(case.id) == [amendment]


def test_of_two_who_sign_at_once_one_does(case: Case):
    signed(case)
    with pytest.raises(IntegrityError):
        signed(case)


def test_of_two_who_amend_at_once_one_does(case: Case):
    amended(case)
    with pytest.raises(IntegrityError):
        amended(case)


@pytest.mark.parametrize(
    ("table", "column"),
    [("signatures", "version"), ("amendments", "version"), ("signed_analyses", "signature_id")],
)
@pytest.mark.parametrize("statement", ["UPDATE {} SET {} = 9", "DELETE FROM {}"])
def test_the_database_lets_nobody_change_what_was_signed(
    case: Case, table: str, column: str, statement: str
):
    signed(case, covered=[kept(case.owner_id).id])
    amended(case)
    with pytest.raises(IntegrityError, match="append-only"):
        db.session.execute(text(statement.format(table, column)))


def test_an_analysis_was_signed_when_a_signature_covers_it_and_not_when_it_is_mentioned(case: Case):
    covered, mentioned = kept(case.owner_id), kept(case.owner_id, 1)
    signed(case, covered=[covered.id], contents={"notes": mentioned.id}, conclusion=mentioned.id)
    assert signatures.was_signed(covered.id)
    assert not signatures.was_signed(mentioned.id)


def test_the_database_keeps_an_analysis_that_was_signed(case: Case):
    covered = kept(case.owner_id)
    signed(case, covered=[covered.id])
    with pytest.raises(IntegrityError, match=r"(?i)foreign key"):
        db.session.execute(text("DELETE FROM analyses WHERE id = :id"), {"id": covered.id})


@pytest.mark.sqlite_only("a plan of SQLite")
def test_among_many_signatures_one_is_found_by_an_index(case: Case):
    analysis_ids = [kept(case.owner_id, hours).id for hours in range(200)]
    for version, analysis_id in enumerate(analysis_ids[:-1], start=1):
        signature = Signature(
            case_id=case.id,
            reader_id=case.owner_id,
            version=version,
            conclusion="",
            contents={"state": "x" * 1000},
            sha256="0" * 64,
        )
        signatures.add_signature(signature, [analysis_id])
    assert all(map(signatures.was_signed, analysis_ids[:-1]))
    assert not signatures.was_signed(analysis_ids[-1])

    asked = "EXPLAIN QUERY PLAN SELECT signature_id FROM signed_analyses WHERE analysis_id = 'a'"
    (plan,) = db.session.execute(text(asked))
    assert plan.detail.startswith("SEARCH signed_analyses USING INDEX ix_")
