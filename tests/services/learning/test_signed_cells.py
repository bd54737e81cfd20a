"""The cells that readers signed, as a laboratory's head learns from them."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import pytest
from flask import Flask
from flask.testing import FlaskClient

from models.laboratory.cells import CellReadings
from models.laboratory.kinds import KINDS
from models.laboratory.kinds_proof import KIND_FIGURES
from models.laboratory.proof import FIGURES
from records.analyses import analyses
from records.cases.cases import Case
from services.cases.cases import Details, open_case, put
from services.cases.review import cells_of, record
from services.laboratory import classes
from services.learning import kept_features, laboratory_models, signed_cells
from services.learning.kept_features import FeatureStore
from services.learning.signed_cells import NothingSignedError, read_signed_cells
from tests.cases import entry, sign_case
from tests.people import account_named
from tests.stand_ins import StandInClassifier, StandInEmbedder, drawn_field
from tests.uploads import png, upload_cell, upload_field


class StandInNetworks:
    """Networks of which only the classifier's threshold is asked."""

    classifier = StandInClassifier()
    embedder = StandInEmbedder()


def read_boxes(rgb, boxes: Sequence, *_: object) -> CellReadings:
    """Readings by which each cell is known: its box is its features."""
    count = len(boxes)
    return CellReadings(
        ({},) * count,
        np.full(count, 0.5),
        np.zeros(count),
        np.array(boxes, np.float16),
        np.tile(np.arange(len(KINDS)), (count, 1)),
    )


@pytest.fixture
def context(app: Flask, signed_in: FlaskClient, monkeypatch):
    monkeypatch.setattr(kept_features, "read_boxes", read_boxes)
    with app.app_context():
        yield


def make_case(client: FlaskClient, pseudonym: str, *labels: str, width: int = 480) -> Case:
    """A case of one field with its counted cells under these labels, then drawn ones.

    Fields of one width are the same file.
    """
    image = upload_field(client, content=png(drawn_field(width)))["id"]
    case = open_case(account_named("ada").id, Details(pseudonym, "blood"))
    put(case, [image, upload_cell(client)])
    counted = [cell for cell in cells_of(case) if cell.counted]
    known = [cell.id for cell in counted if cell.analysis_id == image]
    named = [entry(cell, label) for cell, label in zip(known, labels, strict=False)]
    for number, label in enumerate(labels[len(known) :]):
        place = (10.0 + 20 * number, 60.0, 25.0 + 20 * number, 90.0)
        named.append(entry(f"{image}.d{number:08x}", label, box=place))
    named += [entry(cell.id, "blast") for cell in counted if cell.analysis_id != image]
    record(case, account_named("ada").id, named)
    return case


def sign(app: Flask, case: Case) -> None:
    sign_case(app.extensions["leukoscope_sign_off"], case, account_named("ada"))


def read(app: Flask) -> signed_cells.SignedCells:
    analyst = app.extensions["leukoscope_analyst"]
    return read_signed_cells(FeatureStore(StandInNetworks(), analyst), lambda done, total: None)


def test_signed_cells_of_fields_come_with_what_they_teach(app: Flask, context, signed_in):
    sign(app, make_case(signed_in, "Alder-1", "blast", "monocyte", "smudge", "not_a_cell"))
    sign(app, make_case(signed_in, "Birch-2", "blast", "lymphocyte", width=500))
    cells = read(app)
    assert sorted(cells.labels.tolist()) == ["blast", "blast", "no_cell", "smudge", "wbc", "wbc"]
    assert len(cells.inputs) == len(cells.places) == 6
    assert cells.patients.tolist() == [0, 0, 0, 0, 1, 1]
    assert cells.places[0].name.startswith("Alder-1 1.")
    assert cells.blasts().positive.sum() == 2


def test_cells_of_kinds_that_the_classifier_tells_come_under_their_own_classes(
    app: Flask, context, signed_in
):
    labels = "blast", "monocyte", "smudge", "artefact", "other", "neutrophil"
    sign(app, make_case(signed_in, "Alder-1", *labels))
    kinds = read(app).kinds()
    assert sorted(kinds.labels.tolist()) == ["artefact", "monocyte", "neutrophil"]
    np.testing.assert_array_equal(kinds.base, np.tile(np.arange(len(KINDS)), (3, 1)))
    assert kinds.groups.tolist() == [0, 0, 0]


