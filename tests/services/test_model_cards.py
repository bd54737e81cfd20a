import json

import pytest

from models.findings import Namer
from services.model_cards import (
    aimed_sensitivity,
    classifier_name,
    not_validated_for,
    read_card,
    read_chart,
    uncertain_band,
)
from tests.networks import VERSION, active, write_classifier
from tests.services.analyses.fields import THRESHOLDS, read_field


@pytest.fixture
def weights(tmp_path):
    folder = write_classifier(active(tmp_path / "classifier"))
    (folder / "model_card.md").write_text("# Classifier test-1\n\nKörner\n", encoding="utf-8")
    (folder / "charts").mkdir()
    (folder / "charts" / "roc.svg").write_text("<svg/>")
    (folder / "charts" / "notes.txt").write_text("no chart")
    return tmp_path


def test_a_card_is_what_lies_beside_the_network(weights):
    card = read_card(weights, "classifier")

    assert card.manifest.version == "test-1"
    assert "Körner" in card.text
    assert card.charts == {"roc.svg"}
    assert read_chart(weights, "classifier", "roc.svg") == b"<svg/>"


def test_the_classifiers_name_is_that_of_the_manifest(weights, tmp_path):
    assert classifier_name(weights) == "Classifier"
    path = weights / "classifier" / VERSION / "manifest.json"
    content = json.loads(path.read_text())
    content["training"]["arguments"]["architecture"] = "DenseNet121"
    path.write_text(json.dumps(content))
    assert classifier_name(weights) == classifier_name(weights, "test-1") == "DenseNet121"
    assert classifier_name(weights, "test-2") == "Classifier"
    assert classifier_name(tmp_path / "none") == "Classifier"


def test_the_band_is_that_of_the_view_of_the_version_that_answered(weights):
    assert uncertain_band(weights, "test-1", "black") == (0.4, 0.6)
    assert uncertain_band(weights, "test-1", "crop") == (0.3, 0.7)
    for version, view in (("test-2", "crop"), ("test-1", None), ("test-1", "other")):
        assert uncertain_band(weights, version, view) is None


def test_where_the_classifier_names_its_own_aim_is_told(weights):
    named = read_field(named_by=Namer.CLASSIFIER, classifier="test-1")
    assert aimed_sensitivity(weights, named) == 0.95
    other = read_field(named_by=Namer.CLASSIFIER, classifier="test-2")
    assert aimed_sensitivity(weights, other) is None


def test_a_manifest_says_for_which_specimens_its_model_was_validated(weights):
    assert not_validated_for(weights, "blood") == ()
    assert not_validated_for(weights, "marrow") == ("detector", "classifier")
    path = weights / "classifier" / VERSION / "manifest.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, "specimens": ["blood", "marrow"]}))
    assert not_validated_for(weights, "marrow") == ("detector",)


def test_what_is_missing_is_none(tmp_path, caplog):
    card = read_card(tmp_path, "classifier")

    assert (card.manifest, card.text, card.charts) == (None, None, frozenset())
    assert "active is missing" in caplog.text


@pytest.mark.parametrize("content", [b"\xff\xfe", b"[]", b'"text"', json.dumps({}).encode()])
def test_what_cannot_be_read_is_none(weights, content):
    for name in ("manifest.json", "model_card.md"):
        (weights / "classifier" / VERSION / name).write_bytes(b"\xff" + content)

    card = read_card(weights, "classifier")

    assert (card.manifest, card.text) == (None, None)


@pytest.mark.parametrize(
    "name", ["none.svg", "notes.txt", "../manifest.json", "../../classifier/charts/roc.svg", ""]
)
def test_nothing_but_charts_is_given_out(weights, name):
    with pytest.raises(FileNotFoundError):
        read_chart(weights, "classifier", name)


def detector_of(weights, **changes) -> None:
    """Put a detector's manifest there that tells what its threshold was chosen for."""
    folder = active(weights / "detector")
    folder.mkdir()
    manifest = {
        "model": "detector",
        "version": read_field().model,
        "classes": ["blast", "wbc", "rbc", "platelet"],
        "input": {"size": 960},
        "thresholds": THRESHOLDS,
        "operating_point": {"blast_sensitivity": 0.9},
        "files": {},
    }
    (folder / "manifest.json").write_text(json.dumps({**manifest, **changes}))


def test_what_a_threshold_was_chosen_for(tmp_path):
    detector_of(tmp_path)
    assert aimed_sensitivity(tmp_path, read_field()) == 0.9


@pytest.mark.parametrize(
    "changes",
    [
        {"version": "another"},
        {"thresholds": {**THRESHOLDS, "blast": 0.2}},
        {"operating_point": {}},
        {"classes": None},
    ],
)
def test_what_another_threshold_was_chosen_for_is_not_told(tmp_path, changes):
    detector_of(tmp_path, **changes)
    assert aimed_sensitivity(tmp_path, read_field()) is None
