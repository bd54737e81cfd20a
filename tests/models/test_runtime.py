from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from models.runtime import Network
from models.weights import WeightsError
from tests.networks import write_classifier


@pytest.fixture
def network(tmp_path) -> Network:
    return Network(write_classifier(tmp_path / "classifier") / "network.xml", "f32")


def image(value: float) -> np.ndarray:
    return np.full((1, 32, 32, 3), value, np.float32)


def test_outputs_come_by_name(network):
    np.testing.assert_allclose(network.run(image(0.5))["logits"], [[0, 0.5]], atol=1e-3)


def test_results_are_copies(network):
    first = network.run(image(0.25))["logits"]
    network.run(image(0.75))
    np.testing.assert_allclose(first, [[0, 0.25]], atol=1e-3)


def test_many_threads_get_their_own_answers(network):
    values = np.linspace(0, 1, 64)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda value: network.run(image(value))["logits"][0, 1], values))
    np.testing.assert_allclose(answers, values, atol=2e-3)


def test_an_unreadable_network_is_a_weights_error(tmp_path):
    (tmp_path / "network.xml").write_text("<net/>")
    with pytest.raises(WeightsError, match="cannot be loaded"):
        Network(tmp_path / "network.xml")
