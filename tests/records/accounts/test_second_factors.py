import pytest
from flask import Flask

from records import db
from records.accounts import accounts as account_records
from records.accounts import second_factors


@pytest.fixture
def ada(app: Flask):
    with app.app_context():
        yield account_records.add_account("ada", "ada", "hash", "active").id


def test_a_step_is_used_once_and_no_earlier_one_after_it(ada: str):
    second_factors.add(ada, "sealed", 10)

    assert [second_factors.advance(ada, step) for step in (10, 9, 11, 11, 12)] == [
        False,
        False,
        True,
        False,
        True,
    ]


def test_nobody_without_a_second_factor_uses_a_step(ada: str):
    assert not second_factors.advance(ada, 1)


def test_recovery_codes_are_spent_once_and_replaced_together(ada: str):
    second_factors.replace_recovery_codes(ada, ["a", "b"])
    first, _ = second_factors.recovery_codes(ada)
    assert second_factors.spend_recovery_code(first.id)
    assert not second_factors.spend_recovery_code(first.id)
    assert second_factors.count_recovery_codes(ada) == 1

    second_factors.replace_recovery_codes(ada, ["c", "d", "e"])
    assert {code.code_hash for code in second_factors.recovery_codes(ada)} == {"c", "d", "e"}


def test_removed_the_recovery_codes_go_too(ada: str):
    second_factors.add(ada, "sealed", 10)
    second_factors.replace_recovery_codes(ada, ["a", "b"])
    db.session.flush()

    assert second_factors.remove(ada)
    assert not second_factors.remove(ada)
    assert second_factors.recovery_codes(ada) == []
    assert second_factors.enrolled_ids() == set()
