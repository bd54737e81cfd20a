"""The classifiers that can be trained, as a table: name, backbone, served input size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keras

from training.data import DataError

CLASSES = ("normal", "all_blast")
_DROPOUT = 0.3


@dataclass(frozen=True)
class Architecture:
    """A backbone of `keras.applications`, without its top, and the size (px) it is served at."""

    backbone: Callable[..., keras.Model]
    served_size: int


ARCHITECTURES = {
    "EfficientNetB3": Architecture(keras.applications.EfficientNetB3, 300),
}


def build(name: str, init: Path | None = None, dtype: str = "float32") -> keras.Model:
    """Build a classifier: float32 (n, h, w, 3) RGB 0..1 to logits (n, 2) in the order `CLASSES`.

    The paper's head (global average pooling, one dense layer; the softmax is taken outside).
    `init` holds weights of the backbone; `dtype` is the policy to compute in. Raises DataError when
    there is no such file.
    """
    keras.config.set_dtype_policy(dtype)
    image = keras.Input((None, None, 3), name="image")
    backbone = ARCHITECTURES[name].backbone(
        weights=None, include_top=False, input_shape=(None, None, 3), name="backbone"
    )
    if init is not None:
        _load(backbone, init)
    features = backbone(keras.layers.Rescaling(255.0)(image))
    pooled = keras.layers.GlobalAveragePooling2D()(features)
    dropped = keras.layers.Dropout(_DROPOUT)(pooled)
    logits = keras.layers.Dense(len(CLASSES), dtype="float32", name="head")(dropped)
    return keras.Model(image, logits, name=name)


def with_activation_map(model: keras.Model) -> keras.Model:
    """Give the same classifier two outputs: logits (n, 2) and cam (n, h, w, 2).

    The head is linear, so pooling its answer at every place gives the logits exactly: the map is
    what each place adds to them (class activation mapping, Zhou et al. 2016).
    """
    backbone, head = model.get_layer("backbone"), model.get_layer("head")
    features = backbone(keras.layers.Rescaling(255.0)(model.input))
    cam = head(features)
    logits = keras.layers.GlobalAveragePooling2D(dtype="float32")(cam)
    return keras.Model(model.input, [logits, cam], name="served")


def _load(backbone: keras.Model, init: Path) -> None:
    if not init.is_file():
        raise DataError(
            f"There is no file {init}. Name weights with --init, or none with --scratch."
        )
    backbone.load_weights(init)
