"""A laboratory model is fitted to signed cells in the background, and tested before it is used."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient

from models.classifier.opinion import VIEW
from models.laboratory.head_file import from_bytes
from models.laboratory.kinds import KindSamples
from models.laboratory.kinds_proof import KindsProof, prove_kinds
from models.laboratory.proof import Change
from records.audit.audit import Event
from records.learning import heads
from records.tasks import TaskState
from services.learning import proofs
from tests.laboratory import (
    TellingEmbedder,
    finished,
    fitted,
    sign_patients,
    use_stand_in_networks,
)
from tests.people import account_named
from tests.stand_ins import StandInClassifier
from tests.trail import noted


@pytest.fixture(autouse=True)
def context(app: Flask, signed_in: FlaskClient, monkeypatch: pytest.MonkeyPatch):
    use_stand_in_networks(monkeypatch, TellingEmbedder)
    with app.app_context():
        yield


def test_a_model_comes_with_its_proof(app: Flask, signed_in: FlaskClient):
    made = sign_patients(app, signed_in)
    head = fitted(app)
    assert (head.number, head.state) == (1, TaskState.DONE)
    assert (head.classifier, head.embedder) == ("stand-in-1", "stand-in-1")
    proof = head.proof
    assert (proof["cells"], proof["patients"], proof["cases"]) == (54, 3, 3)
    assert proof["changes"]["auroc"]["after"] > 0.95
    assert proof["changes"]["auroc"]["after"] > proof["changes"]["auroc"]["before"]
    assert proof["passed"] is True
    assert proof["curve"][0]["cells"] == 0
    assert len(proof["most_changed"]) == 20
    assert {told["case_id"] for told in proof["most_changed"]} <= {case.id for case in made}
    kept = from_bytes(head.contents)
    assert kept.version == "lab1"
    assert list(kept.blast) == [VIEW]


def test_kinds_are_tested_with_it_and_one_that_names_them_worse_does_not_pass(
    app: Flask, signed_in: FlaskClient, monkeypatch: pytest.MonkeyPatch
):
    told = {"lymphocyte": 0.4, "monocyte": 0.3, "neutrophil_segmented": 0.2}
    monkeypatch.setattr(StandInClassifier, "kinds", lambda self, outputs: told)
    sign_patients(app, signed_in, ("blast", "monocyte", "blast", "lymphocyte") * 4)
    proof = fitted(app).proof
    kinds = proof["kinds"]
    assert kinds["cells"] == 24
    assert kinds["of_class"]["monocyte"]["cells"] == 12
    assert kinds["of_class"]["lymphocyte"]["before"] == 1
    row = kinds["classes"].index("monocyte")
    assert sum(kinds["before"][row]) == sum(kinds["after"][row]) == 12
    assert {"kinds_accuracy", "kinds_mean"} <= set(proof["changes"])

    worse = Change(0.9, 0.5, -0.6, -0.2, rises=True)

    def proved(samples: KindSamples) -> KindsProof | None:
        made = prove_kinds(samples)
        return made and replace(made, changes={**made.changes, "kinds_mean": worse})

    monkeypatch.setattr(proofs, "prove_kinds", proved)
    again = fitted(app).proof
    assert again["changes"]["kinds_mean"]["passed"] is False
    assert again["passed"] is False
    assert again["changes"]["auroc"]["passed"] is True


def test_asking_twice_fits_once(app: Flask, signed_in: FlaskClient):
    sign_patients(app, signed_in)
    fitting = app.extensions["leukoscope_fitting"]
    first, second = (fitting.ask(account_named("ada")) for _ in range(2))
    assert first.id == second.id
    assert finished(first.id).state == TaskState.DONE
    assert len(noted(Event.HEAD_FIT)) == 1
    assert fitted(app).number == 2
    assert [head.number for head in heads.newest_first()] == [2, 1]


def test_nothing_signed_and_too_few_cells_say_what_is_missing(app: Flask, signed_in: FlaskClient):
    nothing = fitted(app)
    assert nothing.state == TaskState.FAILED
    assert "No signed case" in nothing.error
    sign_patients(app, signed_in, ("blast", "monocyte"), ("Alder-1",))
    few = fitted(app)
    assert few.error.startswith("1 blasts and")
    assert "At least 10 of each, from 2 patients, are needed" in few.error
    assert few.contents is None
