from pathlib import Path

import pytest
import torchvision  # noqa: F401  # loaded after TensorFlow, the Triton that it brings crashes

import tensorflow as tf  # isort: skip

from tests.training.drawn import draw_sets

# TensorFlow takes this once in a process; the training command asks for the same.
tf.config.threading.set_intra_op_parallelism_threads(1)


@pytest.fixture(scope="session")
def drawn_sets(tmp_path_factory) -> Path:
    """Draw the four image sets in miniature; not to be changed."""
    return draw_sets(tmp_path_factory.mktemp("sets"))
