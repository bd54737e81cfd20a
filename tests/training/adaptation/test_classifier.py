"""From a laboratory's folder to a version that is published and not active, or nothing changes."""

from __future__ import annotations

import io
import json
import shutil
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.classifier.classifier import Classifier
from models.manifest import WeightsError
from models.versions import active_folder, versions
from tests.training.adaptation.conftest import BASE, write_both, write_field
from training.__main__ import main
from training.adaptation import classifier
from training.adaptation.mixture import HELD_OUT
from training.commands import parse
from training.data import DataError

ADAPTED = f"{BASE}-lab1"


def adapt_in(folder: Path, weights: Path, archive: Path, *more: str) -> int:
    """Run the command with few steps; the pack is in the folder."""
    places = ["--data", str(archive), "--weights", str(weights)]
    places += ["--pack", str(folder / "pack.npz"), "--staged", str(folder / "staged")]
    few = ["--steps", "2", "--batch", "4", "--draws", "20", "--threads", "1"]
    return classifier.run(parse(classifier.Options, [*places, *few, *more]))


@pytest.fixture
def adapt(pack, archive, weights, tmp_path, base_version, monkeypatch):
    """Run the command; what it would publish is the base network, which is quick to write."""
    pack.save(tmp_path / "pack.npz")

    def write_base_again(network, whitening, folder):
        for name in ("network.xml", "network.bin"):
            shutil.copy(base_version / name, folder / name)

    monkeypatch.setattr(classifier, "write_network", write_base_again)
    return lambda *more, data=archive: adapt_in(tmp_path, weights, data, *more)


@pytest.fixture(scope="module")
def published(pack, archive, base_version, tmp_path_factory) -> tuple[Path, str]:
    """The weights after the whole command, its own network among them, and what it printed."""
    folder = tmp_path_factory.mktemp("adapted")
    weights = write_both(folder, base_version)
    pack.save(folder / "pack.npz")
    told = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(told):
        answering(patch, 1, 1)
        assert adapt_in(folder, weights, archive, "--seed", "3") == 0
    return weights, told.getvalue()


def answering(monkeypatch, *sides: float) -> list[np.ndarray]:
    """Have the networks answer by the labels: 1 rightly, -1 always wrong; note what is asked."""
    asked = []

    def ask(network, pack, rows):
        side = sides[len(asked)]
        asked.append(rows)
        real = real_ask(network, pack, rows)
        blast = side * np.where(pack.blast[rows] == 1, 4.0, -4.0)
        return replace(real, blast=blast + np.linspace(0, 0.1, len(rows)))

    real_ask = classifier.ask
    monkeypatch.setattr(classifier, "ask", ask)
    return asked


def test_what_is_not_worse_is_published_and_the_former_version_stays_active(published):
    weights, told = published
    assert active_folder(weights, "classifier").name == BASE
    assert versions(weights / "classifier") == (BASE, ADAPTED)
    assert "2 steps" in told
    assert f"--activate {ADAPTED}" in told


def test_the_new_version_can_be_activated(published):
    weights, _ = published
    folder = weights / "classifier" / ADAPTED
    assert Classifier.load(folder, "f32").version == ADAPTED
    for version in (ADAPTED, BASE):
        assert main(["weights", "--weights", str(weights), "--activate", version]) == 0
        assert active_folder(weights, "classifier").name == version


def test_the_network_has_learnt_something(published):
    weights, _ = published
    before, after = (
        (weights / "classifier" / version / "network.bin").read_bytes()
        for version in (BASE, ADAPTED)
    )
    assert before != after


