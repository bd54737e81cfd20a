import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from records import db
from records.cases import signatures
from records.cases.cases import Case
from records.cases.signatures import FIRST, SECOND, Amendment, Signature
from tests.records.analyses.test_analyses import account
from tests.records.cases.test_cases import opened


@pytest.fixture(autouse=True)
def _in_the_application(app):
    with app.app_context():
        yield


@pytest.fixture
def case() -> Case:
    return opened(account("ada"))


def signed(case: Case, role: str = FIRST, **values: object) -> Signature:
    given = {"version": 1, "conclusion": "ALL", "contents": {"cells": []}, "sha256": "0" * 64}
    signature = Signature(case_id=case.id, reader_id=case.owner_id, role=role, **(given | values))
    signatures.add(signature)
    db.session.commit()
    return signature


def amended(case: Case, version: int = 2) -> Amendment:
    amendment = Amendment(
        case_id=case.id, version=version, opened_by=case.owner_id, reason="a cell"
    )
    signatures.add(amendment)
    db.session.commit()
    return amendment


def test_a_case_is_locked_by_the_final_signature_and_opened_by_an_amendment(case: Case):
    assert (signatures.version_of(case.id), signatures.locked(case.id)) == (1, False)
    first = signed(case, final=False)
    assert not signatures.locked(case.id)
    second = signed(case, SECOND)
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


@pytest.mark.parametrize("table", ["signatures", "amendments"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET version = 9", "DELETE FROM {}"])
def test_the_database_lets_nobody_change_what_was_signed(case: Case, table: str, statement: str):
    signed(case)
    amended(case)
    with pytest.raises(IntegrityError, match="append-only"):
        db.session.execute(text(statement.format(table)))
