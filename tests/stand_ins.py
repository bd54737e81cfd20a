"""Models that answer at once and always alike, and the images to ask them about."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
from PIL import Image, ImageDraw

from imaging.images import RgbImage
from models.classifier.classifier import Opinion, Reading
from models.findings import Detection, FieldFindings, Progress
from models.registry import Models

PLASMA, RED_CELL, CYTOPLASM, CHROMATIN = (
    (238, 228, 236),
    (214, 150, 156),
    (176, 170, 214),
    (88, 42, 128),
)
DARK_CHROMATIN = (60, 20, 90)


class StandInClassifier:
    """Calls a cell ALL blast when its nucleus is dark, normal when pale, uncertain between."""

    version = "stand-in-1"
    manifest = SimpleNamespace(input_size=32)

    def read(self, window: RgbImage, view: str) -> Reading:
        probability = self._probability(window)
        return Reading(probability, self.label(probability, view), None, None)

    def opinions(self, windows: list[RgbImage], view: str) -> list[Opinion]:
        probabilities = [self._probability(window) for window in windows]
        return [Opinion(each, self.label(each, view)) for each in probabilities]

    def threshold(self, view: str) -> float:
        return 0.7

    def label(self, probability: float, view: str) -> str:
        return "all_blast" if probability >= 0.7 else "normal" if probability < 0.3 else "uncertain"

    def probabilities(self, windows: list[RgbImage], view: str) -> np.ndarray:
        return np.array([self._probability(rgb) for rgb in windows])

    def all_outputs(self, windows: list[RgbImage]) -> list[dict[str, np.ndarray]]:
        return [{"blast": np.array(self._probability(window))} for window in windows]

    def probability(self, outputs: dict[str, np.ndarray], view: str) -> float:
        return float(outputs["blast"])

    def kinds(self, outputs: dict[str, np.ndarray]) -> dict[str, float]:
        return {}

    def opinion(self, outputs: dict[str, np.ndarray], view: str) -> Opinion:
        probability = self.probability(outputs, view)
        return Opinion(probability, self.label(probability, view))

    def activation_map(self, window: RgbImage) -> np.ndarray:
        """The upper half speaks for a blast, the lower one for normal."""
        return np.array([[4, 4], [-4, -4]], np.float32)

    def _probability(self, rgb: RgbImage) -> float:
        return float(np.clip(1.5 - rgb.min(axis=2).min() / 50, 0.02, 0.98))


class StandInEmbedder:
    """Its features are the mean colour of a cell."""

    version = "stand-in-1"

    def embed(self, windows: list[RgbImage]) -> np.ndarray:
        return np.array([window.mean(axis=(0, 1)) for window in windows], np.float16)


class StandInDetector:
    """Finds one white cell in the middle of a square image; in any other, one cell of each kind in
    its four quarters, and a candidates one in its middle."""

    version = "stand-in-1"

    def find(
        self,
        rgb: RgbImage,
        min_confidence: float | None = None,
        progress: Progress | None = None,
    ) -> FieldFindings:
        height, width = rgb.shape[:2]
        floor = 0.25 if min_confidence is None else min_confidence
        lone = width == height
        found = _one_cell(width) if lone else _cells_in_quarters(width, height)
        kept = tuple(cell for cell in found if cell.confidence >= floor)
        if progress:
            progress(1, 1)
        return FieldFindings(
            width,
            height,
            kept,
            self.version,
            candidates=() if lone or min_confidence is not None else _candidates(width, height),
            thresholds={"blast": 0.5, "white": 0.25, "rbc": 0.25, "platelet": 0.25},
            red_cell=None if lone else 32.0,
        )


def stand_in_models() -> Models:
    """A classifier and a detector without networks."""
    return Models(StandInClassifier(), StandInDetector())


def drawn_cell(side: int = 120, chromatin: tuple[int, int, int] = CHROMATIN) -> RgbImage:
    """One drawn white cell, uint8 (side, side, 3) RGB, among two red cells.

    The nucleus is paler towards its middle, as the gate takes a flat one for a drawing.
    """
    image = Image.new("RGB", (side, side), PLASMA)
    pen = ImageDraw.Draw(image)
    _disc(pen, 0.1, 0.1, 0.18, side, RED_CELL)
    _disc(pen, 0.95, 0.8, 0.18, side, RED_CELL)
    _disc(pen, 0.5, 0.5, 0.34, side, CYTOPLASM)
    for radius, paler in ((0.27, 0), (0.2, 6), (0.12, 12)):
        _disc(pen, 0.5, 0.5, radius, side, tuple(value + paler for value in chromatin))
    return np.asarray(image)


def drawn_field(width: int = 480, height: int = 360) -> RgbImage:
    """A drawn smear field, uint8 (height, width, 3) RGB: red cells in rows, two white cells.

    The first is dark, so that `StandInClassifier` calls it a blast, and is uncertain of the other.
    """
    image = Image.new("RGB", (width, height), PLASMA)
    pen = ImageDraw.Draw(image)
    for y in range(20, height, 46):
        for x in range(20, width, 46):
            pen.ellipse((x - 16, y - 16, x + 16, y + 16), fill=RED_CELL)
    dark, pale = (width // 4, height // 4), (3 * width // 4, height // 2)
    for (x, y), chromatin in ((dark, DARK_CHROMATIN), (pale, CHROMATIN)):
        pen.ellipse((x - 30, y - 30, x + 30, y + 30), fill=CYTOPLASM)
        pen.ellipse((x - 25, y - 25, x + 25, y + 25), fill=chromatin)
    return np.asarray(image)


def _one_cell(side: int) -> tuple[Detection, ...]:
    """The box of `drawn_cell`."""
    return (
        Detection((0.16 * side, 0.16 * side, 0.84 * side, 0.84 * side), "wbc", 0.9, 0.05, 0.95),
    )


def _cells_in_quarters(width: int, height: int) -> tuple[Detection, ...]:
    w, h = width / 2, height / 2
    return (
        Detection((0.0, 0.0, w, h), "blast", 0.9, 0.9, 0.96),
        Detection((w, 0.0, 2 * w, h), "wbc", 0.8, 0.12, 0.92),
        Detection((0.0, h, w, 2 * h), "rbc", 0.7),
        Detection((w, h, 2 * w, 2 * h), "platelet", 0.3),
    )


def _candidates(width: int, height: int) -> tuple[Detection, ...]:
    box = (0.4 * width, 0.4 * height, 0.6 * width, 0.6 * height)
    return (Detection(box, "wbc", 0.12, 0.08, 0.2),)


def _disc(
    pen: ImageDraw.ImageDraw, x: float, y: float, radius: float, side: int, colour: tuple
) -> None:
    pen.ellipse(
        ((x - radius) * side, (y - radius) * side, (x + radius) * side, (y + radius) * side),
        fill=colour,
    )
