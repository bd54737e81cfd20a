"""Several classifiers joined to one that answers with their mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np
from sklearn.decomposition import PCA

from training.architectures import with_features

OUTPUTS = ("logits", "cam", "members", "embedding")
_FEATURES = 32


@dataclass(frozen=True)
class Whitening:
    """Features (d,) of all networks to uncorrelated ones of variance 1: x @ kernel + bias."""

    kernel: np.ndarray
    bias: np.ndarray


def fit_whitening(features: np.ndarray) -> Whitening:
    """Fit the whitening to features (n, d) of cells, to as many as 32 principal components."""
    found = PCA(min(_FEATURES, *features.shape), whiten=True, svd_solver="full").fit(features)
    kernel = (found.components_ / np.sqrt(found.explained_variance_)[:, None]).T
    return Whitening(kernel.astype(np.float32), (-found.mean_ @ kernel).astype(np.float32))


def joined(networks: Sequence[keras.Model], whitening: Whitening) -> keras.Model:
    """Return float32 (n, h, w, 3) RGB 0..1 to a dict of outputs.

    "cam" (n, h, w, 2) is the mean of the networks' activation maps, "logits" (n, 2) its mean over
    all places, "members" (n, networks, 2) each network's own logits, "embedding" (n, k) the
    whitened features of all.
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
    return keras.Model(image, dict(zip(OUTPUTS, outputs, strict=True)), name="joined")


def _named(network: keras.Model, name: str) -> keras.Model:
    told = with_features(network)
    return keras.Model(told.inputs, told.outputs, name=name)
