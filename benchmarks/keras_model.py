"""The networks' rival: EfficientNetB3 as Keras runs it, untrained, for times only."""

from __future__ import annotations

import keras
import numpy as np

SIDE = 300


def efficientnet() -> keras.Model:
    """Build EfficientNetB3 of two classes with random weights, for images of `SIDE` pixels."""
    return keras.applications.EfficientNetB3(
        weights=None,  # pyright: ignore[reportArgumentType]  the stub takes names alone
        classes=2,
        input_shape=(SIDE, SIDE, 3),
    )


def predict(model: keras.Model, batch: np.ndarray) -> np.ndarray:
    """Ask a model about a batch (n, SIDE, SIDE, 3) without a word on the terminal."""
    return model.predict(
        batch,
        verbose=0,  # pyright: ignore[reportArgumentType]  the stub takes "auto" alone
    )
