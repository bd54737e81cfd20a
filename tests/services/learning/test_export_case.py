"""A case as an image set, read by COCO's own library."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
import yaml
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from pycocotools.coco import COCO

from records.analyses import analyses
from records.cases.cases import Case
from services.cases.cases import Details, open_case, put
from services.cases.review import cells_of, record
from services.laboratory import classes
from services.learning.export_case import CLASSES, export_case
from services.reports.contents import ASSISTS, collect_report
from tests.cases import entry, sign_case
from tests.people import account_named
from tests.uploads import upload_cell, upload_field


@pytest.fixture
def case(app: Flask, signed_in: FlaskClient):
    """A case of a field and a cell image, of which one cell of the field was named."""
    images = [upload_field(signed_in, "Jane Doe.png")["id"], upload_cell(signed_in)]
    with app.app_context():
        case = open_case(account_named("ada").id, Details("Alder-7", "blood"))
        put(case, images)
        record(case, account_named("ada").id, [entry(f"{images[0]}.1", "monocyte")])
        yield case


def exported(app: Flask, case: Case, folder: Path) -> Path:
    stream = io.BytesIO()
    contents = collect_report(case, app.config["LEUKOSCOPE"].weights_dir)
    export_case(contents, app.extensions["leukoscope_analyst"], stream)
    with zipfile.ZipFile(stream) as archive:
        assert archive.testzip() is None
        archive.extractall(folder)
    return folder


def test_the_archive_has_what_its_readme_says(app: Flask, case: Case, tmp_path: Path):
    folder = exported(app, case, tmp_path / "out")
    names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    assert names == [
        "README.txt",
        "annotations.json",
        "data.yaml",
        *("images/001.png", "images/002.png"),
        *("labels/001.txt", "labels/002.txt"),
    ]
    for image, analysis in zip(names[3:5], analyses.of_case(case.id), strict=True):
        with Image.open(folder / image) as shown:
            kept = app.extensions["leukoscope_analyst"].pixels(analysis)
            assert np.array_equal(np.asarray(shown), kept)


def test_coco_reads_the_cells_as_reviewed(app: Flask, case: Case, tmp_path: Path):
    coco = COCO(exported(app, case, tmp_path / "out") / "annotations.json")
    names = {one["id"]: one["name"] for one in coco.loadCats(coco.getCatIds())}
    assert tuple(names.values()) == CLASSES
    field = coco.loadAnns(coco.getAnnIds(imgIds=[1]))
    shown = {names[one["category_id"]]: one for one in field}
    assert sorted(shown) == ["blast", "monocyte", "platelet", "rbc"]
    reviewed = [label for label, one in shown.items() if one["reviewed"]]
    assert reviewed == ["monocyte"], "red cells and platelets nobody reviewed"
    boxes = {cell.label: cell.box for cell in cells_of(case)}
    x1, y1, x2, y2 = boxes["monocyte"]
    assert shown["monocyte"]["bbox"] == pytest.approx([x1, y1, x2 - x1, y2 - y1])
    for image in coco.loadImgs(coco.getImgIds()):
        assert (tmp_path / "out" / "images" / image["file_name"]).is_file()


def test_yolo_has_the_same_cells(app: Flask, case: Case, tmp_path: Path):
    folder = exported(app, case, tmp_path / "out")
    recipe = yaml.safe_load((folder / "data.yaml").read_text())
    assert tuple(recipe["names"][number] for number in range(len(CLASSES))) == CLASSES
    coco = COCO(folder / "annotations.json")
    for image in coco.loadImgs(coco.getImgIds()):
        lines = (folder / "labels" / image["file_name"]).with_suffix(".txt").read_text()
        rows = [[float(word) for word in line.split()] for line in lines.splitlines()]
        cells = coco.loadAnns(coco.getAnnIds(imgIds=[image["id"]]))
        assert len(rows) == len(cells)
        for (number, x, y, width, height), cell in zip(rows, cells, strict=True):
            assert number == cell["category_id"] - 1
            left, top = (x - width / 2) * image["width"], (y - height / 2) * image["height"]
            size = width * image["width"], height * image["height"]
            assert (left, top, *size) == pytest.approx(cell["bbox"], abs=0.02)


def test_what_is_no_cell_has_no_label(app: Flask, case: Case, tmp_path: Path):
    (field, _) = analyses.of_case(case.id)
    record(case, account_named("ada").id, [entry(f"{field.id}.0", "not_a_cell")])
    coco = COCO(exported(app, case, tmp_path / "out") / "annotations.json")
    names = {one["id"]: one["name"] for one in coco.loadCats(coco.getCatIds())}
    labels = {names[one["category_id"]] for one in coco.loadAnns(coco.getAnnIds(imgIds=[1]))}
    assert labels == {"monocyte", "platelet", "rbc"}


def test_an_open_case_says_how_far_it_is(app: Flask, case: Case, tmp_path: Path):
    readme = (exported(app, case, tmp_path / "out") / "README.txt").read_text()
    assert "version 1, not signed: it may still change" in readme
    assert "Cells: 1 of 3 were reviewed. The others are as the models propose" in readme
    assert ASSISTS in readme
    everything = "".join(
        path.read_text()
        for path in (tmp_path / "out").rglob("*")
        if path.suffix != ".png" and path.is_file()
    )
    assert not any(name in everything for name in ("Jane", "Alder", "ada"))


def test_a_signed_case_is_told_as_signed(app: Flask, case: Case, tmp_path: Path):
    ada, by = account_named("ada"), app.extensions["leukoscope_sign_off"]
    counted = [cell for cell in cells_of(case) if cell.counted]
    record(case, ada.id, [entry(cell.id, cell.label) for cell in counted])
    sign_case(by, case, ada)
    readme = (exported(app, case, tmp_path / "out") / "README.txt").read_text()
    assert "version 1, signed." in readme
    assert "Cells: 3 of 3 were reviewed." in readme
    assert "as the models propose" not in readme


def test_an_image_that_is_gone_is_an_error(app: Flask, case: Case, tmp_path: Path):
    (field, _) = analyses.of_case(case.id)
    app.extensions["leukoscope_analyst"]._store.delete(field.image_name)
    with pytest.raises(FileNotFoundError):
        exported(app, case, tmp_path / "out")


def test_own_classes_of_the_case_come_behind_the_others(app: Flask, case: Case, tmp_path: Path):
    ada = account_named("ada")
    for name, code in (("Plasma cell", "plasma"), ("Band", "band")):
        classes.add(ada, name, code, "", white=True)
    cell = next(cell for cell in cells_of(case) if cell.label == "monocyte")
    record(case, ada.id, [entry(cell.id, "own_plasma")])

    folder = exported(app, case, tmp_path / "out")
    recipe = yaml.safe_load((folder / "data.yaml").read_text())
    assert tuple(recipe["names"].values()) == (*CLASSES, "own_plasma")
    coco = COCO(folder / "annotations.json")
    (category,) = coco.getCatIds(catNms=["own_plasma"])
    assert len(coco.getAnnIds(catIds=[category])) == 1
    assert f"{len(CLASSES)}  own_plasma: Plasma cell" in (folder / "README.txt").read_text()
