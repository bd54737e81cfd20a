import threading

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.exc import OperationalError

from pages.common.refusals import MOST, WINDOW, Refusals
from records.audit import audit
from records.audit.audit import Event
from tests.people import PASSWORD, post
from tests.trail import noted

JSON = {"Accept": "application/json"}


def refused(app: Flask) -> list[tuple[str, str, dict]]:
    with app.app_context():
        return [(one.account_name, one.address, one.known) for one in noted(Event.REFUSED)]


def ask(client: FlaskClient, path: str, address: str = "192.0.2.1") -> int:
    place = {"REMOTE_ADDR": address}
    return client.get(path, headers=JSON, environ_overrides=place).status_code


def wait(app: Flask, seconds: float) -> None:
    refusals = app.extensions["leukoscope_refusals"]
    before = refusals.clock
    refusals.clock = lambda: before() + seconds


def test_a_forbidden_address_is_noted_with_who_and_where(app: Flask, signed_in, other_client):
    assert ask(other_client, "/admin/people") == 403

    assert refused(app) == [
        ("ben", "192.0.2.1", {"page": "admin.people", "method": "GET", "status": 403})
    ]


def test_an_anonymous_visitor_is_noted_by_the_address(app: Flask, client: FlaskClient):
    assert ask(client, "/history", "192.0.2.8") == 401

    assert refused(app) == [
        ("", "192.0.2.8", {"page": "history.index", "method": "GET", "status": 401})
    ]


def test_too_many_attempts_are_noted_and_wrong_passwords_not_twice(app, client, signed_in):
    form = {"name": "ada", "password": "not the password"}
    codes = [post(client, "/sign-in", **form).status_code for _ in range(7)]
    assert codes == [401] * 5 + [429] * 2

    assert [known["status"] for _, _, known in refused(app)] == [429]
    with app.app_context():
        assert len(noted(Event.SIGN_IN_FAILED)) == 5


def test_the_same_refusal_is_noted_again_after_a_while_with_the_number(app: Flask, client):
    for _ in range(5):
        ask(client, "/history")
    assert len(refused(app)) == 1
    wait(app, WINDOW + 1)
    ask(client, "/history")

    assert [known.get("left_out") for _, _, known in refused(app)] == [None, 4]


def test_a_flood_from_many_addresses_leaves_few_rows_and_hides_no_account(
    app: Flask, client: FlaskClient, signed_in, other_client: FlaskClient
):
    for number in range(5 * MOST):
        assert ask(client, "/history", f"198.51.100.{number}") == 401
    assert ask(other_client, "/admin/people") == 403

    names = [name for name, _, _ in refused(app)]
    assert names.count("") == MOST
    assert names.count("ben") == 1


def test_an_account_leaves_few_rows_as_well(app: Flask, signed_in, other_client: FlaskClient):
    for number in range(2 * MOST):
        ask(other_client, "/admin/people", f"198.51.100.{number}")

    assert len(refused(app)) == MOST


def test_nothing_else_is_noted(app: Flask, signed_in: FlaskClient):
    ask(signed_in, "/nowhere")
    ask(signed_in, "/history")
    signed_in.post("/sign-in", data={"name": "ada", "password": PASSWORD})

    assert refused(app) == []


def test_of_the_same_refusals_at_once_one_is_noted():
    threads = 16
    refusals, barrier, taken = Refusals(), threading.Barrier(threads), []

    def take() -> None:
        barrier.wait()
        taken.append(refusals.take(("", "192.0.2.1", "history.index", 401)))

    started = [threading.Thread(target=take) for _ in range(threads)]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join(30)

    assert [one for one in taken if one is not None] == [0]


def test_a_flood_takes_no_memory():
    refusals = Refusals()
    for number in range(10_000):
        refusals.take(("", f"{number}", "history.index", 401))

    assert len(refusals._noted) == MOST


@pytest.mark.parametrize("error", [OSError("disk"), OperationalError("", {}, Exception("locked"))])
def test_what_cannot_be_noted_stays_refused(
    app: Flask, client: FlaskClient, monkeypatch, error: Exception
):
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(audit, "append", fail)
    assert ask(client, "/history") == 401
