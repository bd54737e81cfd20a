"""A withdrawn case is learnt from no more, and it is told which models knew it."""

from __future__ import annotations

import json
from threading import Thread

import pytest
from flask import Flask
from flask.testing import FlaskClient

from jobs.work import TaskError
from records import db
from records.audit.audit import Event
from records.cases import cases
from records.cases.cases import Case
from records.learning import cell_features, heads, withdrawn_cases
from records.learning.cell_features import CellFeatures
from records.learning.heads import HeadUse
from services.learning import fitting, heads_in_use
from services.learning.kept_features import FeatureStore
from services.learning.proofs import prove_head
from services.learning.signed_cells import signed_patients
from services.learning.withdrawal import fields_gone, in_use_with_gone_fields, withdraw
from tests.laboratory import (
    HANG_LIMIT,
    PATIENTS,
    TellingEmbedder,
    fitted,
    sign_patients,
    use_stand_in_networks,
)
from tests.people import account_named
from tests.trail import noted
from tests.uploads import texts

FOUR = (*PATIENTS, "Dale-4")


@pytest.fixture(autouse=True)
def context(app: Flask, signed_in: FlaskClient, monkeypatch: pytest.MonkeyPatch):
    use_stand_in_networks(monkeypatch, TellingEmbedder)
    with app.app_context():
        yield


@pytest.fixture
def signed(app: Flask, context, signed_in: FlaskClient) -> list[Case]:
    return sign_patients(app, signed_in, pseudonyms=FOUR)


def field_of(case: Case) -> str:
    (cells,) = (cell for cell in signed_patients() if cell[0].id == case.id)
    return cells[0].snapshot.images[0].id


def read(app: Flask, field: str) -> None:
    """Read a cell of a field, and keep its features if that is allowed."""
    networks = app.extensions["leukoscope_laboratory_models"].networks()
    store = FeatureStore(networks, app.extensions["leukoscope_analyst"])
    store.read(field, [(20.0, 20.0, 60.0, 60.0)])


def activate(app: Flask, head: heads.FittedHead) -> None:
    laboratory = app.extensions["leukoscope_laboratory_models"]
    heads_in_use.use(account_named("ada"), laboratory, head, HeadUse.ACTIVE)


def test_what_is_kept_of_a_withdrawn_case_is_removed_and_kept_no_more(app: Flask, signed):
    fitted(app)
    field = field_of(signed[0])
    assert cell_features.any_contents(field)
    assert withdraw(account_named("ada"), signed[0]) is True
    assert withdraw(account_named("ada"), signed[0]) is False
    assert cell_features.any_contents(field) is None
    assert db.session.query(CellFeatures).count() == 3
    assert [len(cases) for cases in signed_patients()] == [1, 1, 1]
    assert len(noted(Event.CASE_WITHDRAW)) == 1
    read(app, field)
    assert cell_features.any_contents(field) is None


def test_a_case_that_is_withdrawn_while_its_cells_are_read_leaves_nothing(
    app: Flask, signed, monkeypatch: pytest.MonkeyPatch
):
    """Between the look and the keeping, no withdrawal gets in."""
    field, case_id = field_of(signed[0]), signed[0].id
    holds = withdrawn_cases.holds

    def withdraw_elsewhere() -> None:
        with app.app_context():
            withdraw(account_named("ada"), cases.get(case_id))

    elsewhere = Thread(target=withdraw_elsewhere)

    def held(analysis_id: str) -> bool:
        answer = holds(analysis_id)
        elsewhere.start()
        elsewhere.join(1)
        return answer

    monkeypatch.setattr(withdrawn_cases, "holds", held)
    read(app, field)
    elsewhere.join(HANG_LIMIT)
    assert withdrawn_cases.ids() == {case_id}
    assert cell_features.any_contents(field) is None


def test_a_case_that_is_withdrawn_while_a_model_is_fitted_to_it_stops_the_fit(
    app: Flask, signed, monkeypatch: pytest.MonkeyPatch
):
    def proved(*arguments):
        withdraw(account_named("ada"), signed[0])
        return prove_head(*arguments)

    monkeypatch.setattr(fitting, "prove_head", proved)
    with pytest.raises(TaskError, match=r"withdrawn from learning while .* Fit the model again\."):
        app.extensions["leukoscope_fitting"].fit_now(account_named("ada"), lambda *_: None)
    assert heads.newest_first() == []


def test_a_model_that_is_fitted_again_does_not_know_it(app: Flask, signed):
    before = fitted(app)
    field = field_of(signed[0])
    assert field in before.proof["fields"]
    assert fields_gone(before) == 0
    withdraw(account_named("ada"), signed[0])
    assert fields_gone(before) == 1
    after = fitted(app)
    assert after.proof["cases"] == 3
    assert field not in after.proof["fields"]
    assert fields_gone(after) == 0


def test_models_in_use_that_know_it_are_named(app: Flask, signed, signed_in: FlaskClient):
    head = fitted(app)
    activate(app, head)
    assert in_use_with_gone_fields() == []
    withdraw(account_named("ada"), signed[0])
    assert in_use_with_gone_fields() == [(HeadUse.ACTIVE, head, 1)]
    page = texts(signed_in.get("/models/laboratory").text)
    assert "Model 1 was fitted to 1 field that is gone" in page
    head.proof = {key: value for key, value in head.proof.items() if key != "fields"}
    db.session.commit()
    assert in_use_with_gone_fields() == [(HeadUse.ACTIVE, head, None)]


def test_one_command_withdraws_fits_again_and_names_what_knows_it(app: Flask, signed):
    activate(app, fitted(app))
    command = ["learn-signed", "--keep", "ada", "--without", signed[0].id]
    done = app.test_cli_runner().invoke(args=command)
    assert done.exit_code == 0, done.output
    assert f"Case {signed[0].id} is withdrawn from learning." in done.output
    assert "1 of the fields that model 1 (active) was fitted to are gone." in done.output
    assert "Model 2 is kept. Read its test at /models/laboratory/2." in done.output
    told = json.loads(done.output.splitlines()[-1])
    assert (told["model"], told["cases"]) == (2, 3)
    db.session.expire_all()
    assert heads.find(2).proof["cases"] == 3
    assert heads.id_in_use(HeadUse.ACTIVE) == heads.find(1).id
    (entry,) = noted(Event.CASE_WITHDRAW)
    assert entry.account_name.startswith("shell")


def test_the_command_without_keep_changes_nothing(app: Flask, signed):
    done = app.test_cli_runner().invoke(args=["learn-signed"])
    assert done.exit_code == 0, done.output
    assert heads.newest_first() == []
    refused = app.test_cli_runner().invoke(args=["learn-signed", "--without", signed[0].id])
    assert refused.exit_code == 2
    assert "--without needs --keep" in refused.output
    assert withdrawn_cases.ids() == frozenset()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--keep", "nobody"], "“nobody” is no active administrator."),
        (["--keep", "ada", "--without", "0" * 32], "There is no case"),
    ],
)
def test_the_command_says_what_it_does_not_know(app: Flask, arguments, said):
    refused = app.test_cli_runner().invoke(args=["learn-signed", *arguments])
    assert refused.exit_code == 1
    assert said in refused.output


def test_who_withdrew_a_case_cannot_be_rewritten(app: Flask, signed):
    withdraw(account_named("ada"), signed[0])
    db.session.query(withdrawn_cases.WithdrawnCase).one().case_id = signed[1].id
    with pytest.raises(Exception, match="append-only"):
        db.session.commit()