def test_a_patient_with_two_cases_is_one(app: Flask, context, signed_in):
    for number, pseudonym in enumerate(("Alder-1", "Birch-2", "Alder-1")):
        width = 480 + 20 * number
        sign(app, make_case(signed_in, pseudonym, "blast", "monocyte", width=width))
    assert read(app).patients.tolist() == [0, 0, 0, 0, 1, 1]


def test_a_file_that_was_uploaded_twice_teaches_once(app: Flask, context, signed_in):
    for _ in range(2):
        sign(app, make_case(signed_in, "Alder-1", "blast", "monocyte"))
    cells = read(app)
    assert cells.labels.tolist() == ["blast", "wbc"]
    assert cells.contradictions == ()


def test_what_is_unsigned_or_unclassified_teaches_nothing(app: Flask, context, signed_in):
    sign(app, make_case(signed_in, "Alder-1", "blast", "unclassified"))
    make_case(signed_in, "Birch-2", "blast", "monocyte")
    assert read(app).labels.tolist() == ["blast"]


def test_a_file_signed_with_two_labels_is_told_and_left_out(app: Flask, context, signed_in):
    # The stand-in field is the same file for either patient.
    sign(app, make_case(signed_in, "Alder-1", "blast", "monocyte"))
    sign(app, make_case(signed_in, "Birch-2", "lymphocyte", "monocyte"))
    cells = read(app)
    assert cells.labels.tolist() == ["wbc"]
    ((first, second),) = cells.contradictions
    assert (first.name[:7], second.name[:7]) == ("Alder-1", "Birch-2")
    assert (first.label, second.label) == ("blast", "lymphocyte")


def test_nothing_signed_is_nothing_to_learn_from(app: Flask, context, signed_in):
    make_case(signed_in, "Alder-1", "blast")
    with pytest.raises(NothingSignedError, match="No signed case"):
        read(app)


def test_the_command_refuses_too_few_cells_with_their_numbers(
    app: Flask, context, signed_in, monkeypatch
):
    monkeypatch.setattr(laboratory_models, "load_embedder", lambda *_: StandInEmbedder())
    nothing = app.test_cli_runner().invoke(args=["learn-signed"])
    assert (nothing.exit_code, "No signed case" in nothing.output) == (1, True)
    sign(app, make_case(signed_in, "Alder-1", "blast", "monocyte"))
    few = app.test_cli_runner().invoke(args=["learn-signed"])
    assert few.exit_code == 1
    assert "1 blasts and 1 other cells are signed" in few.output
    assert "from 1 patients. At least 10 of each, from 2 patients, are needed." in few.output


def test_the_command_prints_the_proof_as_its_last_line(app: Flask, context, signed_in, monkeypatch):
    monkeypatch.setattr(laboratory_models, "load_embedder", lambda *_: StandInEmbedder())
    labels = ["blast", "monocyte"] * 8
    for number, pseudonym in enumerate(("Alder-1", "Birch-2", "Cedar-3")):
        sign(app, make_case(signed_in, pseudonym, *labels, width=480 + 20 * number))
    done = app.test_cli_runner().invoke(args=["learn-signed"])
    assert done.exit_code == 0, done.output
    said = json.loads(done.output.splitlines()[-1])
    assert set(said["changes"]) == {*FIGURES, *KIND_FIGURES}
    assert said["kinds"]["moved"] == []
    assert said["passed"] in (True, False)
    assert (said["cells"], said["patients"], said["tried"]) == (48, 3, 48)
    assert len(said["most_changed"]) == 20


def test_a_cell_whose_image_is_gone_teaches_nothing(app: Flask, context, signed_in):
    sign(app, make_case(signed_in, "Alder-1", "blast", "monocyte"))
    lost = make_case(signed_in, "Birch-2", "blast", "monocyte", width=500)
    sign(app, lost)
    for analysis in analyses.of_case(lost.id):
        app.extensions["leukoscope_analyst"]._store.delete(analysis.image_name)
    cells = read(app)
    assert {place.name[:7] for place in cells.places} == {"Alder-1"}
    assert len(cells.labels) == len(cells.inputs) == 2


def test_an_own_class_teaches_a_white_cell_where_it_counts_and_else_none(
    app: Flask, context, signed_in
):
    ada = account_named("ada")
    classes.add(ada, "Plasma cell", "plasma", "", white=True)
    classes.add(ada, "Megakaryocyte", "mega", "", white=False)
    sign(app, make_case(signed_in, "Alder-1", "own_plasma", "own_mega"))
    assert sorted(read(app).labels.tolist()) == ["no_cell", "wbc"]
