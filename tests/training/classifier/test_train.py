"""A tiny training run on drawn images."""

from __future__ import annotations

import csv

import keras
import numpy as np
import pytest

from tests.training.classifier.test_architectures import small_backbone
from tests.training.classifier.test_data import draw_composites
from tests.training.drawn import draw_sets
from training.__main__ import main
from training.classifier import data
from training.classifier.architectures import ARCHITECTURES, Architecture
from training.classifier.train import Stage, ahead, rate_at, remaining
from training.data import FOLDS

# Keras hands its variables to numpy in a way that numpy 2 calls outdated.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("classifier")
    draw_sets(folder / "data")
    draw_composites(folder / "composites")
    return folder


@pytest.fixture(scope="module")
def command(place):
    """Train with a small backbone; the words behind are added to the command."""

    def train(*words: str) -> int:
        places = ["--data", place / "data", "--composites", place / "composites"]
        places += ["--fold-composites", place / "folds"]
        places += ["--cutouts", place / "cutouts", "--out", place / "run"]
        numbers = ["--steps", "3", "--size", "24", "--batch", "4", "--every", "2"]
        numbers += ["--finish-steps", "2", "--finish-batch", "2", "--threads", "1"]
        numbers += ["--watch-cells", "4"]
        names = ["--scratch", "--architecture", "small"]
        return main(["classifier", *map(str, places), *numbers, *names, *words])

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(ARCHITECTURES, "small", Architecture(small_backbone, 32))
        patch.setattr(data, "_FOLD_COMPOSITES", 8)
        yield train


@pytest.fixture(scope="module")
def trained(place, command):
    assert command() == 0
    return place


def rows(trained) -> list[dict[str, str]]:
    with (trained / "run" / "H10" / "metrics.csv").open() as stream:
        return list(csv.DictReader(stream))


def test_metrics_are_logged_and_plotted(trained):
    logged = rows(trained)
    assert [(row["step"], row["stage"], row["size"]) for row in logged] == [
        ("2", "learn", "24"),
        ("3", "learn", "24"),
        ("5", "finish", "32"),
    ]
    assert all(0 <= float(row["val_auroc_crop"]) <= 1 for row in logged)
    assert (trained / "run" / "H10" / "curves.svg").read_text().lstrip().startswith("<?xml")


def test_each_fold_leaves_a_network_of_its_own(trained):
    networks = [keras.models.load_model(trained / "run" / name / "model.keras") for name in FOLDS]
    cell = np.random.default_rng(0).random((1, 32, 32, 3), np.float32)
    assert len({tuple(np.asarray(network(cell))[0].tolist()) for network in networks}) == 3


def test_one_fold_alone_is_trained_where_asked(place, command):
    assert command("--folds", "H22", "--out", str(place / "one")) == 0
    assert [path.name for path in (place / "one").iterdir()] == ["H22"]


def test_resuming_goes_on_with_what_is_left(trained, command):
    before = rows(trained)
    assert command("--resume", "--finish-steps", "4") == 0
    after = rows(trained)
    assert after[:3] == before
    assert [row["step"] for row in after[3:]] == ["7"]


def test_the_rate_rises_then_falls():
    stage = Stage("learn", 1000, 32, 4, 1e-3)
    rates = [rate_at(stage, step) for step in range(1000)]
    assert rates[0] == pytest.approx(1e-5, rel=0.01)
    assert np.argmax(rates) in range(90, 110)
    assert rates[-1] == pytest.approx(2e-5, rel=0.1)


def test_what_remains_begins_where_the_checkpoint_is():
    stages = [Stage("learn", 3, 24, 4, 1.0), Stage("finish", 2, 32, 4, 1.0)]
    left = [(stage.name, step) for stage, step in remaining(stages, 2)]
    assert left == [("learn", 2), ("finish", 0), ("finish", 1)]
    assert [step for _, step in remaining(stages, 4)] == [1]
    assert list(remaining(stages, 5)) == []


def test_batches_made_ahead_keep_their_order_and_their_errors():
    assert list(ahead(iter(range(20)))) == list(range(20))

    def failing():
        yield 1
        raise ValueError("no such cell")

    made = ahead(failing())
    assert next(made) == 1
    with pytest.raises(ValueError, match="no such cell"):
        next(made)
