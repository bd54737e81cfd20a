"""One smear field of any size and magnification to its cells."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.geometry import Boxes, Measures
from core.taxonomy import BLAST, DETECTOR_CODES, WBC, WHITE_CELLS
from imaging.images import RgbImage, detector_input, scaled_size
from imaging.tiling import MAX_TILE_SIDE, Tile, tiles
from models.detector.boxes import COLUMNS, OTHERS, Found, suppress
from models.detector.frames import frames, smallest_frame
from models.detector.magnification import (
    CONFIDENT,
    Contents,
    TrainedRange,
    median_diameter,
    red_cell_diameters,
)
from models.detector.operating_point import (
    DECIMALS,
    WHITE,
    OperatingPoint,
    calibrated,
    check_calibrated,
)
from models.findings import Detection, FieldFindings, Progress
from models.manifest import Manifest, WeightsError, load_manifest
from models.runtime import Network, Precision

QUANTIZED = "network_int8.xml"
"""The same network in int8, beside the manifest's own."""

MAX_DETECTIONS = 3000
"""Cells kept of one frame or tile, likeliest first."""

SCALE_PROBES = (2.5, 6.25, 0.4)
"""Factors at which a part of a field is looked at when too few red cells are found in it."""

PROBE_SIDES = (0.56, 0.7)
"""Height and width of what is looked at so, as shares of the network's side: it fits a frame of
half the cost of a whole field's, and holds five red cells unless they lie far apart."""

SMALLEST_FIELD = 512
"""Longer side in pixels from which an image is a field whose red cells are looked for so; smaller
ones are crops, which may well hold none."""

NEARLY_ALL = 0.9
"""Share of the red cells of a first reading that a second one must find to count: at the edge of a
network's range two readings differ by a cell or two."""

MAX_ENLARGED = 8.0
"""Factor up to which a field is enlarged: it takes 64 times the tiles."""


@dataclass(frozen=True)
class FieldReading:
    """What one pass over a field found.

    Attributes:
        found: Boxes in pixels of the file.
        scale: Network pixels for one of the file.
        diameters: Of the red cells (n,), in pixels of the file.
    """

    found: Found
    scale: float
    diameters: Measures

    @property
    def red_cell(self) -> float | None:
        """Median diameter of the red cells (px); None where too few were found."""
        return median_diameter(self.diameters)


@dataclass(frozen=True)
class RawPredictions:
    """All boxes of a field, before it is said what counts.

    Attributes:
        width: Of the field, in pixels.
        height: Of the field, in pixels.
        found: Boxes in pixels of the field.
        red_cell: As in `FieldFindings`.
        scale: As in `FieldFindings`.
    """

    width: int
    height: int
    found: Found
    red_cell: float | None
    scale: float


