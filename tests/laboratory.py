"""Signed cases that a laboratory model can be fitted to, and the networks for it."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import pytest
from flask import Flask
from flask.testing import FlaskClient

from records import db
from records.cases.cases import Case
from records.learning import heads
from records.learning.heads import FittedHead
from records.tasks import TaskState
from services.cases.cases import Details, open_case, put
from services.cases.review import cells_of, record
from services.learning import laboratory_models
from tests.cases import entry, sign_case
from tests.people import account_named
from tests.stand_ins import StandInEmbedder, drawn_field
from tests.uploads import png, upload_field

BLASTS_AND_OTHERS = ("blast", "monocyte") * 8
PATIENTS = ("Alder-1", "Birch-2", "Cedar-3")
HANG_LIMIT = 120
"""Seconds after which fitting is taken to hang, on a busy machine too."""


class TellingEmbedder(StandInEmbedder):
    """Its first feature tells even windows in a call from odd ones, as blasts from others."""

    def embed(self, windows: list) -> np.ndarray:
        rng = np.random.default_rng(len(windows))
        told = np.arange(len(windows)) % 2 == 0
        noise = rng.normal(0, 0.2, len(windows))
        return np.column_stack((told + noise, noise)).astype(np.float16)


def use_stand_in_networks(patch: pytest.MonkeyPatch, embedder: type[StandInEmbedder]) -> None:
    """Have this embedder in place of the real one."""
    patch.setattr(laboratory_models, "load_embedder", lambda *_: embedder())
    patch.setattr(laboratory_models, "embedder_version", lambda *_: embedder.version)


def sign_patients(
    app: Flask,
    client: FlaskClient,
    labels: Sequence[str] = BLASTS_AND_OTHERS,
    pseudonyms: Sequence[str] = PATIENTS,
) -> list[Case]:
    """Sign a case of one field for each patient, with cells of these classes; in the app."""
    made = []
    for number, pseudonym in enumerate(pseudonyms):
        image = upload_field(client, content=png(drawn_field(480 + 20 * number)))["id"]
        case = open_case(account_named("ada").id, Details(pseudonym, "blood"))
        put(case, [image])
        counted = [cell.id for cell in cells_of(case) if cell.counted]
        named = [entry(cell, "not_a_cell") for cell in counted]
        for place, label in enumerate(labels):
            box = (10.0 + 20 * place, 60.0, 25.0 + 20 * place, 90.0)
            named.append(entry(f"{image}.d{place:08x}", label, box=box))
        record(case, account_named("ada").id, named)
        sign_case(app.extensions["leukoscope_sign_off"], case, account_named("ada"))
        made.append(case)
    return made


def fitted(app: Flask) -> FittedHead:
    """Have a model fitted to what is signed, and wait for it; in the application."""
    return finished(app.extensions["leukoscope_fitting"].ask(account_named("ada")).id)


def finished(head_id: str) -> FittedHead:
    """Wait until a model is fitted, or known not to be."""
    end = time.monotonic() + HANG_LIMIT
    while time.monotonic() < end:
        db.session.rollback()
        head = heads.get(head_id)
        if head.state in (TaskState.DONE, TaskState.FAILED):
            return head
        time.sleep(0.05)
    raise TimeoutError
