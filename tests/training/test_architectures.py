from __future__ import annotations

import keras
import numpy as np
import pytest

from training.architectures import ARCHITECTURES, Architecture, build, with_activation_map
from training.data import DataError

# Keras hands its variables to numpy in a way that numpy 2 calls outdated.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def small_backbone(weights: None, include_top: bool, input_shape: tuple, name: str) -> keras.Model:
    """Two convolutions, built like the backbones of keras.applications."""
    assert weights is None
    assert not include_top
    image = keras.Input(input_shape)
    features = keras.layers.Conv2D(8, 3, strides=4, activation="relu")(image)
    return keras.Model(image, keras.layers.BatchNormalization()(features), name=name)


@pytest.fixture
def small(monkeypatch) -> str:
    keras.utils.set_random_seed(0)
    monkeypatch.setitem(ARCHITECTURES, "small", Architecture(small_backbone, 32))
    return "small"


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).random((3, 32, 32, 3), np.float32)


def test_images_of_any_size_give_two_logits(small, images):
    model = build(small)
    assert model(images).shape == (3, 2)
    assert model(images[:, :20, :24]).shape == (3, 2)


def test_the_activation_map_sums_to_the_logits(small, images):
    model = build(small)
    logits, cam = with_activation_map(model)(images)
    assert cam.shape == (3, 8, 8, 2)
    np.testing.assert_allclose(logits, model(images), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(np.mean(cam, axis=(1, 2)), logits, rtol=1e-5, atol=1e-5)


def test_the_map_changes_with_the_heads_weights(small, images):
    model = build(small)
    _, before = with_activation_map(model)(images)
    head = model.get_layer("head")
    head.set_weights([np.flip(weight) + 1 for weight in head.get_weights()])
    _, after = with_activation_map(model)(images)
    assert np.abs(np.asarray(before) - np.asarray(after)).max() > 0.1


def test_weights_to_start_from_are_loaded(small, tmp_path):
    saved = tmp_path / "start.weights.h5"
    first = build(small)
    first.get_layer("backbone").save_weights(saved)
    second = build(small, init=saved)
    for one, other in zip(
        first.get_layer("backbone").get_weights(),
        second.get_layer("backbone").get_weights(),
        strict=True,
    ):
        np.testing.assert_array_equal(one, other)


def test_missing_weights_are_named(small, tmp_path):
    with pytest.raises(DataError, match=r"nothing\.h5"):
        build(small, init=tmp_path / "nothing.h5")
