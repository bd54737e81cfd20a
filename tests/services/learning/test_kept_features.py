"""Features of cells are computed once, and anew by other networks."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from flask import Flask
from flask.testing import FlaskClient

from records import db
from records.learning.cell_features import CellFeatures
from records.storage.image_store import UndecryptableError
from services.learning.kept_features import FeatureStore
from services.learning.observations import Networks
from tests.people import post
from tests.stand_ins import StandInEmbedder, drawn_field, stand_in_models
from tests.uploads import png, upload_field

BOXES = [(20.0, 20.0, 60.0, 60.0), (100.4, 30.0, 140.0, 70.0)]


class CountingAnalyst:
    """Decodes images, and counts how often."""

    def __init__(self, analyst) -> None:
        self._analyst = analyst
        self.decoded = 0

    def pixels(self, analysis):
        self.decoded += 1
        return self._analyst.pixels(analysis)


@pytest.fixture
def field(signed_in: FlaskClient) -> str:
    return upload_field(signed_in, content=png(drawn_field()))["id"]


@pytest.fixture
def analyst(app: Flask, field: str):
    with app.app_context():
        yield CountingAnalyst(app.extensions["leukoscope_analyst"])


def store(analyst: CountingAnalyst, version: str = "stand-in-1") -> FeatureStore:
    embedder = StandInEmbedder()
    embedder.version = version
    return FeatureStore(Networks(stand_in_models(), embedder), analyst)


def test_a_field_is_decoded_once(analyst: CountingAnalyst, field: str):
    first = store(analyst).read(field, BOXES)
    again = store(analyst).read(field, BOXES[::-1])
    assert analyst.decoded == 1
    assert first.features.shape == (2, 3)
    np.testing.assert_array_equal(again.features, first.features[::-1])
    np.testing.assert_array_equal(again.blast, first.blast[::-1])


def test_a_cell_that_was_drawn_later_is_read_beside_those_that_are_kept(
    analyst: CountingAnalyst, field: str
):
    alone = store(analyst).read(field, BOXES[:1])
    both = store(analyst).read(field, BOXES)
    store(analyst).read(field, BOXES)
    assert analyst.decoded == 2
    np.testing.assert_array_equal(both.features[:1], alone.features)


def test_other_networks_read_anew_and_replace_what_was_kept(analyst: CountingAnalyst, field: str):
    store(analyst).read(field, BOXES)
    store(analyst, "stand-in-2").read(field, BOXES)
    assert analyst.decoded == 2
    (kept,) = db.session.scalars(db.select(CellFeatures))
    assert kept.embedder == "stand-in-2"


def test_what_is_kept_goes_with_the_field(
    analyst: CountingAnalyst, field: str, signed_in: FlaskClient
):
    store(analyst).read(field, BOXES)
    assert post(signed_in, f"/history/{field}/delete").status_code == 303
    db.session.expire_all()
    assert db.session.scalars(db.select(CellFeatures)).all() == []


def test_an_image_that_is_gone_is_said(analyst: CountingAnalyst, field: str):
    gone = SimpleNamespace(pixels=lambda analysis: (_ for _ in ()).throw(FileNotFoundError()))
    with pytest.raises(FileNotFoundError):
        store(gone).read(field, BOXES)


def test_what_was_read_stays_while_the_image_cannot_be_decrypted(
    analyst: CountingAnalyst, field: str
):
    store(analyst).read(field, BOXES)

    def locked(_analysis):
        raise UndecryptableError("The key is missing.")

    store(SimpleNamespace(pixels=locked), "stand-in-2").read_anew(field)
    (kept,) = db.session.scalars(db.select(CellFeatures))
    assert kept.embedder == "stand-in-1"
