"""An ensemble of classifiers, whose answer is their mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np
from sklearn.decomposition import PCA

from training.classifier.architectures import with_features

OUTPUTS = ("logits", "cam", "members", "embedding")
_FEATURES = 32


@dataclass(frozen=True)
class Whitening:
    """A map of features to uncorrelated ones of variance 1: x @ kernel + bias.

    Attributes:
        kernel: float32 (d, k), for the d features of all networks.
        bias: float32 (k,).
    """

    kernel: np.ndarray
    bias: np.ndarray


def fit_whitening(features: np.ndarray) -> Whitening:
    """Fit a whitening to at most 32 principal components.

    Directions below the numerical rank are dropped, as in a pseudo-inverse: their variance is
    rounding noise, and dividing by it would blow that noise up to the size of a feature.

    Args:
        features: float32 (n, d).

    Raises:
        ValueError: All rows are alike, so there is no direction to whiten.
    """
    if np.ptp(features, axis=0).max() == 0:
        raise ValueError("The features of all cells are alike: there is nothing to whiten.")
    components = min(_FEATURES, *features.shape)
    pca = PCA(components, whiten=True, svd_solver="full").fit(features)
    kept = pca.singular_values_ > _rounding_error(features)
    deviations = np.sqrt(np.asarray(pca.explained_variance_)[kept])
    kernel = (np.asarray(pca.components_)[kept] / deviations[:, None]).T
    bias = -np.asarray(pca.mean_) @ kernel
    return Whitening(kernel.astype(np.float32), bias.astype(np.float32))


def _rounding_error(features: np.ndarray) -> float:
    """Return the singular value that float32 rounding alone can give (`numpy.linalg.matrix_rank`).

    Networks compute in float32, so the error follows the features' size before centring.
    """
    largest = np.linalg.norm(features.astype(np.float64), ord=2)
    return float(largest * max(features.shape) * np.finfo(np.float32).eps)


def build_ensemble(networks: Sequence[keras.Model], whitening: Whitening) -> keras.Model:
    """Build the network for serving.

    Args:
        networks: With pooled heads.
        whitening: Of all their features.

    Returns:
        float32 (n, h, w, 3) RGB 0..1 to a dict of outputs: "cam" (n, h, w, 2), the mean of the
        networks' activation maps; "logits" (n, 2), its mean over all places; "members"
        (n, networks, 2), each network's own logits; "embedding" (n, k), the whitened features.
    """
    image = keras.Input((None, None, 3), name="image")
    parts = [_named(network, f"network_{i}")(image) for i, network in enumerate(networks)]
    maps, features = zip(*parts, strict=True)
    cam = keras.layers.average(list(maps))
    members = [keras.layers.GlobalAveragePooling2D(dtype="float32")(each) for each in maps]
    embed = keras.layers.Dense(whitening.bias.size, name="whitening")
    embedding = embed(keras.layers.concatenate(list(features)))
    embed.set_weights([whitening.kernel, whitening.bias])
    logits = keras.layers.GlobalAveragePooling2D(dtype="float32")(cam)
    outputs = (logits, cam, keras.ops.stack(members, axis=1), embedding)
    return keras.Model(image, dict(zip(OUTPUTS, outputs, strict=True)), name="ensemble")


def _named(network: keras.Model, name: str) -> keras.Model:
    model = with_features(network)
    return keras.Model(model.inputs, model.outputs, name=name)