def test_manifest_and_card_say_where_it_comes_from_and_no_patient(published, archive):
    weights, _ = published
    folder = weights / "classifier" / ADAPTED
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["training"]["base"] == BASE
    assert manifest["training"]["laboratory"] == {
        **{"blasts": 12, "others": 12, "smudges": 0, "groups": 6},
        "patients_known": True,
    }
    assert [one["command"] for one in manifest["phases"]] == [
        "python -m training.cells train",
        *["python -m training adapt classifier"] * 2,
    ]
    assert manifest["phases"][1]["options"] == {
        **{"steps": 2, "batch": 4, "share": 0.5, "rate": 5e-05, "seed": 3}
    }
    assert any(title.startswith("Laboratory, held out") for title in manifest["proof"])
    assert any(title.startswith("Open cells, held out, on black") for title in manifest["proof"])
    card = (folder / "model_card.md").read_text()
    assert f"Classifier {BASE}, fine-tuned on one laboratory's own cells" in card
    assert "of 6 patients." in card
    assert "$" not in card
    for text in (card, json.dumps(manifest)):
        assert str(archive) not in text
        assert "p1" not in text
        assert "field.png" not in text


def test_a_worse_network_is_not_published(adapt, weights, tmp_path, monkeypatch, capsys):
    answering(monkeypatch, 1, -1)
    assert adapt() == 1
    told = capsys.readouterr().out
    assert "Not published" in told
    assert "sensitivity (Laboratory, held out, with surroundings" in told
    assert "auroc (Open cells, held out, on black" in told
    assert versions(weights / "classifier") == (BASE,)
    assert active_folder(weights, "classifier").name == BASE
    assert (tmp_path / "staged" / "model_card.md").is_file()


def test_both_networks_are_asked_about_the_same_cells_none_of_them_trained_on(adapt, monkeypatch):
    asked = answering(monkeypatch, 1, 1)
    seen = []
    training = classifier.fine_tune

    def watched(network, sampler, pack, pace):
        def batch(step, size):
            drawn = sample(step, size)
            seen.append((pack, drawn.rows))
            return drawn

        sample = sampler.batch
        monkeypatch.setattr(sampler, "batch", batch)
        return training(network, sampler, pack, pace)

    monkeypatch.setattr(classifier, "fine_tune", watched)
    adapt()
    pack, _ = seen[0]
    trained = np.concatenate([rows for _, rows in seen])
    np.testing.assert_array_equal(*asked)
    assert not set(asked[0]) & set(trained)
    assert not set(pack.group[asked[0]]) & set(pack.group[trained])
    assert (pack.fold[asked[0]] == HELD_OUT).all()
    assert (pack.fold[trained] != HELD_OUT).all()


def test_too_few_patients_are_refused(adapt, tmp_path):
    few = tmp_path / "few"
    for number in range(3):
        write_field(few, f"p{number}/field.png", number)
    with pytest.raises(DataError, match=r"too few patients: with surroundings 6 \(of 3\) blasts"):
        adapt(data=few)


def test_a_folder_with_nothing_in_it_is_refused(adapt, tmp_path):
    with pytest.raises(DataError, match="holds nothing to learn from"):
        adapt(data=tmp_path / "nothing")


def test_without_a_network_to_start_from_it_ends_with_a_sentence(adapt, weights):
    (weights / "classifier" / "active").unlink()
    with pytest.raises(WeightsError, match="active is missing"):
        adapt()


def test_without_open_cells_it_ends_with_a_sentence(adapt, tmp_path):
    with pytest.raises(DataError, match=r"training\.cells pack"):
        adapt("--pack", str(tmp_path / "none.npz"))


@pytest.mark.parametrize("share", ["0", "1"])
def test_a_batch_is_always_mixed(adapt, share):
    with pytest.raises(DataError, match="--share"):
        adapt("--share", share)


def test_the_folder_must_be_named(capsys):
    assert main(["adapt", "classifier"]) == 1
    assert "--data" in capsys.readouterr().err


def test_a_stage_with_something_else_in_it_is_left_alone(adapt, tmp_path):
    (tmp_path / "staged").mkdir()
    (tmp_path / "staged" / "notes.txt").write_text("mine")
    with pytest.raises(DataError, match="is not emptied"):
        adapt()
    assert (tmp_path / "staged" / "notes.txt").read_text() == "mine"
