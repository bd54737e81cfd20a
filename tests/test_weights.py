"""What is shipped in weights/: one version of each model, small, and the one that is served."""

from __future__ import annotations

import subprocess
from pathlib import Path, PurePosixPath

import pytest

from models.manifest import load_manifest
from models.versions import active_folder
from settings import ROOT
from training import embedder
from training.cells import card as classifier_card
from training.detector import card as detector_card
from training.publishing import check_publishable

MODELS = ("classifier", "detector", "embedder")
MOST_BYTES = 80 * 1000 * 1000
CARDS = {
    "classifier": classifier_card.card,
    "detector": detector_card.card,
    "embedder": embedder.card,
}


@pytest.fixture(scope="module")
def tracked() -> list[PurePosixPath]:
    """The files below weights/ that git has."""
    command = ("git", "ls-files", "-z", "weights")
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode or not done.stdout:
        pytest.skip("this is no checkout of git")
    return [PurePosixPath(name) for name in done.stdout.split("\0") if name]


def test_the_tree_has_one_version_of_each_model_and_its_pointer(tracked):
    assert {path.parts[1] for path in tracked} == set(MODELS)
    for model in MODELS:
        below = {path.parts[2] for path in tracked if path.parts[1] == model}
        assert below == {"active", active_folder(ROOT / "weights", model).name}


def test_the_weights_of_the_tree_are_small(tracked):
    assert sum((ROOT / path).stat().st_size for path in tracked) < MOST_BYTES


@pytest.mark.parametrize("model", MODELS)
def test_what_is_shipped_could_be_published_as_it_is(model):
    check_publishable(active_folder(ROOT / "weights", model), model)


@pytest.mark.parametrize("model", MODELS)
def test_the_folder_has_the_name_of_its_version(model):
    folder = active_folder(ROOT / "weights", model)
    assert load_manifest(folder, model).version == folder.name


@pytest.mark.parametrize("model", MODELS)
def test_the_card_says_what_the_manifest_does(model):
    folder: Path = active_folder(ROOT / "weights", model)
    card = CARDS[model](load_manifest(folder, model).details)
    assert (folder / "model_card.md").read_text(encoding="utf-8") == card
