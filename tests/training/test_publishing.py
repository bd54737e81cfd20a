"""From staged weights to those that are served, or nothing changes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import openvino as ov
import openvino.opset13 as ops
import pytest

from models.manifest import WeightsError, sha256_of
from models.registry import load_models
from models.versions import activate, active_folder
from tests.networks import active, write_classifier, write_detector
from training.publishing import add_version, publish, record

METRICS = {"20 fields": {"AP50": {"value": 0.9, "low": 0.8, "high": 1.0}}}
PHASES = [{"phase": "evaluate", "command": "python -m training evaluate detector", "options": {}}]
WRITE = {"classifier": write_classifier, "detector": write_detector}


def change(folder: Path, **entries: object) -> None:
    path = folder / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **entries}))


def stage(folder: Path, model: str, version: str = "2") -> Path:
    """Weights that may be published."""
    WRITE[model](folder)
    change(folder, version=version, metrics=METRICS, phases=PHASES)
    (folder / "model_card.md").write_text(f"# {model} {version}\n")
    return folder


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """Version 1 of both models is active."""
    for model, write in WRITE.items():
        write(active(tmp_path / "weights" / model, "1"))
    return tmp_path / "weights"


@pytest.fixture(params=WRITE)
def model(request) -> str:
    return request.param


def test_published_weights_are_served_and_the_older_kept(weights, tmp_path, model):
    staged = stage(tmp_path / "staged", model)
    content = files_of(staged)
    published = publish(weights / model, staged)
    assert published == active_folder(weights, model) == weights / model / "2"
    assert files_of(published) == content
    assert not staged.exists()
    assert {path.name for path in (weights / model).iterdir()} == {"1", "2", "active"}
    assert getattr(load_models(weights, "f32"), model).version == "2"


def test_a_version_that_is_added_is_not_served_yet(weights, tmp_path, model):
    staged = stage(tmp_path / "staged", model)
    added = add_version(weights / model, staged)
    assert added == weights / model / "2"
    assert active_folder(weights, model) == weights / model / "1"
    assert not staged.exists()
    activate(weights / model, "2")
    assert getattr(load_models(weights, "f32"), model).version == "2"


def test_what_cannot_be_served_is_not_added(weights, tmp_path, model):
    staged = stage(tmp_path / "staged", model)
    change(staged, metrics={})
    before = files_of(weights)
    with pytest.raises(WeightsError, match="no metrics"):
        add_version(weights / model, staged)
    assert files_of(weights) == before
    assert staged.exists()


def test_the_first_version_of_a_model_is_published(tmp_path, model):
    staged = stage(tmp_path / "staged", model, "1")
    assert publish(tmp_path / "new" / model, staged) == active_folder(tmp_path / "new", model)


def refused(weights: Path, staged: Path, model: str, told: str) -> None:
    """Publishing ends with a sentence, and nothing is other than before."""
    before, made = files_of(weights), files_of(staged)
    with pytest.raises(WeightsError, match=told):
        publish(weights / model, staged)
    assert files_of(weights) == before
    assert files_of(staged) == made
    assert {path.name for path in (weights / model).iterdir()} == {"1", "active"}


def test_a_version_is_published_once(weights, tmp_path, model):
    staged = stage(tmp_path / "staged", model, "1")
    refused(weights, staged, model, "published already.*--version")


@pytest.mark.parametrize("version", ["../3", "", "a/b", ".3"])
def test_a_version_cannot_lead_out_of_the_folder(weights, tmp_path, model, version):
    staged = stage(tmp_path / "staged", model, version)
    refused(weights, staged, model, "no name of a version")


@pytest.mark.parametrize("entry", ["views", "calibration", "thresholds"])
def test_weights_that_are_not_calibrated_stay_staged(weights, tmp_path, entry):
    model = "classifier" if entry == "views" else "detector"
    staged = stage(tmp_path / "staged", model)
    change(staged, **{entry: {}})
    refused(weights, staged, model, "not calibrated")


@pytest.mark.parametrize(
    "metrics", [{}, {"fields": {}}, {"fields": {"AP50": {"value": None}}}, None, []]
)
def test_weights_that_were_not_measured_stay_staged(weights, tmp_path, model, metrics):
    staged = stage(tmp_path / "staged", model)
    change(staged, metrics=metrics)
    refused(weights, staged, model, "no metrics")


def test_weights_without_a_card_stay_staged(weights, tmp_path, model):
    staged = stage(tmp_path / "staged", model)
    (staged / "model_card.md").unlink()
    refused(weights, staged, model, r"has no model_card\.md")


def test_an_altered_network_stays_staged(weights, tmp_path, model):
    staged = stage(tmp_path / "staged", model)
    with (staged / "network.bin").open("ab") as stream:
        stream.write(b"!")
    refused(weights, staged, model, "SHA-256 differs")


def test_the_weights_of_the_other_model_are_refused(weights, tmp_path):
    staged = stage(tmp_path / "staged", "classifier")
    refused(weights, staged, "detector", "describes a classifier, not a detector")


def test_nothing_staged_is_a_sentence(weights, tmp_path, model):
    with pytest.raises(WeightsError, match=r"manifest\.json is missing"):
        publish(weights / model, tmp_path / "staged")


def test_a_second_network_is_published_only_with_its_hashes(weights, tmp_path):
    staged = stage(tmp_path / "staged", "detector")
    for suffix in ("xml", "bin"):
        shutil.copyfile(staged / f"network.{suffix}", staged / f"network_int8.{suffix}")
    refused(weights, staged, "detector", "does not name: network_int8.bin, network_int8.xml")


def test_every_precision_that_the_manifest_lists_has_to_load(weights, tmp_path):
    staged = stage(tmp_path / "staged", "detector")
    (staged / "network_int8.xml").write_text("<net/>")
    files = json.loads((staged / "manifest.json").read_text())["files"]
    change(staged, files={**files, "network_int8.xml": sha256_of(staged / "network_int8.xml")})
    refused(weights, staged, "detector", r"network_int8\.xml cannot be loaded")


def head_of(folder: Path, rows: list[list[float]]) -> None:
    """Have the staged detector answer every field with the same boxes."""
    image = ops.parameter([1, 3, 64, 64], np.float32)
    nothing = ops.multiply(ops.reduce_mean(image, np.array([0, 1, 2, 3])), np.float32(0))
    head = np.array(rows, np.float32).T[None]
    network = ov.Model([ops.add(ops.constant(head), nothing)], [image])
    ov.save_model(network, folder / "network.xml", compress_to_fp16=False)
    change(
        folder,
        files={name: sha256_of(folder / name) for name in ("network.xml", "network.bin")},
    )


@pytest.mark.parametrize(
    "rows",
    [[[32, 32, 10, 10, float("nan"), 0.1, 0, 0]], [[32, 32, 10, 10, 0.9, 0.1, 0]]],
    ids=["no numbers", "a class less"],
)
def test_a_detector_that_would_find_nothing_in_silence_stays_staged(weights, tmp_path, rows):
    staged = stage(tmp_path / "staged", "detector")
    head_of(staged, rows)
    refused(weights, staged, "detector", "does not give what its manifest states")


def test_a_classifier_whose_kinds_are_not_its_networks_stays_staged(weights, tmp_path):
    staged = stage(tmp_path / "staged", "classifier")
    change(staged, kinds=["blast", "lymphocyte"])
    refused(weights, staged, "classifier", "does not give what its manifest states")


def test_a_classifier_without_the_class_of_blasts_stays_staged(weights, tmp_path):
    staged = stage(tmp_path / "staged", "classifier")
    change(staged, classes=["normal", "other"])
    refused(weights, staged, "classifier", "does not give what its manifest states")


def test_a_publishing_that_was_killed_midway_is_begun_anew(weights, tmp_path, model):
    left = weights / model / ".2"
    left.mkdir()
    (left / "of_before").touch()
    assert active_folder(weights, model).name == "1"
    published = publish(weights / model, stage(tmp_path / "staged", model))
    assert not (published / "of_before").exists()


def test_an_error_while_the_folder_is_put_in_place_leaves_what_was_active(
    weights, tmp_path, model, monkeypatch
):
    staged = stage(tmp_path / "staged", model)
    before = files_of(weights)

    def fails(*_: object) -> None:
        raise OSError("no room")

    monkeypatch.setattr(Path, "rename", fails)
    with pytest.raises(OSError, match="no room"):
        publish(weights / model, staged)
    assert files_of(weights) == before
    assert staged.exists()


def test_an_older_version_is_served_again(weights, tmp_path, model):
    publish(weights / model, stage(tmp_path / "staged", model))
    activate(weights / model, "1")
    assert active_folder(weights, model).name == "1"


def test_metrics_and_links_of_documents_follow_what_is_published(weights, tmp_path):
    published = publish(weights / "detector", stage(tmp_path / "staged", "detector"))
    (tmp_path / "docs" / "adr").mkdir(parents=True)
    validation, adr = tmp_path / "docs" / "validation.md", tmp_path / "docs" / "adr" / "1.md"
    links = "[a](../weights/detector/1/charts/froc.svg) [b](../weights/classifier/1/model_card.md)"
    validation.write_text(f"{links}\n<!-- detector:begin -->\nold\n<!-- detector:end -->\n")
    adr.write_text(links)
    (tmp_path / "README.md").write_text("[card](weights/detector/1/model_card.md)")
    record(published, tmp_path)
    text = validation.read_text()
    assert "Detector 2, `python -m training evaluate detector`:" in text
    assert "| AP50 | 0.900 | 0.800 to 1.000 |" in text
    assert "old" not in text
    for document in (text, adr.read_text()):
        assert "(../weights/detector/2/charts/froc.svg)" in document
        assert "(../weights/classifier/1/model_card.md)" in document
    assert (tmp_path / "README.md").read_text() == "[card](weights/detector/2/model_card.md)"
