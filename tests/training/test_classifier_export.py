"""The served network gives Keras' answers."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from models.classifier import softmax
from models.runtime import Network
from training.architectures import build
from training.classifier_export import write_network

SIZE = 64

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.fixture(scope="module")
def model() -> keras.Model:
    """EfficientNetB3 with random weights, its answers spread out as a trained one's are."""
    keras.utils.set_random_seed(1)
    model = build("EfficientNetB3")
    for layer in model.get_layer("backbone").layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0
    model(np.random.default_rng(1).random((16, SIZE, SIZE, 3), np.float32), training=True)
    head = model.get_layer("head")
    head.set_weights([weight * 3 for weight in head.get_weights()])
    # The question is what conversion does, not what rounding does to weights without meaning.
    model.set_weights(
        [weight.astype(np.float16).astype(np.float32) for weight in model.get_weights()]
    )
    return model


@pytest.fixture(scope="module")
def served(model, tmp_path_factory) -> Network:
    folder = tmp_path_factory.mktemp("served")
    write_network(model, folder, SIZE)
    return Network(folder / "network.xml", "f32")


def test_probabilities_agree_within_a_hundredth(model, served):
    images = np.random.default_rng(0).random((8, SIZE, SIZE, 3), np.float32)
    trained = softmax(np.asarray(model(images, training=False), np.float64))
    answered = softmax(
        np.concatenate([served.run(image[None])["logits"] for image in images]).astype(np.float64)
    )
    assert np.ptp(trained[:, 0]) > 0.05
    np.testing.assert_allclose(answered, trained, atol=0.01)


def test_the_map_sums_to_the_logits(served):
    answers = served.run(np.random.default_rng(0).random((1, SIZE, SIZE, 3), np.float32))
    assert answers["cam"].shape == (1, 2, 2, 2)
    np.testing.assert_allclose(answers["cam"].mean(axis=(1, 2)), answers["logits"], atol=1e-3)
