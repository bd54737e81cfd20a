"""The architectures that can be trained, as a table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from training.data import DataError

CLASSES = ("normal", "all_blast")
_DROPOUT = 0.3
# Keras' 0.99 needs 500 steps to forget where it began: a network trained for fewer answers all
# cells alike once it is no longer in training.
_MOMENTUM = 0.9


@dataclass(frozen=True)
class Architecture:
    """A backbone of `keras.applications` without its top, and how it is used.

    Attributes:
        backbone: Builds it.
        served_size: Image side in pixels.
        low: What a pixel value of 0 becomes for it.
        high: What a pixel value of 1 becomes for it.
        flatten: Whether the head takes every place by itself (the paper's, for VGG), not their
            mean.
        rate: A learning rate at which it learns from random weights.
        policy: The precision in which it learns fastest where the processor has bfloat16: plain
            convolutions gain, depthwise ones lose.
    """

    backbone: Callable[..., keras.Model]
    served_size: int = 128
    low: float = 0.0
    high: float = 255.0
    flatten: bool = False
    rate: float = 1e-3
    policy: str = "float32"


def lightweight_b3(name: str, **options: Any) -> keras.Model:  # noqa: ANN401  Keras' own
    """Build EfficientNetB3 to the end of its sixth stage, with a depthwise separable top.

    The paper's proposal, of which it gives no layers: the seventh stage and the convolution to
    1,536 channels hold a third of B3's parameters; a depthwise 3x3 and a pointwise convolution to
    512 channels stand in for them.
    """
    whole = keras.applications.EfficientNetB3(**options)
    features = whole.get_layer("block6f_add").output
    features = keras.layers.SeparableConv2D(
        512, 3, padding="same", use_bias=False, name="light_top_conv"
    )(features)
    features = keras.layers.BatchNormalization(name="light_top_bn")(features)
    features = keras.layers.Activation("swish", name="light_top_activation")(features)
    return keras.Model(whole.input, features, name=name)


_VGG: dict[str, Any] = {
    **{"low": -1.0, "high": 1.0, "flatten": True, "rate": 1e-4},
    "policy": "mixed_bfloat16",
}
_applications = keras.applications
ARCHITECTURES = {
    "VGG16": Architecture(_applications.VGG16, **_VGG),
    "VGG19": Architecture(_applications.VGG19, **_VGG),
    "ResNet50": Architecture(_applications.ResNet50, low=-1.0, high=1.0, policy="mixed_bfloat16"),
    "Xception": Architecture(_applications.Xception, low=-1.0, high=1.0),
    "EfficientNetB0": Architecture(_applications.EfficientNetB0),
    "EfficientNetB2": Architecture(_applications.EfficientNetB2),
    "EfficientNetB3": Architecture(_applications.EfficientNetB3),
    "LightweightB3": Architecture(lightweight_b3),
}


def build(
    name: str, init: Path | None = None, size: int | None = None, classes: int = len(CLASSES)
) -> keras.Model:
    """Build a classifier: float32 (n, h, w, 3) RGB 0..1 to logits.

    The paper's heads: the features pooled or flattened, one dense layer; the softmax is taken
    outside.

    Args:
        name: Of `ARCHITECTURES`.
        init: Weights of the backbone; None for random ones.
        size: Fixes h and w in pixels, which a head on flattened features needs.
        classes: Number of logits; those of `CLASSES` by default.

    Raises:
        DataError: There is no such file.
    """
    row = ARCHITECTURES[name]
    keras.config.set_dtype_policy(row.policy)
    image = keras.Input((size, size, 3), name="image")
    backbone = row.backbone(
        weights=None, include_top=False, input_shape=(size, size, 3), name="backbone"
    )
    backbone = keras.models.clone_model(backbone, clone_function=_fused)
    if init is not None:
        _load(backbone, init)
    features = backbone(_scaled(row)(image))
    head_input = keras.layers.Flatten() if row.flatten else keras.layers.GlobalAveragePooling2D()
    dropped = keras.layers.Dropout(_DROPOUT)(head_input(features))
    logits = keras.layers.Dense(classes, dtype="float32", name="head")(dropped)
    return keras.Model(image, logits, name=name)


def operations(model: keras.Model, size: int) -> int:
    """Count the multiply-adds of one image, as TensorFlow's profiler does.

    It counts a multiplication and an addition as two operations, of which this is half.
    """
    graph = tf.function(model).get_concrete_function(tf.TensorSpec((1, size, size, 3))).graph
    options = tf.compat.v1.profiler.ProfileOptionBuilder.float_operation()
    counted = {**options, "output": "none"}
    return tf.compat.v1.profiler.profile(graph, options=counted).total_float_ops // 2


def with_features(model: keras.Model) -> keras.Model:
    """Give a classifier the outputs activation map (n, h, w, 2) and features (n, d).

    The head is linear, so its answers at every place, pooled, are the logits exactly: the map is
    what each place adds to them (class activation mapping, Zhou et al. 2016).

    Raises:
        DataError: The head is on flattened features, which has no such map.
    """
    row = ARCHITECTURES[model.name]
    if row.flatten:
        raise DataError(f"{model.name} has no activation map; serve one with a pooled head.")
    backbone, head = model.get_layer("backbone"), model.get_layer("head")
    places = backbone(_scaled(row)(model.input))
    features = keras.layers.GlobalAveragePooling2D(dtype="float32")(places)
    return keras.Model(model.input, [head(places), features])


def _scaled(row: Architecture) -> keras.Layer:
    return keras.layers.Rescaling(row.high - row.low, row.low)


@keras.saving.register_keras_serializable("leukoscope")
class BatchNormalization(keras.layers.BatchNormalization):
    """Normalise batches as Keras does, in training by TensorFlow's fused operation.

    Keras 3 composes it of elementwise ones: EfficientNetB3 then trains a quarter slower on a CPU.
    Files of weights know layers by the name of their class, so it bears that of Keras.
    """

    def call(
        self, inputs: tf.Tensor, training: bool | None = None, mask: tf.Tensor | None = None
    ) -> tf.Tensor:
        """Normalise (n, h, w, channels) by the batch in training, else by moving averages."""
        if not (training and self.trainable):
            normalised: Any = super().call(inputs, training=False, mask=mask)
            return normalised
        outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(
            inputs, self._scale(), self.beta, epsilon=self.epsilon, is_training=True
        )
        averages: Any = (self.moving_mean, self.moving_variance)
        for moving, value in zip(averages, (mean, variance), strict=True):
            moving.assign(moving * self.momentum + value * (1.0 - self.momentum))
        return outputs

    def _scale(self) -> tf.Tensor:
        return self.gamma if self.scale else tf.ones_like(self.beta)


def _fused(layer: keras.Layer) -> keras.Layer:
    if type(layer) is not keras.layers.BatchNormalization:
        return type(layer).from_config(layer.get_config())
    return BatchNormalization.from_config({**layer.get_config(), "momentum": _MOMENTUM})


def _load(backbone: keras.Model, init: Path) -> None:
    if not init.is_file():
        raise DataError(
            f"There is no file {init}. Name weights with --init, or none with --scratch."
        )
    backbone.load_weights(init)
