"""Only a model that passed its test names cells; each change is noted and can be taken back."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from records import db
from records.audit.audit import Event
from records.learning import heads
from records.learning.heads import HeadUse
from services.learning import heads_in_use
from services.learning.heads_in_use import HeadUseError
from tests.laboratory import TellingEmbedder, fitted, sign_patients, use_stand_in_networks
from tests.people import account_named
from tests.trail import noted


@pytest.fixture(autouse=True)
def context(app: Flask, signed_in: FlaskClient, monkeypatch: pytest.MonkeyPatch):
    use_stand_in_networks(monkeypatch, TellingEmbedder)
    with app.app_context():
        sign_patients(app, signed_in)
        yield


def use(app: Flask, head: heads.FittedHead, how: HeadUse) -> bool:
    laboratory = app.extensions["leukoscope_laboratory_models"]
    return heads_in_use.use(account_named("ada"), laboratory, head, how)


def test_it_is_activated_once_and_deactivated_once(app: Flask):
    head = fitted(app)
    assert use(app, head, HeadUse.ACTIVE) is True
    assert use(app, head, HeadUse.ACTIVE) is False
    assert heads.id_in_use(HeadUse.ACTIVE) == head.id
    assert heads_in_use.stop(account_named("ada"), HeadUse.ACTIVE) is True
    assert heads_in_use.stop(account_named("ada"), HeadUse.ACTIVE) is False
    assert heads.id_in_use(HeadUse.ACTIVE) is None
    assert [len(noted(each)) for each in (Event.HEAD_ACTIVATE, Event.HEAD_DEACTIVATE)] == [1, 1]
    assert len(heads.changes()) == 2


def test_one_that_did_not_pass_may_only_run_in_shadow(app: Flask):
    head = fitted(app)
    head.proof = {**head.proof, "passed": False}
    db.session.commit()
    with pytest.raises(HeadUseError, match="did not pass"):
        use(app, head, HeadUse.ACTIVE)
    assert heads.id_in_use(HeadUse.ACTIVE) is None
    assert use(app, head, HeadUse.SHADOW) is True


def test_activating_ends_its_shadow(app: Flask):
    head = fitted(app)
    use(app, head, HeadUse.SHADOW)
    use(app, head, HeadUse.ACTIVE)
    assert heads.id_in_use(HeadUse.SHADOW) is None


def test_one_for_other_networks_is_refused(app: Flask):
    head = fitted(app)
    head.classifier = "stand-in-0"
    db.session.commit()
    with pytest.raises(HeadUseError, match="no longer installed"):
        use(app, head, HeadUse.SHADOW)


def test_one_that_is_not_fitted_is_refused(app: Flask):
    with pytest.raises(HeadUseError, match="not fitted"):
        use(app, heads.add(account_named("ada").id), HeadUse.ACTIVE)


def test_what_was_changed_cannot_be_rewritten(app: Flask):
    use(app, fitted(app), HeadUse.ACTIVE)
    heads.changes()[0].head_id = None
    with pytest.raises(Exception, match="append-only"):
        db.session.commit()
