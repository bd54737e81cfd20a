"""The served network gives Keras' answers."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from scipy.special import softmax

from models.runtime import Network
from training.classifier.architectures import build
from training.classifier.ensemble import Whitening
from training.classifier.export import write_network

SIZE = 64

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def spread_out(seed: int) -> keras.Model:
    """EfficientNetB3 with random weights, its answers spread out as a trained one's are."""
    keras.utils.set_random_seed(seed)
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
def networks() -> list[keras.Model]:
    return [spread_out(1), spread_out(2)]


@pytest.fixture(scope="module")
def served(networks, tmp_path_factory) -> Network:
    folder = tmp_path_factory.mktemp("served")
    features = 2 * networks[0].get_layer("backbone").output_shape[-1]
    whitening = Whitening(np.eye(features, 4, dtype=np.float32), np.ones(4, np.float32))
    write_network(networks, whitening, folder, SIZE)
    return Network(folder / "network.xml", (SIZE, SIZE, 3), (1, 3, 8), "f32")


def test_probabilities_agree_within_a_hundredth(networks, served):
    images = np.random.default_rng(0).random((8, SIZE, SIZE, 3), np.float32)
    logits = np.stack([np.asarray(model(images, training=False)) for model in networks], axis=1)
    trained = softmax(logits.mean(axis=1).astype(np.float64), axis=1)
    answered = served.run(images)
    assert np.ptp(trained[:, 0]) > 0.05
    np.testing.assert_allclose(
        softmax(answered["logits"].astype(np.float64), axis=1), trained, atol=0.01
    )
    np.testing.assert_allclose(answered["members"], logits, atol=0.05)


def test_many_images_at_once_get_the_answers_of_each(served):
    images = np.random.default_rng(0).random((3, SIZE, SIZE, 3), np.float32)
    alone = [served.run(image[None])["logits"][0] for image in images]
    np.testing.assert_allclose(served.run(images)["logits"], alone, atol=1e-4)


def test_the_map_sums_to_the_logits(served):
    answers = served.run(np.random.default_rng(0).random((1, SIZE, SIZE, 3), np.float32))
    assert answers["cam"].shape == (1, 2, 2, 2)
    np.testing.assert_allclose(answers["cam"].mean(axis=(1, 2)), answers["logits"], atol=1e-3)
