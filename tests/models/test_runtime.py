from __future__ import annotations

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

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


SMALLER = ((16, 32, 3), (16, 16, 3))


@pytest.fixture
def network_of_three_shapes(tmp_path) -> Network:
    path = write_classifier(tmp_path / "classifier") / "network.xml"
    return Network(path, (32, 32, 3), (1, 4), "f32", smaller=SMALLER)


@pytest.mark.parametrize("shape", [(32, 32, 3), *SMALLER])
def test_a_network_serves_all_its_shapes(network_of_three_shapes, shape):
    answers = network_of_three_shapes.run(np.full((5, *shape), 0.5, np.float32))
    np.testing.assert_allclose(answers["logits"], [[0, 0.5]] * 5, atol=1e-3)
    assert answers["cam"].shape == (5, shape[0] // 16, shape[1] // 16, 2)


@pytest.mark.parametrize("shape", [(1, 32, 16, 3), (1, 24, 24, 3), (1, 48, 32, 3)])
def test_shapes_between_those_of_a_network_are_refused(network_of_three_shapes, shape):
    with pytest.raises(ValueError, match="are served"):
        network_of_three_shapes.run(np.zeros(shape, np.float32))


def test_threads_with_different_shapes_get_their_own_answers(network_of_three_shapes):
    barrier = threading.Barrier(8)
    shapes = [((32, 32, 3), *SMALLER)[number % 3] for number in range(64)]

    def infer(number: int) -> np.ndarray:
        if number < 8:
            barrier.wait()
        image = np.random.default_rng(number).random((1, *shapes[number]), np.float32)
        return network_of_three_shapes.run(image)["embedding"]

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(infer, range(64)))
    for number, answer in enumerate(answers):
        mean = np.random.default_rng(number).random((1, *shapes[number]), np.float32).mean((1, 2))
        np.testing.assert_allclose(answer, mean, atol=1e-3)


ANSWERED = ["answered"] * 30


def answers_of(program: str, path: Path) -> list[str]:
    """Run a program in thirty processes, six at a time: busy machines alone showed the fault."""
    command = [sys.executable, "-c", program, str(path)]

    def answer(_expected: str) -> str:
        finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=HANGS)
        return finished.stdout.strip() or finished.stderr

    with ThreadPoolExecutor(6) as pool:
        return list(pool.map(answer, ANSWERED))


ONE_ANSWER = """
from pathlib import Path
import numpy as np
from models.registry import load_models

models = load_models(Path("weights"))
rgb = np.full((400, 500, 3), 200, np.uint8)
blasts = models.detector.find(rgb).counts["blast"]
print(blasts, models.classifier.probabilities([rgb], "crop").size)
"""


@pytest.mark.parametrize("most", ["AVX2", "AVX512_CORE", "ALL"])
def test_a_process_whose_instructions_are_held_back_answers(most):
    environment = {**os.environ, "ONEDNN_MAX_CPU_ISA": most}
    finished = subprocess.run(
        [sys.executable, "-c", ONE_ANSWER],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=HANGS,
    )
    assert (finished.returncode, finished.stdout.split()) == (0, ["0", "1"]), finished.stderr


FIRST_INFERENCES = """
import sys, threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
import numpy as np
from models.registry import load_models

models = load_models(Path(sys.argv[1]))
cell = np.full((40, 40, 3), 90, np.uint8)
barrier = threading.Barrier(8)

def infer(number):
    barrier.wait()
    if number % 2:
        models.detector.find(np.full((64, 64, 3), 200, np.uint8))
    else:
        models.classifier.probabilities([cell] * (number + 1), "crop")

with ThreadPoolExecutor(8) as pool:
    list(pool.map(infer, range(8)))
print("answered")
"""


@pytest.mark.slow
def test_fresh_processes_answer_when_first_inferences_come_together(tmp_path):
    assert answers_of(FIRST_INFERENCES, write_weights(tmp_path / "weights")) == ANSWERED


FIRST_SHAPES = """
import sys, threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
import numpy as np
from models.runtime import Network

shapes = [(32, 32, 3), (16, 32, 3), (16, 16, 3)]
network = Network(Path(sys.argv[1]), shapes[0], (1, 4), smaller=shapes[1:])
barrier = threading.Barrier(8)

def infer(number):
    barrier.wait()
    network.run(np.zeros((number + 1, *shapes[number % 3]), np.float32))

with ThreadPoolExecutor(8) as pool:
    list(pool.map(infer, range(8)))
print("answered")
"""


@pytest.mark.slow
def test_fresh_processes_answer_when_all_shapes_come_together(tmp_path):
    path = write_classifier(tmp_path / "classifier") / "network.xml"
    assert answers_of(FIRST_SHAPES, path) == ANSWERED
