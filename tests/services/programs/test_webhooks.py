import hashlib
import hmac
import json
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from jobs.work import Interrupted, TaskError
from records import db, utc_now
from records.accounts.accounts import AccountStatus, Role
from records.audit.audit import Event
from records.programs import webhooks as records
from records.programs.webhooks import WebhookDelivery, WebhookEvent
from records.tasks import TaskState
from services.cases.review import cells_of, record
from services.programs import deliveries, webhooks
from services.programs.deliveries import PAUSES
from services.programs.sending import NO_ANSWER, SendError
from services.programs.webhooks import MOST_WEBHOOKS, WebhookError
from tests.cases import entry, open_case, put_cell, put_field, sign_case
from tests.people import account_named, move
from tests.trail import noted
from tests.waiting import until

URL = "https://lis.example/hook"
ALL = list(WebhookEvent)


class Receiver:
    """Stands in for the other machine: keeps what it is sent, and answers as it is told."""

    def __init__(self) -> None:
        self.got: list[tuple[str, bytes, dict[str, str], bool]] = []
        self.answers: list[int | Exception] = []

    def post(self, url: str, body: bytes, headers: dict[str, str], private: bool = False) -> int:
        self.got.append((url, body, headers, private))
        answer = self.answers.pop(0) if self.answers else 200
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture(autouse=True)
def receiver(monkeypatch) -> Receiver:
    stand_in = Receiver()
    monkeypatch.setattr(deliveries, "post", stand_in.post)
    return stand_in


@pytest.fixture
def at_rest(monkeypatch) -> None:
    """Let nothing be sent by itself."""
    monkeypatch.setattr(webhooks, "_wake", [])


def subscribe(name: str = "ada", *events: WebhookEvent) -> str:
    return webhooks.create(account_named(name), URL, events or ALL).id


def queued() -> list[dict]:
    return [json.loads(one.body) for one in db.session.query(WebhookDelivery)]


def run(app: Flask) -> WebhookDelivery:
    """Do what the background does with the one message there is, and return it."""
    (delivery,) = db.session.query(WebhookDelivery)
    work = app.extensions["leukoscope_deliveries"]
    try:
        records.note(delivery.id, state=TaskState.DONE, **work.run(delivery.id, lambda *_: None))
    except (Interrupted, TaskError) as error:
        delivery.outcome = error
    db.session.refresh(delivery)
    return delivery


def test_a_field_that_was_read_is_told_with_ids_alone(app: Flask, signed_in, at_rest):
    with app.app_context():
        webhook_id = subscribe()
        case = open_case(account_named("ada").id)
        field = put_field(case, name="Miller.png")
        put_cell(case)

        (message,) = queued()
        assert message["event"] == "field.read"
        assert (message["analysis_id"], message["case_id"]) == (field.id, case.id)
        assert "Miller" not in str(message)
        (delivery,) = db.session.query(WebhookDelivery)
        assert (delivery.id, delivery.webhook_id) == (message["id"], webhook_id)


def test_a_case_that_was_signed_is_told(app: Flask, signed_in: FlaskClient, at_rest):
    with app.app_context():
        case, ada = open_case(account_named("ada").id), account_named("ada")
        put_field(case)
        record(case, ada.id, [entry(cell.id, "neutrophil") for cell in cells_of(case)])
        subscribe("ada", WebhookEvent.CASE_SIGNED)
        sign_case(app.extensions["leukoscope_sign_off"], case, ada)

        (message,) = queued()
        assert set(message) == {"id", "event", "at", "case_id", "version"}
        assert (message["event"], message["case_id"]) == ("case.signed", case.id)


def test_nobody_else_s_is_told(app: Flask, signed_in, other_client, colleague, at_rest):
    with app.app_context():
        subscribe("ada", WebhookEvent.CASE_SIGNED)
        subscribe("ben")
        subscribe("cleo")
        account_named("cleo").role = Role.NONE
        case = open_case(account_named("ada").id)
        put_field(case)
        assert queued() == []
        account_named("cleo").role = Role.VIEWER
        account_named("cleo").status = AccountStatus.DEACTIVATED
        db.session.commit()
        put_field(case)
        assert queued() == []
        account_named("cleo").status = AccountStatus.ACTIVE
        db.session.commit()
        put_field(open_case(account_named("ada").id, demo=True))
        assert queued() == []
        put_field(case)
        assert len(queued()) == 1


