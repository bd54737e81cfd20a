"""Pieces of a laboratory's fields and of open ones, as the detector is trained on them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import cv2
import numpy as np
import torch

from core.geometry import areas, contained_shares, iou
from core.taxonomy import WHITE_CELLS
from imaging.images import LETTERBOX_GREY, RgbImage, read_image, resize
from models.detector.boxes import MAX_CONTAINED
from models.detector.detector import Detector
from models.findings import Box, Detection
from models.manifest import sha256_of
from training.adaptation.fields import OwnField
from training.data import FieldBox, read_txl, yolo_boxes
from training.detector.data import labelled_composites
from training.synthesis.composites import SIDE

T = TypeVar("T")

_ZOOM = 0.85, 1.15
_ABOUT_A_CELL = 0.7
"""Share of the pieces of a larger field that have one of its white cells in their middle."""

_LEAST_VISIBLE = 0.25
"""Share of a box that must lie in a piece for its cell to be labelled there."""

_SAME = 0.5
"""Intersection over union from which on the base's box is of a labelled cell."""

_HUE, _SATURATION, _VALUE = 0.02, 0.5, 0.3
_HUES = 180
_REMEMBERED = 32


@dataclass(frozen=True)
class TrainingField:
    """One field with the cells that are learnt of it.

    Attributes:
        path: Of the image.
        boxes: In fractions of the field.
        scale: Network pixels for one of the file, as the field is served.
        group: The patient, or the field.
    """

    path: Path
    boxes: tuple[FieldBox, ...]
    scale: float = 1.0
    group: str = ""


def own_training_fields(detector: Detector, fields: Sequence[OwnField]) -> list[TrainingField]:
    """Add what the laboratory did not label, as the base detector finds it.

    Else red cells and platelets would be unlearnt, and so would white cells that the labels of an
    export may leave out.

    Args:
        detector: The base; at the scale that it chooses a field is learnt.
        fields: None of them held out.
    """
    return [_completed(detector, one) for one in fields]


def open_training_fields(
    sets: Path, composites: Path, known: Collection[str]
) -> tuple[list[TrainingField], ...]:
    """Return composites, and TXL-PBC's training fields without images that are known.

    Args:
        sets: Folder of the image sets.
        composites: Folder made by `python -m training composites`.
        known: SHA-256 of the laboratory's images.

    Raises:
        DataError: One of both is missing.
    """
    composited = [
        TrainingField(image, tuple(yolo_boxes(lines)))
        for image, lines in labelled_composites(composites, "train")
    ]
    txl = [
        TrainingField(one.path, one.boxes)
        for one in read_txl(sets, "train")
        if sha256_of(one.path) not in known
    ]
    return composited, txl


class FieldSampler:
    """Draw batches of the laboratory's and of open fields.

    Args:
        classes: Of the network, in the order of its outputs.
        own: The laboratory's, none of them held out.
        opened: Sets of open fields, each drawn as often.
        share: Of a batch that is the laboratory's, 0..1.
        seed: With the step alone it decides what is drawn.
    """

    def __init__(
        self,
        classes: Sequence[str],
        own: Sequence[TrainingField],
        opened: Sequence[Sequence[TrainingField]],
        share: float,
        seed: int,
    ) -> None:
        self._numbers = {code: number for number, code in enumerate(classes)}
        self._own = [
            [one for one in own if one.group == group] for group in sorted({f.group for f in own})
        ]
        self._open, self._share, self._seed = opened, share, seed

    def fields(self, step: int, size: int) -> list[TrainingField]:
        """Draw the fields of a step's batch, the laboratory's first."""
        rng = np.random.default_rng((self._seed, step))
        own = round(size * self._share)
        # A patient or a set first: many fields of one outweigh no other.
        sets = [*([self._own] * own), *([self._open] * (size - own))]
        return [_one_of(_one_of(of, rng), rng) for of in sets]

    def batch(self, step: int, size: int) -> dict[str, Any]:
        """Draw the batch of a step, as ultralytics' loss takes it."""
        rng = np.random.default_rng((self._seed, step, size))
        pieces = [piece(one, rng) for one in self.fields(step, size)]
        pictures = np.stack([pixels for pixels, _ in pieces]).transpose(0, 3, 1, 2)
        rows = [
            (image, self._numbers[box.label], *_centred(box))
            for image, (_, boxes) in enumerate(pieces)
            for box in boxes
        ]
        table = torch.tensor(rows, dtype=torch.float32).reshape(-1, 6)
        return {
            "img": torch.from_numpy(pictures.astype(np.float32) / 255),
            "batch_idx": table[:, 0],
            "cls": table[:, 1:2],
            "bboxes": table[:, 2:],
        }


