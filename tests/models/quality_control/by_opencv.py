"""What quality control measures, with OpenCV, which is not served: a reference for tests."""

from __future__ import annotations

import cv2
import numpy as np

from imaging.images import RgbImage


def grey(rgb: RgbImage) -> np.ndarray:
    return cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2GRAY)


def length_of_runs(rgb: RgbImage, shortest: int, step: int) -> float:
    """Of rows that differ from two rows above by a step, in runs of so many pixels."""
    steps = cv2.absdiff(np.ascontiguousarray(rgb[2:]), np.ascontiguousarray(rgb[:-2]))
    strong = (steps.max(axis=2) >= step).astype(np.uint8)
    runs = cv2.morphologyEx(strong, cv2.MORPH_OPEN, np.ones((1, shortest), np.uint8))
    return float(runs.sum())


def largest_share(mask: np.ndarray) -> float:
    """Of a mask, opened, in its largest region."""
    opened = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    count, _, stats, _ = cv2.connectedComponentsWithStats(opened)
    largest = stats[1:, cv2.CC_STAT_AREA].max() if count > 1 else 0
    return float(largest / max(1, opened.sum()))


def shrunk_mask(mask: np.ndarray, height: int, width: int) -> np.ndarray:
    resized = cv2.resize(mask.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST)
    return resized > 0


def outlines(bright: np.ndarray) -> list[np.ndarray]:
    """The outer outlines (n, 2), x and y, of all regions that have the largest area."""
    contours, _ = cv2.findContours(
        bright.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
    )
    areas = [cv2.contourArea(contour) for contour in contours]
    return [
        contour[:, 0]
        for contour, area in zip(contours, areas, strict=True)
        if area == max(areas, default=0)
    ]
