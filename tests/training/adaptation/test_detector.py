"""From a laboratory's fields to a version that is published and not active, or nothing changes."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
import pytest

from core.taxonomy import WHITE_CELLS
from imaging.images import read_image, resize
from models.detector.detector import QUANTIZED, Detector
from models.manifest import WeightsError, load_manifest
from models.versions import ACTIVE, activate, active_folder, versions
from tests.training.adaptation.conftest import reading_of, write_field
from training.__main__ import main
from training.adaptation import detector
from training.commands import parse
from training.data import PROJECT, DataError
from training.synthesis.composites import make_composites

SERVED = active_folder(PROJECT / "weights", "detector")
BASE = SERVED.name
ADAPTED = f"{BASE}-lab1"

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


@pytest.fixture(scope="module")
def composites(drawn_sets, tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("composites")
    make_composites(drawn_sets, place / "out", place / "cache", "train", 2, 1, 1)
    return place / "out"


def weights_in(folder: Path) -> Path:
    """Link to the detector that is served, the only published version."""
    weights = folder / "weights"
    (weights / "detector").mkdir(parents=True)
    (weights / "detector" / BASE).symlink_to(SERVED)
    (weights / "detector" / ACTIVE).write_text(f"{BASE}\n")
    return weights


def adapt_in(folder: Path, archive: Path, sets: Path, composites: Path, *more: str) -> int:
    """Run the command with few steps."""
    places = ["--data", archive, "--sets", sets, "--composites", composites]
    places += ["--weights", folder / "weights", "--staged", folder / "staged"]
    few = ["--steps", "1", "--batch", "2", "--draws", "20", "--threads", "1"]
    return detector.run(parse(detector.Options, [*map(str, places), *few, *more]))


def answering(monkeypatch, *shares: float) -> list[list[Path]]:
    """Have the networks find so many of the white cells, and all others; note what is asked."""
    asked = []

    def ask(network, fields):
        share = shares[len(asked)]
        asked.append([path for path, _ in fields])
        return [reading_of(truth, found_of(truth, share)) for _, truth in fields]

    def found_of(truth, share):
        white = [cell for cell in truth if cell.label in WHITE_CELLS]
        others = [cell for cell in truth if cell.label not in WHITE_CELLS]
        return [*white[: round(share * len(white))], *others]

    monkeypatch.setattr(detector, "ask", ask)
    return asked


@pytest.fixture(scope="module")
def published(drawn_sets, composites, archive, tmp_path_factory) -> tuple[Path, str]:
    """The weights after the whole command, and what it printed."""
    folder = tmp_path_factory.mktemp("adapted")
    weights = weights_in(folder)
    field = read_image((archive / "images" / "p1" / "field.png").read_bytes()).rgb
    told = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(told):
        answering(patch, 1, 1, 1, 1)
        patch.setattr(detector, "calibration_images", lambda *_: [resize(field, 256, 256)] * 2)
        assert adapt_in(folder, archive, drawn_sets, composites, "--seed", "3") == 0
    return weights, told.getvalue()


@pytest.fixture
def adapt(drawn_sets, composites, archive, tmp_path, monkeypatch):
    """Run the command; what it would publish is the base network, without the slow int8 one."""
    weights_in(tmp_path)

    monkeypatch.setattr(detector, "quantize", lambda *_: None)
    monkeypatch.setattr(detector, "calibration_images", lambda *_: [])
    monkeypatch.setattr(detector, "fine_tune", lambda *_: 1)
    return lambda *more, data=archive: adapt_in(tmp_path, data, drawn_sets, composites, *more)


def test_what_is_not_worse_is_published_and_the_former_version_stays_active(published):
    weights, told = published
    assert active_folder(weights, "detector").name == BASE
    assert versions(weights / "detector") == (BASE, ADAPTED)
    assert "1 steps" in told
    assert f"--model detector --activate {ADAPTED}" in told


def test_it_is_served_in_int8_at_the_bases_limits_and_can_be_activated(published):
    weights, _ = published
    folder = weights / "detector" / ADAPTED
    base, adapted = (load_manifest(one, "detector") for one in (SERVED, folder))
    assert QUANTIZED in adapted.files
    assert adapted.thresholds == base.thresholds
    assert adapted.calibration == base.calibration
    assert adapted.classes == base.classes
    field = np.full((300, 400, 3), 200, np.uint8)
    assert Detector.load(folder).find(field).model == ADAPTED
    assert main(["weights", "--weights", str(weights), "--activate", ADAPTED]) == 0
    assert active_folder(weights, "detector").name == ADAPTED
    activate(weights / "detector", BASE)


def test_the_network_has_learnt_something_and_has_the_bases_operations(published):
    weights, _ = published
    folder = weights / "detector" / ADAPTED
    assert (folder / "network.bin").read_bytes() != (SERVED / "network.bin").read_bytes()
    assert (folder / "network.bin").stat().st_size == (SERVED / "network.bin").stat().st_size


def test_manifest_and_card_say_where_it_comes_from_and_no_patient(published, archive):
    weights, _ = published
    folder = weights / "detector" / ADAPTED
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["training"]["base"] == BASE
    assert manifest["training"]["laboratory"] == {
        **{"fields": 6, "white_cells": 24, "smudges": 0, "groups": 6},
        "patients_known": True,
    }
    assert [
        (one["phase"], one["command"].removeprefix("python -m training "))
        for one in manifest["phases"]
    ] == [
        ("train", "detector"),
        ("train", "adapt detector"),
        ("quantize", "quantize detector"),
        ("calibrate", "adapt detector"),
        ("evaluate", "adapt detector"),
    ]
    assert manifest["phases"][1]["options"] == {
        **{"steps": 1, "batch": 2, "share": 0.5, "rate": 5e-05, "seed": 3}
    }
    assert [title.split(":")[0] for title in manifest["proof"]] == [
        "Laboratory, held out",
        "TXL-PBC test",
    ]
    card = (folder / "model_card.md").read_text()
    assert f"Detector {BASE}, fine-tuned on one laboratory's own fields" in card
    assert "of 6 patients." in card
    assert "$" not in card
    network = (folder / "network.xml").read_text()
    for text in (card, json.dumps(manifest), network):
        assert str(archive) not in text
        assert "/tmp" not in text
        assert "field.png" not in text


def test_a_network_that_finds_less_is_not_published(adapt, tmp_path, monkeypatch, capsys):
    answering(monkeypatch, 1, 1, 0.5, 1)
    assert adapt() == 1
    told = capsys.readouterr().out
    assert "Not published" in told
    assert "white cells found (Laboratory, held out" in told
    assert "(TXL-PBC test" not in told
    assert versions(tmp_path / "weights" / "detector") == (BASE,)
    assert (tmp_path / "staged" / "model_card.md").is_file()


def test_a_network_that_forgot_open_fields_is_not_published(adapt, monkeypatch, capsys):
    answering(monkeypatch, 1, 1, 1, 0)
    assert adapt() == 1
    assert "white cells found (TXL-PBC test" in capsys.readouterr().out


def test_both_networks_are_asked_about_the_same_fields_none_of_them_trained_on(adapt, monkeypatch):
    asked = answering(monkeypatch, 1, 1, 1, 0)
    trained = []
    sampler_of = detector.FieldSampler

    def watched(classes, own, opened, *rest):
        trained.extend(one.path for fields in (own, *opened) for one in fields)
        return sampler_of(classes, own, opened, *rest)

    monkeypatch.setattr(detector, "FieldSampler", watched)
    adapt()
    assert asked[:2] == asked[2:]
    assert len(asked[0]) == 2, "a third of six patients"
    assert len(trained) == 4 + 2 + 8
    assert not set(trained) & {path for paths in asked for path in paths}


def test_too_few_patients_are_refused(adapt, tmp_path):
    few = tmp_path / "few"
    for number in range(3):
        write_field(few, f"p{number}/field.png", number)
    with pytest.raises(DataError, match=r"too few patients: 12 \(of 3\)"):
        adapt(data=few)


def test_without_a_network_to_start_from_it_ends_with_a_sentence(adapt, tmp_path):
    (tmp_path / "weights" / "detector" / ACTIVE).unlink()
    with pytest.raises(WeightsError, match="active is missing"):
        adapt()


def test_missing_images_for_int8_are_noticed_before_it_trains(adapt, monkeypatch):
    def missing(*_):
        raise DataError("40 images are needed of composites, 2 are here.")

    monkeypatch.setattr(detector, "calibration_images", missing)
    monkeypatch.setattr(detector, "fine_tune", lambda *_: pytest.fail("it has trained"))
    with pytest.raises(DataError, match="images are needed"):
        adapt()


@pytest.mark.parametrize("share", ["0", "1"])
def test_a_batch_is_always_mixed(adapt, share):
    with pytest.raises(DataError, match="--share"):
        adapt("--share", share)


def test_the_folder_must_be_named(capsys):
    assert main(["adapt", "detector"]) == 1
    assert "--data" in capsys.readouterr().err


def test_a_stage_with_something_else_in_it_is_left_alone(adapt, tmp_path):
    (tmp_path / "staged").mkdir()
    (tmp_path / "staged" / "notes.txt").write_text("mine")
    with pytest.raises(DataError, match="is not emptied"):
        adapt()
    assert (tmp_path / "staged" / "notes.txt").read_text() == "mine"
