from __future__ import annotations

from itertools import count

import numpy as np
import pytest
import torch

from training.adaptation.fine_tuning import ask, fine_tune
from training.adaptation.mixture import MixedSampler, divide, with_laboratory
from training.adaptation.pace import Pace
from training.cells.published import load_published
from training.data import DataError


@pytest.fixture
def joined(pack, own_cells):
    return with_laboratory(pack, own_cells, divide(own_cells, 1))


@pytest.fixture
def tune(joined, base_version):
    def tuned(steps, seconds, tick):
        network = load_published(base_version)
        ticks = count(step=tick)
        pace = Pace(steps, batch=2, rate=1e-3, seed=1, seconds=seconds)
        sampler = MixedSampler(joined, 0.5, seed=1)
        return fine_tune(network, sampler, joined, pace, lambda: float(next(ticks))), network

    return tuned


def test_the_steps_bound_the_training(tune):
    steps, network = tune(2, 100, 0)
    assert steps == 2
    assert not network.training


def test_the_time_bounds_the_steps(tune):
    steps, _ = tune(1000, 25, 10)
    # At 10 s and at 20 s of 25.
    assert steps == 2


def test_without_time_it_ends_with_a_sentence(tune):
    with pytest.raises(DataError, match="Give more --minutes"):
        tune(1000, -1, 0)


def test_first_blocks_and_statistics_are_kept_and_the_rest_learns(tune, base_version):
    base, (_, network) = load_published(base_version), tune(2, 100, 0)
    before, after = base.state_dict(), network.state_dict()
    first = next(name for name in before if name.endswith("_conv_stem.weight"))
    mean = next(name for name in before if name.endswith("running_mean"))
    for name in (first, mean):
        torch.testing.assert_close(after[name], before[name])
    assert not torch.equal(after["blast.weight"], before["blast.weight"])


def test_what_is_served_answers_as_the_network(joined, base_version):
    rows = np.array([0, len(joined) - 1])
    answers = ask(base_version / "network.xml", joined, rows)
    with torch.inference_mode():
        pictures = torch.from_numpy(joined.rgb(rows).astype(np.float32)).permute(0, 3, 1, 2)
        outputs = load_published(base_version).eval()(pictures)
    np.testing.assert_allclose(answers.blast, outputs.blast.numpy(), atol=0.05)
    np.testing.assert_allclose(answers.kind, outputs.kind.numpy(), atol=0.05)
    np.testing.assert_array_equal(answers.rows, rows)
