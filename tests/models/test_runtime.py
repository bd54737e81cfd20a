from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from models.manifest import WeightsError
from models.runtime import Network
from settings import ROOT
from tests.networks import write_classifier, write_weights
from tests.waiting import HANGS


@pytest.fixture
def network(tmp_path) -> Network:
    path = write_classifier(tmp_path / "classifier") / "network.xml"
    return Network(path, (32, 32, 3), (1, 4), "f32")


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
        Network(tmp_path / "network.xml", (32, 32, 3))


@pytest.mark.parametrize("number", [1, 3, 4, 9])
def test_any_number_of_images_is_answered_in_order(network, number):
    values = np.linspace(0.1, 0.9, number)
    answers = network.run(np.concatenate([image(value) for value in values]))["logits"]
    np.testing.assert_allclose(answers[:, 1], values, atol=1e-3)


@pytest.mark.parametrize("shape", [(0, 32, 32, 3), (1, 48, 48, 3), (1, 3, 32, 32)])
def test_a_shape_that_was_not_warmed_up_is_refused(network, shape):
    with pytest.raises(ValueError, match="are served"):
        network.run(np.zeros(shape, np.float32))


def test_a_network_that_cannot_take_its_shape_is_a_weights_error(tmp_path):
    path = write_classifier(tmp_path / "classifier") / "network.xml"
    with pytest.raises(WeightsError, match="cannot be loaded"):
        Network(path, (16, 16, 3))


def test_more_threads_than_requests_all_get_their_answer(network):
    barrier = threading.Barrier(8)

    def infer(value: float) -> float:
        barrier.wait()
        return network.run(image(value))["logits"][0, 1]

    values = np.linspace(0, 1, 8)
    with ThreadPoolExecutor(8) as pool:
        np.testing.assert_allclose(list(pool.map(infer, values)), values, atol=2e-3)


FIRST_INFERENCES = """
import sys, threading
from pathlib import Path
import numpy as np
from models.registry import load_models

models = load_models(Path(sys.argv[1]))
cell = np.full((40, 40, 3), 90, np.uint8)
barrier = threading.Barrier(8)

def infer(number):
    barrier.wait()
    if number % 2:
        models.detector.detector.find(np.full((64, 64, 3), 200, np.uint8))
    else:
        models.classifier.classifier.probabilities([cell] * (number + 1), "crop")

threads = [threading.Thread(target=infer, args=(number,)) for number in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print("answered")
"""


@pytest.mark.slow
def test_fresh_processes_answer_when_first_inferences_come_together(tmp_path):
    folder = write_weights(tmp_path / "weights")
    command = [sys.executable, "-c", FIRST_INFERENCES, str(folder)]

    def answer(_number: int) -> str:
        finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=HANGS)
        return finished.stdout.strip() or finished.stderr

    # Six at a time: the fault was seen on busy machines only.
    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(answer, range(30))) == ["answered"] * 30
