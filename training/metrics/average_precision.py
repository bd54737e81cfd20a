"""Average precision, precision and recall of boxes.

Matching and average precision are COCO's: detections in order of confidence each take the
unmatched true box that they overlap most; precision is made monotone and read at 101 recalls.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.geometry import iou
from training.metrics.estimates import share

IOUS = np.arange(0.5, 1.0, 0.05)
"""The overlaps at which a detection is judged: 0.50, 0.55 ... 0.95."""


@dataclass(frozen=True)
class Judged:
    """One image's detections of one class: `confidences` (n,), `correct` (n, 10) at `IOUS`.

    `truths` is the number of cells to find.
    """

    confidences: np.ndarray
    correct: np.ndarray
    truths: int


def judge(boxes: np.ndarray, confidences: np.ndarray, truths: np.ndarray) -> Judged:
    """Match boxes (n, 4) with true boxes (m, 4), both x1, y1, x2, y2 in pixels."""
    order = np.argsort(-confidences, kind="stable")
    overlaps = _overlaps(boxes[order], truths)
    correct = np.stack([_partners(overlaps, floor) >= 0 for floor in IOUS], axis=1)
    return Judged(confidences[order], correct, len(truths))


def partners(boxes: np.ndarray, confidences: np.ndarray, truths: np.ndarray) -> np.ndarray:
    """Return for each box (n, 4) the index of the true box (m, 4) that it overlaps by half.

    Every true box goes to one box, the most confident ones choose first; -1 where none is left.
    """
    order = np.argsort(-confidences, kind="stable")
    found = np.empty(len(order), int)
    found[order] = _partners(_overlaps(boxes[order], truths), IOUS[0])
    return found


def average_precision(images: Sequence[Judged]) -> np.ndarray:
    """Return the average precision (10,) at `IOUS`; NaN where there is nothing to find."""
    truths = sum(image.truths for image in images)
    if not truths:
        return np.full(len(IOUS), np.nan)
    confidences = np.concatenate([image.confidences for image in images])
    correct = np.concatenate([image.correct for image in images])
    hits = np.cumsum(correct[np.argsort(-confidences, kind="stable")], axis=0)
    precision = hits / np.arange(1, len(hits) + 1)[:, None]
    return np.array([_area(hits[:, k] / truths, precision[:, k]) for k in range(len(IOUS))])


def precision_and_recall(images: Sequence[Judged], floor: float) -> tuple[float, float]:
    """Return both at an overlap of 0.5, for detections of confidence `floor` and more."""
    shown = sum(int((image.confidences >= floor).sum()) for image in images)
    hits = sum(int(image.correct[image.confidences >= floor, 0].sum()) for image in images)
    truths = sum(image.truths for image in images)
    return share(hits, shown), share(hits, truths)


def _overlaps(boxes: np.ndarray, truths: np.ndarray) -> np.ndarray:
    return np.array([iou(box, truths) for box in boxes]).reshape(len(boxes), len(truths))


def _partners(overlaps: np.ndarray, floor: float) -> np.ndarray:
    """Return (n,) the true box of its own that each detection, most confident first, matches."""
    free = np.where(overlaps >= floor, overlaps, 0.0)
    matched = np.full(len(overlaps), -1)
    for number in range(len(overlaps)):
        if free.shape[1] and free[number].max() > 0:
            matched[number] = free[number].argmax()
            free[:, matched[number]] = 0
    return matched


def _area(recall: np.ndarray, precision: np.ndarray) -> float:
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    at = np.searchsorted(recall, np.linspace(0, 1, 101))
    return float(np.append(envelope, 0.0)[at].mean())
