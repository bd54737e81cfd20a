"""A model that is exported says what it is, and nothing of anybody's cells."""

from __future__ import annotations

import io
import json
import zipfile

import numpy as np
import pytest
from flask import Flask
from flask.testing import FlaskClient

from models.laboratory.head_file import CARD, from_bytes, to_bytes, with_card
from records.analyses import analyses
from records.learning import heads
from services.learning.head_card import FORMAT, LIMITS, card_of
from tests.laboratory import (
    PATIENTS,
    TellingEmbedder,
    fitted,
    sign_patients,
    use_stand_in_networks,
)
from tests.stand_ins import StandInClassifier

PATH = "/models/laboratory/1/model.npz"


@pytest.fixture
def exported(app: Flask, signed_in: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> bytes:
    use_stand_in_networks(monkeypatch, TellingEmbedder)
    told = {"lymphocyte": 0.4, "monocyte": 0.3}
    monkeypatch.setattr(StandInClassifier, "kinds", lambda self, outputs: told)
    with app.app_context():
        sign_patients(app, signed_in, ("blast", "monocyte", "blast", "lymphocyte") * 4)
        assert fitted(app).proof["most_changed"]
    return signed_in.get(PATH).data


def card_in(content: bytes) -> dict:
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        return json.loads(str(file[CARD]))


def test_the_card_has_version_networks_data_figures_and_limits(app: Flask, exported: bytes):
    card = card_in(exported)
    assert (card["format"], card["version"]) == (FORMAT, "lab1")
    assert card["base_model"] == {"classifier": "stand-in-1", "embedder": "stand-in-1"}
    data = card["data"]
    assert (data["cells"], data["blasts"], data["cases"], data["patients"]) == (54, 24, 3, 3)
    assert data["signed_first"] == data["signed_last"] == card["fitted"]
    figures = card["proof"]["figures"]
    assert {"auroc", "kinds_mean"} <= set(figures)
    assert set(figures["auroc"]) == {
        *("before", "after", "difference_low", "difference_high", "passed")
    }
    assert card["proof"]["kinds"]["of_class"]["monocyte"]["cells"] == 12
    assert card["proof"]["curve"][0]["cells"] == 0
    assert card["limits"] == list(LIMITS)
    with app.app_context():
        assert card == card_of(heads.find(1))


def test_nothing_in_it_leads_to_a_cell_a_case_or_a_person(app: Flask, exported: bytes):
    with app.app_context():
        told = heads.find(1).proof["most_changed"]
        private = {one["case_id"] for one in told} | {one["analysis_id"] for one in told}
        for analysis_id in {one["analysis_id"] for one in told}:
            analysis = analyses.get(analysis_id)
            private |= {analysis.file_name, analysis.sha256, analysis.image_name}
    private |= set(PATIENTS)
    with zipfile.ZipFile(io.BytesIO(exported)) as archive:
        everything = b"".join(archive.read(name) for name in archive.namelist())
        names = archive.namelist()
    # NumPy keeps texts in four bytes a letter.
    text = everything.decode("utf-32-le", "replace") + everything.decode("latin-1")
    text = text.replace("\0", "") + "".join(names) + json.dumps(card_in(exported))
    assert len(private) > 6
    assert [one for one in private if one in text] == []
    assert "most_changed" not in text
    assert b"\x89PNG" not in everything
    with np.load(io.BytesIO(exported), allow_pickle=False) as file:
        # Weights by class and feature at most: no array has the shape of a picture or of cells.
        shapes = {name: array.shape for name, array in file.items() if array.ndim > 1}
    assert shapes == {"kinds/weights": (2, 2)}


def test_an_exported_head_is_read_as_before(app: Flask, exported: bytes):
    with app.app_context():
        kept = heads.find(1).contents
    assert to_bytes(from_bytes(exported)) == to_bytes(from_bytes(kept))


def test_a_model_of_before_has_a_card_too(app: Flask, exported: bytes):
    with app.app_context():
        head = heads.find(1)
        head.proof = {"passed": True, "cells": 54, "changes": {}, "curve": []}
        card = card_of(head)
    assert card["proof"]["kinds"] is None
    assert card["data"]["signed_first"] is None
    assert card_in(with_card(exported, json.dumps(card))) == card
