from __future__ import annotations

import json

import pytest

from models.manifest import WeightsError, load_manifest, read_manifest
from models.versions import active_folder
from settings import ROOT
from tests.networks import write_classifier


@pytest.fixture
def folder(tmp_path):
    return write_classifier(tmp_path / "classifier")


def test_manifest_is_read(folder):
    manifest = load_manifest(folder, "classifier")
    assert manifest.version == "test-1"
    assert manifest.classes == ("normal", "all_blast")
    assert manifest.input_size == 32
    assert manifest.views["black"]["temperature"] == 2.0
    assert manifest.network == folder / "network.xml"
    assert (manifest.calibration, manifest.scale) == ({}, {})


def test_calibration_and_scale_are_read_where_they_are_told(folder):
    path = folder / "manifest.json"
    told = {"calibration": {"rbc": {"slope": 2, "offset": -1}}, "scale": {"red_cell_low": 20}}
    path.write_text(json.dumps({**json.loads(path.read_text()), **told}))
    manifest = load_manifest(folder, "classifier")
    assert manifest.calibration == {"rbc": {"slope": 2.0, "offset": -1.0}}
    assert manifest.scale == {"red_cell_low": 20.0}


@pytest.mark.parametrize("name", ["manifest.json", "network.xml", "network.bin"])
def test_a_missing_file_is_named_with_its_remedy(folder, name):
    (folder / name).unlink()
    with pytest.raises(WeightsError, match=rf"{name} is missing; restore .*make train"):
        load_manifest(folder, "classifier")


def test_an_altered_file_is_refused(folder):
    with (folder / "network.bin").open("ab") as stream:
        stream.write(b"!")
    with pytest.raises(WeightsError, match="SHA-256 differs"):
        load_manifest(folder, "classifier")


@pytest.mark.parametrize("model", ["classifier", "detector"])
def test_the_shipped_manifests_are_read(model):
    manifest = read_manifest(active_folder(ROOT / "weights", model), model)
    assert manifest.details["version"] == manifest.version
    assert set(manifest.thresholds) == set(manifest.details["thresholds"])


def test_a_network_goes_by_its_architecture(folder):
    assert load_manifest(folder, "classifier").name == "Classifier"
    path = folder / "manifest.json"
    content = json.loads(path.read_text())
    content["training"]["arguments"]["architecture"] = "DenseNet121"
    path.write_text(json.dumps(content))
    assert load_manifest(folder, "classifier").name == "DenseNet121"


@pytest.mark.parametrize(
    ("entry", "value", "told"),
    [
        ("thresholds", {"familiar": "high"}, "thresholds.familiar: .* valid number.*"),
        ("thresholds", {"familiar": float("nan")}, "thresholds.familiar: .* finite number"),
        ("input", {"size": 0}, "input.size: Input should be greater than 0"),
        ("views", [], "views: Input should be a valid dictionary"),
    ],
)
def test_a_wrong_entry_is_named(folder, entry, value, told):
    path = folder / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), entry: value}))
    with pytest.raises(WeightsError, match=rf"cannot be read \({told}\); restore"):
        load_manifest(folder, "classifier")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"model": "classifier"}', "\x00"])
def test_an_unreadable_manifest_is_refused(folder, text):
    (folder / "manifest.json").write_text(text)
    with pytest.raises(WeightsError, match="cannot be read"):
        load_manifest(folder, "classifier")


def test_the_wrong_model_is_refused(folder):
    with pytest.raises(WeightsError, match="describes a classifier, not a detector"):
        load_manifest(folder, "detector")


def test_a_manifest_that_names_no_network_is_refused(folder):
    content = json.loads((folder / "manifest.json").read_text())
    del content["files"]["network.xml"]
    (folder / "manifest.json").write_text(json.dumps(content))
    with pytest.raises(WeightsError, match=r"names no network\.xml"):
        load_manifest(folder, "classifier")
