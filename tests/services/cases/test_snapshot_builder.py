"""The snapshot of a case, collected from what is kept."""

import json
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from records.analyses import analyses
from records.cases.cases import Case
from services.cases import review
from services.cases.cases import Details, open_case, put
from services.cases.review import cells_of
from services.cases.snapshot import CaseSnapshot
from services.cases.snapshot_builder import collect_snapshot
from services.reports.cell_pictures import pictures_of
from services.reports.contents import shown_blasts, shown_others
from tests.cases import entry, put_cell, put_field
from tests.cases import open_case as open_bare_case
from tests.networks import active
from tests.people import account_named
from tests.services.analyses.fields import THRESHOLDS
from tests.uploads import upload_cell, upload_field


@pytest.fixture(autouse=True)
def _in_the_application(app: Flask, signed_in: FlaskClient):
    with app.app_context():
        yield


@pytest.fixture
def case() -> Case:
    return open_bare_case(account_named("ada").id, notes="dry tap", stain="Giemsa")


def collected(case: Case, weights: Path) -> CaseSnapshot:
    return collect_snapshot(case, analyses.of_case(case.id), cells_of(case), weights)


def install(weights: Path, model: str, version: str, architecture: str | None = None) -> None:
    """A network's manifest, as far as it is read without the network."""
    folder = active(weights / model)
    folder.mkdir()
    content = {"model": model, "version": version, "classes": [], "input": {"size": 1}}
    content |= {"thresholds": {}, "files": {"network.bin": "56" * 32}}
    if architecture:
        content["training"] = {"arguments": {"architecture": architecture}}
    (folder / "manifest.json").write_text(json.dumps(content))


def test_images_go_by_number_and_hash_and_models_by_version(case: Case, tmp_path: Path):
    put_field(case)
    put_cell(case)
    install(tmp_path, "detector", "2026.11.22-1")
    install(tmp_path, "classifier", "of another day")
    snapshot = collected(case, tmp_path)

    assert [(one.number, one.kind, one.sha256) for one in snapshot.images] == [
        (1, "detection", "ab" * 32),
        (2, "classification", "cd" * 32),
    ]
    assert snapshot.images[0].thresholds == THRESHOLDS
    assert [(one.model, one.version, one.files) for one in snapshot.models] == [
        ("classifier", "2026.11.23-1", {}),
        ("detector", "2026.11.22-1", {"network.bin": "56" * 32}),
    ]


@pytest.mark.parametrize(
    ("installed", "architecture"), [("2026.11.23-1", "ResNet50"), ("of another day", None)]
)
def test_the_architecture_is_that_of_the_network_in_use(
    case: Case, tmp_path: Path, installed: str, architecture: str | None
):
    put_cell(case)
    install(tmp_path, "classifier", installed, "ResNet50")

    assert [one.architecture for one in collected(case, tmp_path).models] == [architecture]


def test_cells_are_as_they_stand_in_the_order_of_suspicion(case: Case, tmp_path: Path):
    field = put_field(case)
    review.record(case, account_named("ada").id, [entry(f"{field.id}.1", "monocyte")])
    snapshot = collected(case, tmp_path)

    assert [cell.name for cell in snapshot.cells] == ["1.1", "1.2", "1.3", "1.4", "1.5"]
    assert [cell.label for cell in snapshot.cells[:2]] == ["blast", "monocyte"]
    assert (snapshot.cells[1].by, snapshot.cells[1].seen, snapshot.cells[0].seen) == (
        "ada",
        True,
        False,
    )
    assert (snapshot.reviewed, snapshot.total) == (1, 4)
    assert (snapshot.by_models.share, snapshot.by_reviewers.share) == (0.5, None)
    assert (snapshot.by_reviewers.white, snapshot.by_reviewers.interval) == (1, None)
    assert snapshot.by_models.blasts.interval == snapshot.by_models.interval
    assert snapshot.specimen.notes == "dry tap"


def test_a_share_of_reviewers_follows_once_every_cell_is_reviewed(case: Case, tmp_path: Path):
    field = put_field(case)
    for number in range(4):
        label = "smudge" if number == 3 else "blast"
        cell = f"{field.id}.{number}"
        review.record(case, account_named("ada").id, [entry(cell, label)])
    tally = collected(case, tmp_path).by_reviewers

    assert (tally.share, tally.white, tally.per_100("smudge")) == (1.0, 3, pytest.approx(100 / 3))
    assert tally.erythroblasts_per_100 == 0.0


def test_what_is_left_out_is_marked_and_in_no_tally(case: Case, tmp_path: Path):
    put_field(case)
    put_cell(case)
    case.leave_out_edge = True
    snapshot = collected(case, tmp_path)

    assert snapshot.by_models.white == 3
    assert snapshot.left_out == {"edge": 1, "single_image": 1}
    assert [cell.name for cell in snapshot.cells if cell.at_edge] == ["1.1"]
    kept_cells = snapshot.serialize()["cells"]
    plain = [cell for cell in kept_cells if "left_out" not in cell and "at_edge" not in cell]
    assert len(plain) == len(kept_cells) - 2, "signatures of before keep their hash"


def test_the_snapshot_comes_back_from_json_as_it_was(case: Case, tmp_path: Path):
    put_field(case)
    put_cell(case)
    snapshot = collected(case, tmp_path)
    assert CaseSnapshot.model_validate(json.loads(json.dumps(snapshot.serialize()))) == snapshot


def test_pictures_of_the_cells_in_a_report(app: Flask, signed_in: FlaskClient, tmp_path: Path):
    images = [upload_field(signed_in)["id"], upload_cell(signed_in)]
    case = open_case(account_named("ada").id, Details("Alder-7", "blood"))
    put(case, images)
    snapshot = collected(case, tmp_path)
    analyst = app.extensions["leukoscope_analyst"]
    pictures = pictures_of(snapshot, analyst)

    shown = (*shown_blasts(snapshot), *shown_others(snapshot))
    assert set(pictures) == {cell.id for cell in shown}
    assert all(picture.startswith(b"\xff\xd8") for picture in pictures.values())


def test_an_image_that_is_gone_has_no_pictures(app: Flask, case: Case, tmp_path: Path):
    put_field(case).image_name = f"{'0' * 32}.png"
    snapshot = collected(case, tmp_path)
    assert shown_blasts(snapshot)
    assert pictures_of(snapshot, app.extensions["leukoscope_analyst"]) == {}
