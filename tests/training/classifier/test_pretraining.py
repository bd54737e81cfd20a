"""Kinds of white cells, learned before ALL: the command, and what the classifier starts from."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from tests.training.classifier.test_architectures import small_backbone
from tests.training.drawn import draw_sets
from training.__main__ import main
from training.classifier.architectures import ARCHITECTURES, Architecture, build
from training.classifier.pretraining import pool_of_kinds
from training.data import read_pbc

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kinds")
    draw_sets(folder)
    return folder


def test_every_kind_is_a_class_of_train_tiles_alone(data):
    tiles = read_pbc(data)
    pool = pool_of_kinds(data)
    assert [groups[0].cells[0].kind for groups in pool.crops] == sorted({t.kind for t in tiles})
    drawn = {cell.path for groups in pool.crops for group in groups for cell in group.cells}
    assert drawn == {tile.path for tile in tiles if tile.split == "train"}


def test_the_classifier_starts_from_what_the_command_wrote(data, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(ARCHITECTURES, "small", Architecture(small_backbone, 32))
    words = ["kinds", "--data", data, "--out", tmp_path, "--architecture", "small", "--scratch"]
    words += ["--steps", 2, "--size", 24, "--batch", 4, "--every", 2, "--threads", 1]
    assert main([str(word) for word in words]) == 0
    weights = tmp_path / "backbone.weights.h5"
    assert capsys.readouterr().out.strip() == str(weights)

    written = weights.stat().st_mtime_ns
    assert main([str(word) for word in words]) == 0
    assert weights.stat().st_mtime_ns == written
    keras.utils.set_random_seed(1)
    started, other = build("small", weights), build("small")
    kernels = [model.get_layer("backbone").get_weights()[0] for model in (started, other)]
    assert not np.array_equal(*kernels)
    assert np.array_equal(
        kernels[0], build("small", weights).get_layer("backbone").get_weights()[0]
    )
