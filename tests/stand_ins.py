"""Models that answer at once and always alike, and the images to ask them about."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
from PIL import Image, ImageDraw

from models.findings import Classification, Detection, FieldFindings
from models.gate import reason_not_usable
from models.images import RgbImage
from models.loading import Models

PLASMA, RED_CELL, CYTOPLASM, CHROMATIN = (
    (238, 228, 236),
    (214, 150, 156),
    (176, 170, 214),
    (88, 42, 128),
)


class StandInClassifier:
    """Calls a cell ALL blast when its nucleus is dark, normal when pale, uncertain between."""

    version = "stand-in-1"
    manifest = SimpleNamespace(input_size=32)

    def classify(self, rgb: RgbImage) -> Classification:
        reason = reason_not_usable(rgb)
        if reason:
            return Classification(None, None, False, reason, self.version)
        probability = self._probability(rgb)
        label = "all_blast" if probability > 0.7 else "normal" if probability < 0.3 else "uncertain"
        return Classification(label, probability, True, None, self.version)

    def probabilities(self, windows: list[RgbImage], view: str) -> np.ndarray:
        return np.array([self._probability(rgb) for rgb in windows])

    def activation_map(self, window: RgbImage) -> np.ndarray:
        """The upper half speaks for a blast, the lower one for normal."""
        return np.array([[4, 4], [-4, -4]], np.float32)

    def _probability(self, rgb: RgbImage) -> float:
        return float(np.clip(1.5 - rgb.min(axis=2).min() / 50, 0.02, 0.98))


class StandInDetector:
    """Finds one cell of each kind in every field, in its four quarters."""

    version = "stand-in-1"
    default_confidence = 0.25

    def find(self, rgb: RgbImage, min_confidence: float | None = None) -> FieldFindings:
        height, width = rgb.shape[:2]
        floor = self.default_confidence if min_confidence is None else min_confidence
        half_width, half_height = width / 2, height / 2
        places = {"blast": (0, 0), "wbc": (1, 0), "rbc": (0, 1), "platelet": (1, 1)}
        found = tuple(
            Detection(
                (x * half_width, y * half_height, (x + 1) * half_width, (y + 1) * half_height),
                label,
                confidence,
            )
            for confidence, (label, (x, y)) in zip(
                (0.9, 0.8, 0.7, 0.3), places.items(), strict=True
            )
            if confidence >= floor
        )
        return FieldFindings(width, height, found, self.version)


def stand_in_models() -> Models:
    """A classifier and a detector without networks."""
    return Models(StandInClassifier(), StandInDetector())


def drawn_cell(side: int = 120, chromatin: tuple[int, int, int] = CHROMATIN) -> RgbImage:
    """One drawn white cell, uint8 (side, side, 3) RGB, among two red cells."""
    image = Image.new("RGB", (side, side), PLASMA)
    pen = ImageDraw.Draw(image)
    _disc(pen, 0.1, 0.1, 0.18, side, RED_CELL)
    _disc(pen, 0.95, 0.8, 0.18, side, RED_CELL)
    _disc(pen, 0.5, 0.5, 0.34, side, CYTOPLASM)
    _disc(pen, 0.5, 0.5, 0.27, side, chromatin)
    return np.asarray(image)


def drawn_field(width: int = 480, height: int = 360) -> RgbImage:
    """A drawn smear field, uint8 (height, width, 3) RGB: red cells in rows, two white cells."""
    image = Image.new("RGB", (width, height), PLASMA)
    pen = ImageDraw.Draw(image)
    for y in range(20, height, 46):
        for x in range(20, width, 46):
            pen.ellipse((x - 16, y - 16, x + 16, y + 16), fill=RED_CELL)
    for x, y in ((width // 4, height // 4), (3 * width // 4, height // 2)):
        pen.ellipse((x - 30, y - 30, x + 30, y + 30), fill=CYTOPLASM)
        pen.ellipse((x - 25, y - 25, x + 25, y + 25), fill=CHROMATIN)
    return np.asarray(image)


def _disc(
    pen: ImageDraw.ImageDraw, x: float, y: float, radius: float, side: int, colour: tuple
) -> None:
    pen.ellipse(
        ((x - radius) * side, (y - radius) * side, (x + radius) * side, (y + radius) * side),
        fill=colour,
    )