class Detector:
    """YOLOv8 served by OpenVINO; each cell is counted once."""

    def __init__(self, network: Network, manifest: Manifest) -> None:
        self._network = network
        self._manifest = manifest
        self._point = OperatingPoint.of(manifest.thresholds)
        self._range = TrainedRange.of(manifest.scale)
        self._columns = _columns_of(manifest.classes)
        self._frames = frames(manifest.input_size)

    @classmethod
    def load(cls, folder: Path, precision: Precision = "auto") -> Detector:
        """Check and compile the network in `folder`, a version's; raises `WeightsError`."""
        manifest = load_manifest(folder, "detector")
        check_calibrated(manifest)
        return cls(load_network(manifest, precision), manifest)

    @property
    def version(self) -> str:
        """Version of the weights, as the manifest states it."""
        return self._manifest.version

    @property
    def manifest(self) -> Manifest:
        """What the weights say of themselves."""
        return self._manifest

    def find(
        self,
        rgb: RgbImage,
        min_confidence: float | None = None,
        progress: Progress | None = None,
    ) -> FieldFindings:
        """Find the cells of one field.

        Args:
            rgb: uint8 (h, w, 3) RGB of any size.
            min_confidence: From which on (0..1) a cell counts; the operating point unless given.
            progress: Is told the tiles read and their number; that of a second reading is added.

        Returns:
            The cells that count, and unless a confidence was given the candidates.
        """
        floor = self._point.floor
        if min_confidence is not None:
            floor = min(floor, min_confidence)
        return self.findings(self.raw_predictions(rgb, floor, progress), min_confidence)

    def raw_predictions(
        self, rgb: RgbImage, floor: float, progress: Progress | None = None
    ) -> RawPredictions:
        """Find the boxes of one field, whether they count or not.

        Args:
            rgb: uint8 (h, w, 3) RGB of any size.
            floor: Probability (0..1) from which on a box is kept.
            progress: As for `find`.
        """
        height, width = rgb.shape[:2]
        reading, red_cell = self._best_reading(rgb, floor, progress)
        scale = reading.scale / self.usual_scale(width, height)
        return RawPredictions(width, height, reading.found, red_cell, scale)

    def findings(self, raw: RawPredictions, min_confidence: float | None = None) -> FieldFindings:
        """Select what counts of raw predictions.

        Args:
            raw: Of `raw_predictions`.
            min_confidence: From which on (0..1) a cell counts; the operating point unless given.
        """
        if min_confidence is None:
            counted, candidates = self._sorted_out(raw.found)
        else:
            counted, candidates = self._from(raw.found, min_confidence), ()
        return FieldFindings(
            raw.width,
            raw.height,
            counted,
            self.version,
            candidates=candidates,
            thresholds=self._point.kinds,
            red_cell=raw.red_cell and round(raw.red_cell, 2),
            scale=round(raw.scale, 4),
        )

    def usual_scale(self, width: int, height: int) -> float:
        """Compute network pixels for one of the file, of unknown magnification."""
        return min(1.0, self._manifest.input_size / min(MAX_TILE_SIDE, max(width, height)))

    def _best_reading(
        self, rgb: RgbImage, floor: float, progress: Progress | None
    ) -> tuple[FieldReading, float | None]:
        """Read a field, twice where its red cells have an untrained size.

        The second of the pair is their median diameter in the file, None where it is not known or
        did not help: the second reading counts if it finds nearly all red cells of the first.
        """
        height, width = rgb.shape[:2]
        steps = _Steps(progress)
        first = self._read(rgb, self.usual_scale(width, height), floor, steps)
        factor = self._better_factor(rgb, first, steps)
        if factor == 1:
            return first, first.red_cell
        again = self._read(rgb, first.scale * factor, floor, steps)
        if again.red_cell and len(again.diameters) >= NEARLY_ALL * len(first.diameters):
            return again, again.red_cell
        return first, None

    def _better_factor(self, rgb: RgbImage, first: FieldReading, steps: _Steps) -> float:
        """Choose by what to resize a field that was read; 1 leaves it."""
        if first.red_cell:
            return self._range.factor(first.red_cell * first.scale)
        if max(rgb.shape) < SMALLEST_FIELD:
            return 1.0
        contents = Contents.of(rgb)
        for factor in SCALE_PROBES if contents.present.any() else ():
            scale = first.scale * factor
            probe = self._read(self._probe(rgb, contents, scale), scale, CONFIDENT, steps)
            if probe.red_cell:
                wanted = factor * self._range.factor(probe.red_cell * scale)
                return min(MAX_ENLARGED, wanted)
        return 1.0

    def _probe(self, rgb: RgbImage, contents: Contents, scale: float) -> RgbImage:
        """Cut what is looked at for red cells of another size, as a view."""
        height, width = (int(self._max_tile_side(scale) * share) for share in PROBE_SIDES)
        y, x = contents.fullest(height, width)
        top = max(0, min(y - height // 2, rgb.shape[0] - height))
        left = max(0, min(x - width // 2, rgb.shape[1] - width))
        return rgb[top : top + height, left : left + width]

    def _max_tile_side(self, scale: float) -> int:
        """Compute how many pixels of the file fit into the network."""
        # A length such as 960 / (960 / 2000) must not fall short of 2000 by rounding.
        return int(self._manifest.input_size / scale + 1e-6)

    def _read(self, rgb: RgbImage, scale: float, floor: float, steps: _Steps) -> FieldReading:
        height, width = rgb.shape[:2]
        cover = list(tiles(width, height, self._max_tile_side(scale)))
        steps.total += len(cover)
        parts = []
        for tile in cover:
            parts.append(self._find_in(rgb, tile, scale, floor))
            steps.one_done()
        found = suppress(Found.join(parts), self._point.iou)
        return FieldReading(found, scale, red_cell_diameters(found, width, height))

    def _find_in(self, rgb: RgbImage, tile: Tile, scale: float, floor: float) -> Found:
        part = rgb[tile.top : tile.bottom, tile.left : tile.right]
        frame = smallest_frame(self._frames, *scaled_size(part, scale))
        letterbox = detector_input(part, frame, scale)
        (head,) = self._network.run(letterbox.pixels[None]).values()
        boxes, scores = decode(head[0])
        every = Found(boxes, calibrated(scores[:, self._columns], self._manifest.calibration))
        found = suppress(every.take(every.best >= floor), self._point.iou)
        boxes = letterbox.to_field(found.boxes)
        boxes[:, 0::2] = boxes[:, 0::2].clip(0, part.shape[1]) + tile.left
        boxes[:, 1::2] = boxes[:, 1::2].clip(0, part.shape[0]) + tile.top
        moved = Found(boxes, found.probabilities).take(np.arange(len(boxes)) < MAX_DETECTIONS)
        return moved.take(tile.answers_for(moved.boxes))

    def _sorted_out(self, found: Found) -> tuple[tuple[Detection, ...], tuple[Detection, ...]]:
        """Return what counts at the operating point, and the candidates."""
        point = self._point
        kinds = _kinds(found, found.of(BLAST) >= point.kinds[BLAST])
        limits = np.array([point.of_class(code) for code in DETECTOR_CODES])[kinds]
        counted = _confidences(found, kinds) >= limits
        counted |= found.is_white & (found.white >= point.kinds[WHITE])
        candidates = found.is_white & ~counted & (found.white >= point.floor)
        return _detections(found, kinds, counted), _detections(found, kinds, candidates)

    def _from(self, found: Found, min_confidence: float) -> tuple[Detection, ...]:
        """Return all boxes from a confidence on, likely blasts called so."""
        blast, wbc = found.of(BLAST), found.of(WBC)
        kinds = _kinds(found, blast >= np.minimum(self._point.kinds[BLAST], wbc))
        return _detections(found, kinds, _confidences(found, kinds) >= min_confidence)


def load_network(manifest: Manifest, precision: Precision = "auto") -> Network:
    """Compile the detector's network for the frames it is asked for.

    Args:
        manifest: Of the weights.
        precision: "auto" takes the int8 network where there is one.
    """
    *smaller, largest = ((3, *frame) for frame in frames(manifest.input_size))
    is_quantized = precision == "auto" and QUANTIZED in manifest.files
    path = manifest.folder / QUANTIZED if is_quantized else manifest.network
    return Network(path, largest, precision=precision, smaller=smaller)


class _Steps:
    """Counts what is done of a growing total, and tells whoever asked."""

    def __init__(self, progress: Progress | None) -> None:
        self._progress = progress
        self._done = 0
        self.total = 0

    def one_done(self) -> None:
        self._done += 1
        if self._progress:
            self._progress(self._done, self.total)


def decode(head: NDArray[np.float32]) -> tuple[Boxes, NDArray[np.float32]]:
    """Read what a YOLOv8 network says.

    Args:
        head: float32 (4 + classes, n): cx, cy, w, h in network pixels, then a score of each class.

    Returns:
        Boxes (n, 4) x1, y1, x2, y2 in network pixels, and scores (n, classes) in 0..1.
    """
    centre, half = head[:2].T, head[2:4].T / 2
    return np.concatenate([centre - half, centre + half], axis=1), head[4:].T


def _kinds(found: Found, blast_if_white: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Decide what each box is, as its column (n,)."""
    others = np.array(OTHERS)[found.probabilities[:, OTHERS].argmax(axis=1)]
    white = np.where(blast_if_white, COLUMNS[BLAST], COLUMNS[WBC])
    return np.where(found.is_white, white, others)


def _confidences(found: Found, kinds: NDArray[np.int64]) -> NDArray[np.float64]:
    return found.probabilities[np.arange(len(kinds)), kinds]


def _detections(
    found: Found, kinds: NDArray[np.int64], keep: NDArray[np.bool_]
) -> tuple[Detection, ...]:
    """Name the boxes of a mask (n,), most confident first."""
    confidences = np.where(keep, _confidences(found, kinds), -1)
    order = np.argsort(-confidences, kind="stable")[: keep.sum()]
    return tuple(_detection(found, int(kinds[row]), int(row)) for row in order)


def _detection(found: Found, kind: int, row: int) -> Detection:
    x1, y1, x2, y2 = (round(edge, 2) for edge in found.boxes[row].tolist())
    box = (x1, y1, x2, y2)
    probabilities = found.probabilities[row].tolist()
    label, confidence = DETECTOR_CODES[kind], probabilities[kind]
    if label not in WHITE_CELLS:
        return Detection(box, label, confidence)
    white = round(sum(probabilities[COLUMNS[code]] for code in WHITE_CELLS), DECIMALS)
    return Detection(box, label, confidence, probabilities[COLUMNS[BLAST]], white)


def _columns_of(classes: tuple[str, ...]) -> list[int]:
    """Find the network's output for each class; raises `WeightsError`."""
    missing = [label for label in DETECTOR_CODES if label not in classes]
    if missing:
        raise WeightsError(f"The detector's manifest lacks the classes: {', '.join(missing)}.")
    return [classes.index(label) for label in DETECTOR_CODES]
