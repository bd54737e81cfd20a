from __future__ import annotations

import keras
import numpy as np
import pytest

from tests.training.classifier.test_architectures import small_backbone
from training.classifier.architectures import ARCHITECTURES, Architecture, build, with_features
from training.classifier.ensemble import OUTPUTS, build_ensemble, fit_whitening

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def test_whitened_features_are_uncorrelated_and_of_variance_one():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(400, 5)) @ rng.normal(size=(5, 5)) + 3
    whitening = fit_whitening(features)
    white = features @ whitening.kernel + whitening.bias
    np.testing.assert_allclose(white.mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(np.cov(white.T), np.eye(5), atol=1e-3)


def test_whitening_keeps_no_more_directions_than_the_cells_span():
    # Four cells minus their mean span three directions.
    assert fit_whitening(np.random.default_rng(0).normal(size=(4, 50))).bias.shape == (3,)


@pytest.mark.parametrize("offset", [0, 10, 1000])
def test_whitening_drops_directions_that_are_rounding_noise(offset):
    rng = np.random.default_rng(1)
    exact = rng.normal(size=(60, 3)) @ rng.normal(size=(3, 20)) + offset
    features = exact.astype(np.float32)
    whitening = fit_whitening(features)
    assert whitening.bias.shape == (3,)
    # The last bit of the features, as another instruction set would round it, changes nothing.
    rounded = np.nextafter(features, features + rng.choice([-1, 1], features.shape), dtype="f4")
    np.testing.assert_allclose(
        rounded @ whitening.kernel + whitening.bias,
        features @ whitening.kernel + whitening.bias,
        atol=0.02,
    )


def test_features_that_are_all_alike_cannot_be_whitened():
    with pytest.raises(ValueError, match="nothing to whiten"):
        fit_whitening(np.ones((5, 8), np.float32))


def test_the_joined_network_gives_the_mean_and_each_networks_answer(monkeypatch):
    monkeypatch.setitem(ARCHITECTURES, "small", Architecture(small_backbone, 32))
    keras.utils.set_random_seed(0)
    networks = [build("small"), build("small")]
    images = np.random.default_rng(0).random((6, 32, 32, 3), np.float32)
    features = np.concatenate([with_features(n)(images)[1] for n in networks], axis=1)
    whitening = fit_whitening(features)
    found = {k: np.asarray(v) for k, v in build_ensemble(networks, whitening)(images).items()}
    assert set(found) == set(OUTPUTS)
    each = np.stack([np.asarray(network(images)) for network in networks], axis=1)
    np.testing.assert_allclose(found["members"], each, rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(found["logits"], each.mean(axis=1), rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(
        found["cam"].mean(axis=(1, 2)), found["logits"], rtol=1e-5, atol=1e-4
    )
    np.testing.assert_allclose(
        found["embedding"], features @ whitening.kernel + whitening.bias, rtol=1e-3, atol=1e-2
    )
