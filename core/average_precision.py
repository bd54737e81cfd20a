"""COCO's average precision of boxes, and precision and recall at a threshold.

Held against `pycocotools` in `tests/training/metrics/test_parity.py`, without COCO's limit of 100
boxes an image: a smear field has hundreds of cells.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.geometry import iou
from core.statistics import share

IOUS = np.linspace(0.5, 0.95, 10)
"""The overlaps at which a box counts as a match: 0.50, 0.55 ... 0.95."""

_RECALLS = np.linspace(0, 1, 101)


@dataclass(frozen=True)
class Matches:
    """One image's detections of one class, matched with its ground truth.

    Attributes:
        confidences: 0..1, (n,), falling.
        correct: Whether each detection has a true box of its own at `IOUS`, bool (n, 10).
        to_find: Number of true boxes.
    """

    confidences: np.ndarray
    correct: np.ndarray
    to_find: int


def match(boxes: np.ndarray, confidences: np.ndarray, ground_truth: np.ndarray) -> Matches:
    """Match the detections of an image with its true boxes, at every overlap.

    Args:
        boxes: Detections, (n, 4): x1, y1, x2, y2 in pixels.
        confidences: Their confidences, (n,).
        ground_truth: True boxes, (m, 4).
    """
    order = np.argsort(-confidences, kind="stable")
    overlaps = _overlaps(boxes[order], ground_truth)
    correct = np.stack([_assign(overlaps, floor) >= 0 for floor in IOUS], axis=1)
    return Matches(confidences[order], correct, len(ground_truth))


def matched_truth(
    boxes: np.ndarray, confidences: np.ndarray, ground_truth: np.ndarray
) -> np.ndarray:
    """Return the true box that each detection overlaps by half.

    Arguments are those of `match`.

    Returns:
        Rows of `ground_truth` (n,), in the order of `boxes`; -1 for a detection without a match.
    """
    order = np.argsort(-confidences, kind="stable")
    matched = np.empty(len(order), int)
    matched[order] = _assign(_overlaps(boxes[order], ground_truth), IOUS[0])
    return matched


def average_precision(images: Sequence[Matches]) -> np.ndarray:
    """Return the average precision of one class over all images.

    Precision is made monotone and read at 101 recalls, as COCO does (Lin et al. 2014, arXiv
    1405.0312); equal confidences keep the order of the images.

    Returns:
        0..1 at each of `IOUS`, (10,); NaN where there is nothing to find.
    """
    to_find = sum(image.to_find for image in images)
    if not to_find:
        return np.full(len(IOUS), np.nan)
    confidences = np.concatenate([image.confidences for image in images])
    correct = np.concatenate([image.correct for image in images])
    hits = np.cumsum(correct[np.argsort(-confidences, kind="stable")], axis=0)
    precision = hits / np.arange(1, len(hits) + 1)[:, None]
    return np.array([_area(hits[:, k] / to_find, precision[:, k]) for k in range(len(IOUS))])


def precision_and_recall(images: Sequence[Matches], floor: float) -> tuple[float, float]:
    """Return both, 0..1, at an overlap of half, for detections of confidence `floor` and more."""
    shown = sum(int((image.confidences >= floor).sum()) for image in images)
    hits = sum(int(image.correct[image.confidences >= floor, 0].sum()) for image in images)
    to_find = sum(image.to_find for image in images)
    return share(hits, shown), share(hits, to_find)


def _overlaps(boxes: np.ndarray, ground_truth: np.ndarray) -> np.ndarray:
    """Return the intersection over union (n, m), in double precision as COCO computes it."""
    true = ground_truth.astype(np.float64)
    # `iou` is annotated for single precision, and computes in that of its arguments.
    overlaps = [
        iou(box, true)  # pyright: ignore[reportArgumentType]
        for box in boxes.astype(np.float64)
    ]
    return np.array(overlaps).reshape(len(boxes), len(true))


def _assign(overlaps: np.ndarray, floor: float) -> np.ndarray:
    """Give each detection, most confident first, the free true box that it overlaps most.

    Returns:
        Columns of `overlaps` (n,), -1 for none; the last one of equals, as in COCO.
    """
    free = np.where(overlaps >= floor, overlaps, 0.0)
    matched = np.full(len(overlaps), -1)
    last = free.shape[1] - 1
    for row in range(len(overlaps)):
        if last >= 0 and free[row].max() > 0:
            matched[row] = last - free[row, ::-1].argmax()
            free[:, matched[row]] = 0
    return matched


def _area(recall: np.ndarray, precision: np.ndarray) -> float:
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.append(envelope, 0.0)[np.searchsorted(recall, _RECALLS)].mean())