def piece(field: TrainingField, rng: np.random.Generator) -> tuple[RgbImage, tuple[FieldBox, ...]]:
    """Cut a piece out of a field, turned and coloured at random.

    Returns:
        uint8 (SIDE, SIDE, 3) RGB, and its cells in fractions of it.
    """
    rgb = _pixels(field.path)
    side = round(SIDE / (field.scale * rng.uniform(*_ZOOM)))
    height, width = rgb.shape[:2]
    edges = np.array([_edges(box) for box in field.boxes]).reshape(-1, 4)
    boxes = edges * (width, height, width, height)
    left, top = _corner(field, (width, height), side, rng)
    cut = resize(_window(rgb, left, top, side), SIDE, SIDE)
    placed = (boxes - (left, top, left, top)) / side
    pixels, placed = _turned(cut, placed, rng)
    whole, inside = np.maximum(areas(placed), 1e-12), placed.clip(0, 1)
    seen = areas(inside) / whole >= _LEAST_VISIBLE
    cells = (
        FieldBox(box.label, *map(float, row))
        for box, row, is_seen in zip(field.boxes, inside, seen, strict=True)
        if is_seen
    )
    return _coloured(pixels, rng), tuple(cells)


def _completed(detector: Detector, own: OwnField) -> TrainingField:
    rgb = read_image(own.path.read_bytes(), file_name=own.path.name).rgb
    height, width = rgb.shape[:2]
    findings = detector.find(rgb)
    labelled = [(cell.label, cell.box) for cell in own.cells]
    added = [(cell.label, cell.box) for cell in findings.detections if _is_added(cell, own)]
    boxes = (
        FieldBox(label, x1 / width, y1 / height, x2 / width, y2 / height)
        for label, (x1, y1, x2, y2) in (*labelled, *added)
    )
    scale = findings.scale * detector.usual_scale(width, height)
    return TrainingField(own.path, tuple(boxes), scale, own.group)


def _is_added(found: Detection, own: OwnField) -> bool:
    """Tell whether a box of the base stands for a cell that the laboratory did not label."""
    if found.label in WHITE_CELLS and own.is_complete:
        return False
    box = np.array(found.box)
    labelled = np.array([cell.box for cell in own.cells]).reshape(-1, 4)
    same = (iou(box, labelled) >= _SAME) | (contained_shares(box, labelled) > MAX_CONTAINED)
    return not same.any()


@lru_cache(_REMEMBERED)
def _pixels(path: Path) -> RgbImage:
    return read_image(path.read_bytes(), file_name=path.name).rgb


def _corner(
    field: TrainingField, size: tuple[int, int], side: int, rng: np.random.Generator
) -> tuple[int, int]:
    """Draw the left upper corner of a piece, in pixels of the file."""
    white = [box for box in field.boxes if box.label in WHITE_CELLS]
    about = _one_of(white, rng) if white and rng.random() < _ABOUT_A_CELL else None
    x, y = (None, None) if about is None else _centred(about)[:2]
    return _start(size[0], side, x, rng), _start(size[1], side, y, rng)


def _start(length: int, side: int, middle: float | None, rng: np.random.Generator) -> int:
    """Draw where a piece starts on one axis; `middle` (0..1) is in its inner half if given."""
    first, last = min(0, length - side), max(0, length - side)
    if middle is not None and length > side:
        start = round(middle * length - side * rng.uniform(0.25, 0.75))
        return min(max(start, first), last)
    return int(rng.integers(first, last + 1))


def _window(rgb: RgbImage, left: int, top: int, side: int) -> RgbImage:
    """Cut a square, grey where it is outside of the field."""
    window = np.full((side, side, 3), LETTERBOX_GREY, np.uint8)
    part = rgb[max(top, 0) : top + side, max(left, 0) : left + side]
    y, x = max(-top, 0), max(-left, 0)
    window[y : y + part.shape[0], x : x + part.shape[1]] = part
    return window


def _turned(
    rgb: RgbImage, boxes: np.ndarray, rng: np.random.Generator
) -> tuple[RgbImage, np.ndarray]:
    """Mirror a square and its boxes (n, 4), in fractions, one of eight ways."""
    if rng.random() < 0.5:
        rgb, boxes = rgb.swapaxes(0, 1), boxes[:, (1, 0, 3, 2)]
    for axis in (0, 1):
        if rng.random() < 0.5:
            rgb, boxes = np.flip(rgb, 1 - axis), boxes.copy()
            boxes[:, (axis, axis + 2)] = 1 - boxes[:, (axis + 2, axis)]
    return rgb, boxes


def _coloured(rgb: RgbImage, rng: np.random.Generator) -> RgbImage:
    """Vary hue, saturation and brightness as in the detector's own training."""
    gains = 1 + rng.uniform(-1, 1, 3) * (_HUE, _SATURATION, _VALUE)
    hue, saturation, value = cv2.split(cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2HSV))
    varied = (
        (hue * gains[0]) % _HUES,
        (saturation * gains[1]).clip(0, 255),
        (value * gains[2]).clip(0, 255),
    )
    merged = cv2.merge([part.astype(np.uint8) for part in varied])
    return np.asarray(cv2.cvtColor(merged, cv2.COLOR_HSV2RGB), np.uint8)


def _edges(box: FieldBox) -> Box:
    return box.x1, box.y1, box.x2, box.y2


def _centred(box: FieldBox) -> Box:
    """Return centre and size."""
    return (box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2, box.x2 - box.x1, box.y2 - box.y1


def _one_of(items: Sequence[T], rng: np.random.Generator) -> T:
    return items[int(rng.integers(len(items)))]
