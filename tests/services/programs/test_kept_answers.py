from datetime import timedelta

import pytest
from flask import Flask

from records import db, utc_now
from records.programs import kept_answers as records
from records.programs.kept_answers import KeptAnswer
from services.programs import kept_answers
from services.programs.kept_answers import GIVEN_UP, KEPT_FOR, OtherRequestError, UnderWayError
from tests.people import add_account

KEY, REQUEST = "a key", "a" * 64


@pytest.fixture(autouse=True)
def ada(app: Flask):
    account_id = add_account(app, "ada")
    with app.app_context():
        yield account_id


def age(by: timedelta) -> None:
    (kept,) = db.session.query(KeptAnswer)
    kept.begun_at = utc_now() - by
    db.session.commit()


def test_a_request_is_done_once_and_answered_alike(ada: str):
    assert kept_answers.begin(ada, KEY, REQUEST) is None
    kept_answers.finish(ada, KEY, 201, {"Location": "/1"}, b"made")
    kept = kept_answers.begin(ada, KEY, REQUEST)
    assert (kept.status, kept.headers, kept.body) == (201, {"Location": "/1"}, b"made")


def test_another_request_under_its_key_is_told_apart(ada: str):
    kept_answers.begin(ada, KEY, REQUEST)
    with pytest.raises(OtherRequestError):
        kept_answers.begin(ada, KEY, "b" * 64)


def test_one_that_is_worked_on_is_not_begun_again_until_it_must_have_ended(ada: str):
    kept_answers.begin(ada, KEY, REQUEST)
    with pytest.raises(UnderWayError):
        kept_answers.begin(ada, KEY, REQUEST)
    age(GIVEN_UP)
    assert kept_answers.begin(ada, KEY, REQUEST) is None
    with pytest.raises(UnderWayError):
        kept_answers.begin(ada, KEY, REQUEST)


def test_one_that_failed_may_begin_again(ada: str):
    kept_answers.begin(ada, KEY, REQUEST)
    kept_answers.abandon(ada, KEY)
    assert kept_answers.begin(ada, KEY, "b" * 64) is None


def test_answers_are_forgotten_after_a_day(ada: str):
    kept_answers.begin(ada, KEY, REQUEST)
    kept_answers.finish(ada, KEY, 201, {}, b"")
    age(KEPT_FOR + timedelta(seconds=1))
    assert kept_answers.begin(ada, KEY, "b" * 64) is None


def test_old_answers_are_removed_without_another_request(ada: str):
    kept_answers.begin(ada, KEY, REQUEST)
    age(KEPT_FOR + timedelta(seconds=1))
    records.forget_before(utc_now() - KEPT_FOR)
    assert db.session.query(KeptAnswer).count() == 0
