"""From trained folds to weights that are served."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from models.classifier.cell_views import View
from models.classifier.classifier import Classifier
from models.manifest import WeightsError
from models.versions import active_folder
from training.cells import export
from training.cells.data import ATTRIBUTES, KINDS
from training.cells.network import CellNetwork
from training.cells.pack import SIZE
from training.cells.predict import Predictions, load_trained
from training.cells.served import OUTPUTS, ServedNetwork, Whitening, fit_whitening
from training.commands import parse
from training.data import DataError

FEW = ("--samples", "3", "--threads", "1")


def export_to(trained, weights, *more):
    places = ["--pack", str(trained / "pack.npz"), "--folder", str(trained)]
    places += ["--weights", str(weights), "--staged", str(weights.parent / "staged")]
    export.run(parse(export.Options, [*places, "--network", "fold0", *FEW, *more]))
    return active_folder(weights.parent, "classifier")


@pytest.fixture(scope="module")
def weights(trained, tmp_path_factory):
    return export_to(trained, tmp_path_factory.mktemp("weights") / "classifier")


def test_only_cells_that_the_fold_never_saw_are_predicted(pack, trained):
    made = Predictions.load(trained / "predictions.npz")
    held_out = (pack.fold[made.rows] == 0) | (pack.source[made.rows] == "snam")
    assert held_out.all()
    assert len(made.rows) == np.sum((pack.fold == 0) | (pack.source == "snam"))
    assert (made.ood_scores > 0).all()


def test_what_is_missing_is_named_with_its_remedy(tmp_path):
    with pytest.raises(DataError, match="cells predict"):
        Predictions.load(tmp_path / "predictions.npz")
    with pytest.raises(DataError, match="cells train"):
        load_trained(tmp_path)


def test_the_served_network_says_what_the_trained_one_does(pack, trained, weights):
    network = load_trained(trained / "fold0")
    classifier = Classifier.load(weights, "f32")
    rgb = np.ascontiguousarray(pack.image(0)[:SIZE, :SIZE, ::-1])
    outputs = classifier.outputs(rgb)
    with torch.inference_mode():
        batch = torch.from_numpy(rgb.astype(np.float32)).permute(2, 0, 1)[None]
        blast, kind, attributes, _ = network(batch)
    assert set(outputs) == set(OUTPUTS)
    assert outputs["logits"][1] - outputs["logits"][0] == pytest.approx(float(blast), abs=0.02)
    np.testing.assert_allclose(outputs["kind"], kind[0].numpy(), atol=0.02)
    np.testing.assert_allclose(outputs["attributes"], attributes[0].numpy(), atol=0.02)
    places = classifier.activation_map(rgb)
    assert places.mean() == pytest.approx(float(blast), abs=0.02)


def test_kind_and_form_are_given_for_cells_with_their_surroundings_only(pack, weights):
    classifier = Classifier.load(weights, "f32")
    rgb = np.ascontiguousarray(pack.image(0)[:SIZE, :SIZE, ::-1])
    seen = classifier.read(rgb, View.CONTEXT)
    assert seen.kind in KINDS
    assert (seen.kind == "blast") == (seen.label == "all_blast")
    assert {
        name: value in ATTRIBUTES[name] for name, value in seen.morphology.items()
    } == dict.fromkeys(ATTRIBUTES, True)
    on_black = classifier.read(rgb, View.SEGMENTED)
    assert (on_black.kind, on_black.morphology) == (None, {})


def test_the_manifest_states_calibration_training_and_metrics(weights):
    manifest = json.loads((weights / "manifest.json").read_text())
    assert set(manifest["views"]) == set(View)
    assert manifest["input"]["stretched"] is False
    assert manifest["training"]["arguments"]["held_out"] == 0
    assert manifest["version"] == weights.name
    assert manifest["kinds"] == list(KINDS)
    assert any(title.startswith("C-NMC, all") for title in manifest["metrics"])
    card = (weights / "model_card.md").read_text()
    assert "that of fold 0" in card
    assert "$" not in card
    assert {path.suffix for path in (weights / "charts").iterdir()} == {".svg"}


def test_every_phase_is_told_with_its_options_and_no_path(trained, weights):
    manifest = json.loads((weights / "manifest.json").read_text())
    assert [each["phase"] for each in manifest["phases"]] == [
        *("train", "predict", "export", "calibrate", "evaluate")
    ]
    training, predicting, exporting, *_, evaluating = (
        each["options"] for each in manifest["phases"]
    )
    assert training == {
        **{"network": "fold0", "architecture": "EfficientNet-Lite0"},
        **{"steps": 4, "seed": 1},
    }
    assert predicting == {"folds": [0]}
    assert exporting == {"network": "fold0"}
    assert evaluating == {"samples": 3}
    for name in ("manifest.json", "model_card.md"):
        assert str(trained) not in (weights / name).read_text()
    assert "1. Train (`python -m training.cells train`): network fold0, architecture Eff" in (
        (weights / "model_card.md").read_text()
    )


def test_the_second_export_of_a_day_is_another_version(trained, weights):
    again = export_to(trained, weights.parent)
    assert again.parent == weights.parent
    assert (weights.name[-2:], again.name[-2:]) == ("-1", "-2")
    assert Classifier.load(again, "f32").version == again.name
    assert not (weights.parents[1] / "staged").exists()


def test_a_published_version_is_not_made_again(trained, weights, monkeypatch):
    monkeypatch.setattr(export, "_write", lambda *_: pytest.fail("made although it is published"))
    with pytest.raises(WeightsError, match="published already"):
        export_to(trained, weights.parent, "--version", weights.name)


def test_whitened_features_are_usual_where_they_were_fitted():
    rng = np.random.default_rng(0)
    features = rng.normal(2, 3, (200, 1536)).astype(np.float32)
    scores = fit_whitening(features).scores(features)
    assert scores.mean() == pytest.approx(1, abs=0.05)
    assert fit_whitening(features).scores(features + 30).min() > 2 * scores.max()


def test_half_of_the_logit_is_for_either_class():
    network = CellNetwork().eval()
    whitening = Whitening(np.zeros((1536, 2), np.float32), np.zeros(2, np.float32))
    with torch.inference_mode():
        logits, cam, *_ = ServedNetwork(network, whitening)(torch.rand(2, 64, 64, 3))
    torch.testing.assert_close(logits[:, 0], -logits[:, 1])
    torch.testing.assert_close(cam.mean(dim=(1, 2)), logits)


def test_a_changed_fold_is_calibrated_anew(trained, weights, tmp_path):
    predictions = Predictions.load(trained / "predictions.npz")
    moved = replace(predictions, blast=predictions.blast + 3)
    moved.save(trained / "predictions.npz")
    again = export_to(trained, tmp_path / "classifier")
    predictions.save(trained / "predictions.npz")
    before, after = (
        json.loads((folder / "manifest.json").read_text())["views"]["black"]["offset"]
        for folder in (weights, again)
    )
    assert after < before