def test_what_is_rolled_back_is_not_told(app: Flask, signed_in, at_rest, monkeypatch):
    with app.app_context():
        subscribe()
        case = open_case(account_named("ada").id)
        with monkeypatch.context() as broken:
            broken.setattr(db.session, "commit", lambda: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                put_field(case)
        assert queued() == []


def test_a_message_is_signed_with_its_time(app: Flask, signed_in, at_rest, receiver: Receiver):
    with app.app_context():
        webhook_id = subscribe()
        put_field(open_case(account_named("ada").id))
        delivery = run(app)
        secret = app.extensions["leukoscope_deliveries"].secret_of(webhook_id)

    assert (delivery.state, delivery.status, delivery.tries) == (TaskState.DONE, 200, 1)
    ((url, body, headers, private),) = receiver.got
    assert (url, private) == (URL, False)
    at, digest = (part.split("=")[1] for part in headers["Leukoscope-Signature"].split(","))
    expected = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    assert digest == expected
    assert abs(int(at) - utc_now().timestamp()) < 60
    assert headers["Leukoscope-Delivery"] == json.loads(body)["id"]


def test_secrets_differ_by_webhook_and_installation():
    secrets = {webhooks.secret_of(one, key) for one in ("a", "b") for key in (b"1", b"2")}
    assert len(secrets) == 4


def test_a_failed_message_waits_longer_each_time_and_is_given_up(
    app: Flask, signed_in, at_rest, receiver: Receiver
):
    with app.app_context():
        subscribe()
        put_field(open_case(account_named("ada").id))
        for tries, pause in enumerate(PAUSES, start=1):
            receiver.answers = [500 if tries % 2 else SendError(NO_ANSWER)]
            delivery = run(app)
            assert delivery.tries == tries
            left = delivery.not_before - utc_now()
            assert timedelta(seconds=pause - 30) < left <= timedelta(seconds=pause)
            assert delivery.said == ("HTTP 500" if tries % 2 else NO_ANSWER)
        receiver.answers = [302]
        last = run(app)
        assert str(last.outcome) == deliveries.NOT_TAKEN
        assert (last.tries, last.status) == (len(PAUSES) + 1, 302)


@pytest.mark.parametrize("change", ["role", "team", "status"])
def test_whoever_may_no_longer_know_is_not_told(
    app: Flask, signed_in, at_rest, receiver: Receiver, change: str
):
    with app.app_context():
        subscribe()
        put_field(open_case(account_named("ada").id))
        if change == "role":
            account_named("ada").role = Role.NONE
        if change == "status":
            account_named("ada").status = AccountStatus.DEACTIVATED
        db.session.commit()
    if change == "team":
        move(app, "ada", "night shift")
    with app.app_context():
        assert isinstance(run(app).outcome, TaskError)
        assert receiver.got == []


def test_a_role_is_needed(app: Flask, signed_in):
    with app.app_context():
        account_named("ada").role = Role.NONE
        with pytest.raises(WebhookError, match="with a role"):
            subscribe()


def test_the_background_sends_what_waits(app: Flask, signed_in, receiver: Receiver):
    with app.app_context():
        subscribe()
        put_field(open_case(account_named("ada").id))
    app.extensions["leukoscope_tasks"].start()
    until(lambda: receiver.got)


def test_a_message_waits_for_its_next_attempt_in_the_background(
    app: Flask, signed_in, receiver: Receiver
):
    receiver.answers = [503]

    def waits() -> bool:
        with app.app_context():
            (delivery,) = db.session.query(WebhookDelivery)
            return delivery.tries == 1 and delivery.state == TaskState.WAITING

    with app.app_context():
        subscribe()
        put_field(open_case(account_named("ada").id))
    app.extensions["leukoscope_tasks"].start()
    until(waits)
    app.extensions["leukoscope_tasks"].wake()
    assert len(receiver.got) == 1


def test_an_old_message_is_forgotten(app: Flask, signed_in, at_rest):
    with app.app_context():
        subscribe()
        case = open_case(account_named("ada").id)
        put_field(case)
        old = run(app)
        records.note(old.id, created_at=utc_now() - deliveries.KEPT_FOR - timedelta(days=1))
        records.forget_before(utc_now() - deliveries.KEPT_FOR)
        assert queued() == []


def test_webhooks_are_noted_without_their_address_and_bounded(app: Flask, signed_in):
    with app.app_context():
        made = [subscribe() for _ in range(MOST_WEBHOOKS)]
        with pytest.raises(WebhookError, match="Remove one first"):
            subscribe()
        webhooks.remove(records.find(account_named("ada").id, made[0]))
        rows = [*noted(Event.WEBHOOK_CREATE), *noted(Event.WEBHOOK_REMOVE)]
        assert len(rows) == MOST_WEBHOOKS + 1
        assert not any("lis.example" in row.details for row in rows)
