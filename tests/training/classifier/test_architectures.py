from __future__ import annotations

import keras
import numpy as np
import pytest

from training.classifier.architectures import (
    ARCHITECTURES,
    Architecture,
    BatchNormalization,
    build,
    operations,
    with_features,
)
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


def logits_of(told: tuple) -> np.ndarray:
    """Pool a map as the served network does."""
    return np.mean(told[0], axis=(1, 2))


def test_the_activation_map_sums_to_the_logits(small, images):
    model = build(small)
    cam, features = with_features(model)(images)
    assert cam.shape == (3, 8, 8, 2)
    assert features.shape == (3, 8)
    np.testing.assert_allclose(logits_of((cam,)), model(images), rtol=1e-5, atol=1e-5)


def test_the_map_changes_with_the_heads_weights(small, images):
    model = build(small)
    before, _ = with_features(model)(images)
    head = model.get_layer("head")
    head.set_weights([np.flip(weight) + 1 for weight in head.get_weights()])
    after, _ = with_features(model)(images)
    assert np.abs(np.asarray(before) - np.asarray(after)).max() > 0.1


def test_a_flattening_head_has_no_map(monkeypatch, images):
    row = Architecture(small_backbone, 32, flatten=True)
    monkeypatch.setitem(ARCHITECTURES, "flat", row)
    model = build("flat", size=32)
    assert model(images).shape == (3, 2)
    with pytest.raises(DataError, match="flat has no activation map"):
        with_features(model)


def test_pixels_come_in_the_range_of_the_backbone(monkeypatch, images):
    seen = []

    def watching(**options):
        model = small_backbone(**options)
        seen.append(model)
        return model

    monkeypatch.setitem(ARCHITECTURES, "signed", Architecture(watching, 32, low=-1.0, high=1.0))
    model = build("signed")
    scale = next(layer for layer in model.layers if isinstance(layer, keras.layers.Rescaling))
    assert (float(np.min(scale(images))) >= -1, float(np.max(scale(images))) <= 1) == (True, True)
    assert float(np.min(scale(images))) < -0.9


@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
def test_every_architecture_of_the_paper_answers_with_two_logits(name):
    model = build(name, size=96)
    assert model(np.zeros((1, 96, 96, 3), np.float32)).shape == (1, 2)


def test_the_lightweight_b3_saves_a_third_of_the_parameters():
    whole, light = (build(name) for name in ("EfficientNetB3", "LightweightB3"))
    assert light.count_params() < 0.67 * whole.count_params()
    assert operations(light, 64) < 0.9 * operations(whole, 64)


def test_fused_normalisation_is_keras_own(images):
    ours, theirs = BatchNormalization(momentum=0.5), keras.layers.BatchNormalization(momentum=0.5)
    for training in (True, True, False):
        np.testing.assert_allclose(
            ours(images, training=training), theirs(images, training=training), atol=1e-4
        )
    for one, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-3)


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


def test_moving_averages_follow_a_short_training(small):
    model = build(small)
    images = np.random.default_rng(0).uniform(size=(8, 32, 32, 3)).astype(np.float32)
    for _ in range(60):
        trained = model(images, training=True)
    difference = keras.ops.convert_to_numpy(model(images, training=False)) - trained
    assert np.abs(np.mean(difference, axis=0)).max() < 0.1
