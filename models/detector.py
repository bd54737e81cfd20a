"""One smear field of any size to its cells."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.findings import Detection, FieldFindings, Progress
from models.images import RgbImage, detector_input
from models.runtime import Network, Precision
from models.weights import Manifest, load_manifest

REACH = 2592
"""Longest side in pixels of a field that is read as one frame; larger ones are read in tiles."""

OVERLAP = 416
"""Pixels that neighbouring tiles share: more than the largest cell at 100x with a fine camera."""

MAX_DETECTIONS = 3000
"""Cells kept of one frame or tile, most confident first."""


@dataclass(frozen=True)
class Tile:
    """A part of a field, in pixels: what is read, and the core whose cells it answers for."""

    left: int
    top: int
    right: int
    bottom: int
    core: tuple[int, int, int, int]


@dataclass(frozen=True)
class Found:
    """Boxes (n, 4) x1, y1, x2, y2, class indices (n,) and confidences (n,), float32."""

    boxes: NDArray[np.float32]
    classes: NDArray[np.int64]
    confidences: NDArray[np.float32]

    def take(self, keep: NDArray) -> Found:
        """Select rows by index or mask."""
        return Found(self.boxes[keep], self.classes[keep], self.confidences[keep])


class Detector:
    """YOLOv8 served by OpenVINO; every cell is counted once, under its best class."""

    def __init__(self, network: Network, manifest: Manifest) -> None:
        self._network = network
        self._manifest = manifest

    @classmethod
    def load(cls, folder: Path, precision: Precision = "auto") -> Detector:
        """Check and compile the network in `folder`; raises `WeightsError`."""
        manifest = load_manifest(folder, "detector")
        return cls(Network(manifest.network, precision), manifest)

    @property
    def version(self) -> str:
        """Version of the weights, as the manifest states it."""
        return self._manifest.version

    @property
    def manifest(self) -> Manifest:
        """What the weights say of themselves."""
        return self._manifest

    @property
    def default_confidence(self) -> float:
        """The confidence below which a box is not shown unless asked for, 0..1."""
        return self._manifest.thresholds["confidence"]

    def find(
        self,
        rgb: RgbImage,
        min_confidence: float | None = None,
        progress: Progress | None = None,
    ) -> FieldFindings:
        """Find the cells of one field, uint8 (height, width, 3) RGB of any size."""
        floor = self.default_confidence if min_confidence is None else min_confidence
        height, width = rgb.shape[:2]
        cover = list(tiles(width, height))
        parts = []
        for done, tile in enumerate(cover, start=1):
            parts.append(self._find_in(rgb, tile, floor))
            if progress:
                progress(done, len(cover))
        found = suppress(_join(parts), self._manifest.thresholds["iou"])
        return FieldFindings(width, height, self._detections(found), self.version)

    def _find_in(self, rgb: RgbImage, tile: Tile, floor: float) -> Found:
        part = rgb[tile.top : tile.bottom, tile.left : tile.right]
        letterbox = detector_input(part, self._manifest.input_size)
        (head,) = self._network.run(letterbox.pixels[None]).values()
        found = suppress(decode(head[0], floor), self._manifest.thresholds["iou"])
        boxes = letterbox.to_field(found.boxes)
        boxes[:, 0::2] = boxes[:, 0::2].clip(0, part.shape[1]) + tile.left
        boxes[:, 1::2] = boxes[:, 1::2].clip(0, part.shape[0]) + tile.top
        moved = Found(boxes, found.classes, found.confidences)
        return moved.take(_centred_in(moved.boxes, tile.core))

    def _detections(self, found: Found) -> tuple[Detection, ...]:
        rows = zip(found.boxes.tolist(), found.classes, found.confidences.tolist(), strict=True)
        return tuple(
            Detection(
                tuple(round(edge, 2) for edge in box), self._manifest.classes[kind], confidence
            )
            for box, kind, confidence in rows
        )


def decode(head: NDArray[np.float32], min_confidence: float) -> Found:
    """Read a raw YOLOv8 head (4 + classes, anchors): cx, cy, w, h, then a score per class."""
    scores = head[4:]
    classes = scores.argmax(axis=0)
    confidences = scores.max(axis=0)
    kept = np.flatnonzero(confidences >= min_confidence)
    centre, half = head[:2, kept].T, head[2:4, kept].T / 2
    boxes = np.concatenate([centre - half, centre + half], axis=1)
    return Found(boxes, classes[kept], confidences[kept])


def suppress(found: Found, max_iou: float) -> Found:
    """Greedy non-maximum suppression over all classes, most confident first.

    A box goes when its intersection over union with a kept one exceeds `max_iou` (0..1).
    """
    order = np.argsort(-found.confidences, kind="stable")
    kept: list[int] = []
    while order.size and len(kept) < MAX_DETECTIONS:
        best, order = order[0], order[1:]
        kept.append(int(best))
        order = order[iou(found.boxes[best], found.boxes[order]) <= max_iou]
    return found.take(np.array(kept, np.int64))


def iou(box: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float32]:
    """Intersection over union (n,) of one box (4,) with others (n, 4), x1, y1, x2, y2."""
    low = np.maximum(box[:2], others[:, :2])
    high = np.minimum(box[2:], others[:, 2:])
    shared = (high - low).clip(0).prod(axis=1)
    areas = (others[:, 2:] - others[:, :2]).prod(axis=1) + (box[2:] - box[:2]).prod()
    return shared / np.maximum(areas - shared, 1e-9)


def tiles(width: int, height: int) -> Iterator[Tile]:
    """Cover a field of `width` x `height` px with frames of at most `REACH` px a side.

    Every point lies in the core of one tile, and a cell centred there is wholly inside the tile.
    """
    if max(width, height) <= REACH:
        yield Tile(0, 0, width, height, (0, 0, width, height))
        return
    for (top, bottom, core_top, core_bottom), (
        left,
        right,
        core_left,
        core_right,
    ) in itertools.product(_spans(height), _spans(width)):
        yield Tile(left, top, right, bottom, (core_left, core_top, core_right, core_bottom))


def _spans(length: int) -> list[tuple[int, int, int, int]]:
    """Cut one axis into equal overlapping spans: start, end, start of core, end of core."""
    if length <= REACH:
        return [(0, length, 0, length)]
    count = -(-(length - OVERLAP) // (REACH - OVERLAP))
    starts = np.linspace(0, length - REACH, count).round().astype(int).tolist()
    cuts = [(before + REACH + after) // 2 for before, after in itertools.pairwise(starts)]
    edges = [0, *cuts, length]
    return [
        (start, start + REACH, edges[index], edges[index + 1]) for index, start in enumerate(starts)
    ]


def _centred_in(boxes: NDArray[np.float32], core: tuple[int, int, int, int]) -> NDArray[np.bool_]:
    # Two pixels of grace: a cell on the seam may be placed a little differently by each tile;
    # found twice it is merged, found by neither it would be lost.
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    low, high = np.array(core[:2]) - 2, np.array(core[2:]) + 2
    return ((centres >= low) & (centres <= high)).all(axis=1)


def _join(parts: list[Found]) -> Found:
    return Found(
        np.concatenate([part.boxes for part in parts]),
        np.concatenate([part.classes for part in parts]),
        np.concatenate([part.confidences for part in parts]),
    )
