"""The application as it is shipped: real weights, real images where there are any."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from core.taxonomy import FIELD_CODES
from imaging.images import read_image, resize
from models.__main__ import main
from models.classifier.cell_views import cut, segmented_window
from models.registry import Models, load_models
from settings import ROOT
from tests.applications import empty_app
from tests.people import sign_in_as
from tests.stand_ins import drawn_field
from tests.uploads import png, send, texts, upload_field
from training.cells.data import read_cnmc_cells

WEIGHTS = ROOT / "weights"


@pytest.fixture(scope="module")
def models():
    return load_models(WEIGHTS)


@pytest.fixture
def reader(settings, models):
    """A person signed in to the application with the shipped networks."""
    with empty_app(settings.model_copy(update={"weights_dir": WEIGHTS}), models) as app:
        yield sign_in_as(app, "ada")


def test_a_cell_is_read_and_kept(reader):
    answer = send(reader, "/classify", ("cell.png", png()), as_json=True)
    assert answer.status_code == 201
    assert answer.json["label"] in {"all_blast", "normal", "uncertain"}
    assert 0 <= answer.json["probability"] <= 1
    text = texts(reader.get(answer.json["url"]).get_data(as_text=True))
    assert answer.json["word"] in text
    assert "does not diagnose" in text


def test_a_field_is_read_and_kept(reader):
    document = json.loads(reader.get(f"{upload_field(reader)['url']}/findings.json").data)
    assert (document["width"], document["height"]) == (480, 360)
    assert sum(document["counts"].values()) == len(document["detections"]) > 0


def test_the_shell_and_the_page_say_the_same(reader, tmp_path, capsys):
    (tmp_path / "field.png").write_bytes(png(drawn_field()))
    assert main(["detect", str(tmp_path / "field.png")]) == 0
    printed = json.loads(capsys.readouterr().out)
    document = json.loads(reader.get(f"{upload_field(reader)['url']}/findings.json").data)
    assert printed["counts"] == document["counts"]
    assert set(printed["counts"]) == set(FIELD_CODES)


def test_blasts_rank_above_the_normal_cells_of_held_out_subjects(models, shared_data):
    manifest = models.classifier.manifest.details
    held_out = manifest["training"]["arguments"]["held_out"]
    if held_out is None:
        pytest.skip("the classifier that is served was trained on all subjects")
    subjects = manifest["training"]["split"][f"fold {held_out}"]
    cells = [cell for cell in read_cnmc_cells(shared_data) if cell.subject in subjects]
    means = {}
    for blast in (0, 1):
        some = [cell.path for cell in cells if cell.blast == blast][::8]
        means[blast] = np.mean([probability(models, path) for path in some])
    assert means[1] > means[0]


def probability(models: Models, path: Path) -> float:
    """P(ALL blast) of a cell on black."""
    rgb = read_image(path.read_bytes()).rgb
    return models.classifier.read(cut(rgb, segmented_window(rgb), "black"), "black").probability


def test_white_cells_of_real_fields_are_found_and_few_blasts_invented(models, shared_data):
    files = sorted((shared_data / "txl_pbc" / "images" / "test").glob("*.jpg"))[::12]
    found = [models.read_field(read_image(file.read_bytes()).rgb).counts for file in files]
    assert sum(counts["wbc"] + counts["blast"] > 0 for counts in found) >= 0.8 * len(files)
    assert sum(counts["blast"] for counts in found) <= 2


def test_blasts_of_a_real_leukaemia_are_called_so(models, shared_data):
    # Enlarged three times: red cells are 15 pixels wide there.
    field = read_image((shared_data / "snam" / "images" / "ALL_1.png").read_bytes()).rgb
    height, width = field.shape[:2]
    counts = models.read_field(resize(field, 3 * width, 3 * height)).counts
    assert counts["blast"] >= 0.8 * (counts["blast"] + counts["wbc"]) > 0
