"""Signed cases go out as training images, and a training reads them."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from flask import Flask
from flask.testing import FlaskClient

from records import db
from records.analyses import analyses
from records.analyses.analyses import AnalysisKind
from records.audit.audit import Event
from records.cases import reviews
from records.cases.cases import Case
from services.cases.cases import Details, open_case, put
from services.cases.review import cells_of, record
from services.laboratory import classes
from services.learning import export_reviewed as service
from services.learning.export_reviewed import SHARES, ExportError
from tests.cases import entry, sign_case
from tests.people import account_named
from tests.trail import noted
from tests.uploads import upload_cell, upload_field
from training.classifier.data import read_rgb
from training.data import read_reviewed, read_txl


@pytest.fixture
def context(app: Flask, signed_in: FlaskClient):
    with app.app_context():
        yield


def make_case(client: FlaskClient, pseudonym: str, **labels: str) -> Case:
    """A case of one field and one cell image, whose cells have these labels by number ("n0")."""
    images = [upload_field(client)["id"], upload_cell(client)]
    case = open_case(account_named("ada").id, Details(pseudonym, "blood"))
    put(case, images)
    counted = [cell for cell in cells_of(case) if cell.counted and cell.analysis_id == images[0]]
    text = [entry(cell.id, labels.get(f"n{cell.number}", cell.label)) for cell in counted]
    record(case, account_named("ada").id, [*text, entry(f"{images[1]}.0", "blast")])
    return case


def sign(app: Flask, case: Case) -> None:
    by, ada = app.extensions["leukoscope_sign_off"], account_named("ada")
    sign_case(by, case, ada)


def export(app: Flask, folder: Path) -> service.Exported:
    return service.export_reviewed(folder, app.extensions["leukoscope_analyst"])


@pytest.fixture
def exported(app: Flask, context, signed_in: FlaskClient, tmp_path: Path) -> Path:
    """An export of three patients, one of whom has two cases."""
    for pseudonym in ("Alder-1", "Birch-2", "Cedar-3", "Alder-1"):
        sign(app, make_case(signed_in, pseudonym, n1="monocyte"))
    make_case(signed_in, "Unsigned-4")
    done = export(app, tmp_path / "out")
    assert (done.patients, done.fields, done.cells) == (3, 4, 12)
    return tmp_path / "out"


def test_cells_are_as_people_named_them(exported: Path):
    cells = read_reviewed(exported)
    labels = sorted(cell.label for cell in cells)
    assert labels == ["blast"] * 8 + ["monocyte"] * 4
    for cell in cells:
        height, width = read_rgb(cell.path).shape[:2]
        x1, y1, x2, y2 = cell.box
        assert 0 <= x1 < x2 <= width + 0.1
        assert 0 <= y1 < y2 <= height + 0.1


def test_fields_carry_boxes_in_the_splits_of_their_patients(exported: Path):
    fields = [field for split in SHARES[:3] for field in read_txl(exported, split)]
    assert sorted(len(read_txl(exported, split)) for split in SHARES[:3]) == [1, 1, 2]
    for field in fields:
        boxes = {box.label: box for box in field.boxes}
        assert sorted(boxes) == ["blast", "platelet", "rbc", "wbc"]
        blast = boxes["blast"]
        assert (blast.x1, blast.y1, blast.x2, blast.y2) == pytest.approx((0, 0, 0.5, 0.5), abs=1e-4)


def test_a_patients_cells_are_of_one_subject_without_a_trace_of_the_patient(exported: Path):
    subjects = [cell.subject for cell in read_reviewed(exported)]
    assert sorted(subjects.count(one) for one in set(subjects)) == [3, 3, 6]
    known = {case.id for case in db.session.scalars(db.select(Case))} | {
        review.analysis_id
        for case in db.session.scalars(db.select(Case))
        for review in reviews.of_case(case.id)
    }
    content = " ".join(str(path) for path in exported.rglob("*"))
    content += (exported / "reviewed" / "manifest.csv").read_text()
    assert not any(secret in content for secret in {"Alder", "Birch", "Cedar", *known})
    # As a whole word: "ada" can be a part of the files' random hexadecimal names.
    assert "ada" not in re.findall(r"\w+", content)


def test_a_cell_is_cropped_with_its_surroundings_where_it_is(app, context, signed_in, tmp_path):
    case = make_case(signed_in, "Alder-1")
    (field,) = [one for one in analyses.of_case(case.id) if one.kind == AnalysisKind.DETECTION]
    box = (100.0, 60.0, 140.0, 90.0)
    text = [("d0000000a", "smudge"), ("d0000000b", "eosinophil")]
    drawn = [entry(f"{field.id}.{name}", label, box=box) for name, label in text]
    record(case, account_named("ada").id, drawn)
    sign(app, case)
    export(app, tmp_path / "out")
    cells = {one.label: one for one in read_reviewed(tmp_path / "out")}
    shown = read_rgb(cells["eosinophil"].path)

    assert sorted(cells) == ["blast", "eosinophil"], "a smudge is no white cell to learn"
    pixels = app.extensions["leukoscope_analyst"].pixels(field)
    assert np.array_equal(shown, pixels[15:135, 60:180])
    assert cells["eosinophil"].box == (40.0, 45.0, 80.0, 75.0)


def test_a_folder_with_something_in_it_is_left_alone(app: Flask, context, signed_in, tmp_path):
    sign(app, make_case(signed_in, "Alder-1"))
    (tmp_path / "precious.txt").write_text("x")
    for there in (tmp_path, tmp_path / "precious.txt"):
        with pytest.raises(ExportError, match="is not empty"):
            export(app, there)
    assert [path.name for path in tmp_path.iterdir() if path.name != "instance"] == ["precious.txt"]
    assert noted(Event.EXPORT_REVIEWED) == []


def test_nothing_signed_is_nothing_to_export(app: Flask, context, signed_in, tmp_path: Path):
    make_case(signed_in, "Alder-1")
    with pytest.raises(ExportError, match="No case is signed"):
        export(app, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_command_tells_what_it_wrote_and_is_noted(app: Flask, context, signed_in, tmp_path):
    sign(app, make_case(signed_in, "Alder-1"))
    content = app.test_cli_runner().invoke(args=["export-reviewed", str(tmp_path / "out")])
    assert content.exit_code == 0, content.output
    assert content.output.endswith("out: patients: 1, fields: 1, cells: 2.\n")
    again = app.test_cli_runner().invoke(args=["export-reviewed", str(tmp_path / "out")])
    assert (again.exit_code, "is not empty" in again.output) == (1, True)
    (row,) = noted(Event.EXPORT_REVIEWED)
    assert row.account_name.startswith("shell: ")
    assert row.known == {"cases": 1}


def test_own_classes_go_out_as_white_cells_where_they_count(
    app, context, signed_in, tmp_path: Path
):
    ada = account_named("ada")
    classes.add(ada, "Plasma cell", "plasma", "", white=True)
    classes.add(ada, "Megakaryocyte", "mega", "", white=False)
    sign(app, make_case(signed_in, "Alder-1", n0="own_plasma", n1="own_mega"))
    export(app, tmp_path / "out")
    assert sorted(cell.label for cell in read_reviewed(tmp_path / "out")) == ["blast", "own_plasma"]
    (field,) = (one for split in SHARES[:3] for one in read_txl(tmp_path / "out", split))
    assert [box.label for box in field.boxes if box.label in ("wbc", "blast")] == ["wbc"]
