from __future__ import annotations

from itertools import count
from pathlib import Path

import cv2
import pytest
import torch

from models.versions import active_folder
from tests.training.drawn import draw_field
from training.adaptation.field_batches import FieldSampler, TrainingField
from training.adaptation.field_training import FIRST_BLOCKS, fine_tune
from training.adaptation.pace import Pace
from training.data import PROJECT, DataError, FieldBox
from training.detector.published import layers_of, load_published

SERVED = active_folder(PROJECT / "weights", "detector")


@pytest.fixture(scope="module")
def sampler(tmp_path_factory) -> FieldSampler:
    path: Path = tmp_path_factory.mktemp("field") / "field.png"
    cv2.imwrite(str(path), draw_field(200, 200, 40, True))
    field = TrainingField(path, (FieldBox("wbc", 0.34, 0.34, 0.66, 0.66),))
    return FieldSampler(("blast", "wbc", "rbc", "platelet"), [field], [[field]], 0.5, seed=1)


@pytest.fixture
def tune(sampler):
    def tuned(steps, seconds, tick, rate=1e-3):
        network = load_published(SERVED)
        ticks = count(step=tick)
        pace = Pace(steps, batch=2, rate=rate, seed=1, seconds=seconds)
        return fine_tune(network, sampler, pace, lambda: float(next(ticks))), network

    return tuned


def test_first_blocks_are_kept_and_the_rest_learns(tune):
    steps, network = tune(2, 100, 0)
    base = load_published(SERVED)
    assert steps == 2
    assert not network.training
    pairs = list(zip(layers_of(base), layers_of(network), strict=True))
    for before, after in pairs[:FIRST_BLOCKS]:
        assert all(map(torch.equal, before.parameters(), after.parameters()))
    for before, after in pairs[FIRST_BLOCKS:]:
        names = dict(after.named_parameters())
        for name, one in before.named_parameters():
            assert torch.equal(one, names[name]) == ("dfl" in name), name


def test_the_loss_falls_on_what_is_learnt(tune, sampler):
    batch = sampler.batch(0, 2)
    losses = []
    for network in (load_published(SERVED), tune(6, 100, 0, 2e-4)[1]):
        network.train()
        with torch.no_grad():
            losses.append(float(network.loss(batch)[0].sum()))
    assert losses[1] < losses[0]


def test_without_time_it_ends_with_a_sentence(tune):
    with pytest.raises(DataError, match="Give more --minutes"):
        tune(2, 0, 1)
