"""Average precision is that of pycocotools, COCO's own evaluation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from core.average_precision import IOUS, average_precision, match
from imaging.images import read_image
from models.detector.detector import Detector
from models.versions import active_folder
from settings import ROOT
from training.data import read_txl
from training.detector.calibration import LOWEST_CONFIDENCE

Boxes = np.ndarray
Image = tuple[Boxes, np.ndarray, Boxes]
"""Detections (n, 4), their confidences (n,), and true boxes (m, 4), of one class."""

EVERY = 3
"""Of TXL-PBC's test fields, one in so many."""


def ours(images: list[Image]) -> np.ndarray:
    return average_precision([match(*image) for image in images])


def theirs(classes: list[list[Image]]) -> np.ndarray:
    """Return COCO's average precision (classes, 10); each class lists the same images."""
    truth, found = [], []
    for category, images in enumerate(classes, 1):
        for number, (boxes, confidences, true) in enumerate(images):
            place = {"image_id": number, "category_id": category, "iscrowd": 0}
            truth += [{**place, **_annotation(box)} for box in true]
            found += [
                {**place, **_annotation(box), "score": float(score)}
                for box, score in zip(boxes, confidences, strict=True)
            ]
    count = max(len(images) for images in classes)
    evaluation = COCOeval(
        _coco(truth, count, len(classes)), _coco(found, count, len(classes)), "bbox"
    )
    evaluation.params.maxDets = [100_000]
    evaluation.params.areaRng, evaluation.params.areaRngLbl = [[0, 1e10]], ["all"]
    evaluation.evaluate()
    evaluation.accumulate()
    # Overlaps, recalls, classes, areas, limits; -1 where a class has nothing to find.
    precision = evaluation.eval["precision"][:, :, :, 0, 0]
    means = precision.mean(axis=1).T
    return np.where((precision < 0).all(axis=1).T, np.nan, means)


def _annotation(box: np.ndarray) -> dict[str, object]:
    x1, y1, x2, y2 = (float(edge) for edge in box)
    return {"bbox": [x1, y1, x2 - x1, y2 - y1], "area": (x2 - x1) * (y2 - y1)}


def _coco(annotations: list[dict[str, object]], images: int, classes: int) -> COCO:
    coco = COCO()
    coco.dataset = {
        "images": [{"id": number} for number in range(images)],
        "categories": [{"id": number} for number in range(1, classes + 1)],
        # COCO takes a match with id 0 for none.
        "annotations": [{**one, "id": number} for number, one in enumerate(annotations, 1)],
    }
    coco.createIndex()
    return coco


def assert_same(classes: list[list[Image]]) -> None:
    mine = np.stack([ours(images) for images in classes])
    np.testing.assert_allclose(mine, theirs(classes), atol=1e-6, rtol=0)


def _random_class(rng: np.random.Generator, images: int, side: int, *, whole: bool) -> list[Image]:
    """Draw detections near true boxes and elsewhere; images may lack either, scores tie."""
    drawn = []
    for _ in range(images):
        true = _random_boxes(rng, int(rng.integers(0, 8)), side)
        again = true[rng.integers(len(true), size=rng.integers(0, 10))] if len(true) else true
        near = again + rng.normal(0, side / 20, again.shape)
        boxes = np.concatenate([near, _random_boxes(rng, int(rng.integers(0, 4)), side)])
        if whole:
            boxes, true = boxes.round(), true.round()
        boxes[:, 2:] = np.maximum(boxes[:, 2:], boxes[:, :2] + 1)
        true[:, 2:] = np.maximum(true[:, 2:], true[:, :2] + 1)
        drawn.append((boxes, rng.integers(0, 8, len(boxes)) / 8, true))
    return drawn


def _random_boxes(rng: np.random.Generator, count: int, side: int) -> Boxes:
    corners = rng.uniform(0, 4 * side, (count, 2))
    return np.concatenate([corners, corners + rng.uniform(side / 2, side, (count, 2))], axis=1)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    images=st.integers(1, 12),
    classes=st.integers(1, 4),
    side=st.sampled_from([3, 10, 60]),
    whole=st.booleans(),
)
def test_random_boxes_of_several_classes(seed, images, classes, side, whole):
    rng = np.random.default_rng(seed)
    assert_same([_random_class(rng, images, side, whole=whole) for _ in range(classes)])


def test_an_overlap_on_the_threshold_counts():
    true = np.array([[0.0, 0, 10, 10]])
    for tenth, floor in zip(range(50, 100, 5), IOUS, strict=True):
        boxes = np.array([[0.0, 0, 10, tenth / 10]])
        images = [(boxes, np.ones(1), true)]
        assert_same([images])
        assert ours(images)[list(IOUS).index(floor)] == pytest.approx(1)


def test_of_two_equal_overlaps_the_later_true_box_is_taken():
    true = np.array([[0.0, 0, 10, 10], [4.0, 0, 14, 10]])
    between, on_the_first = np.array([2.0, 0, 12, 10]), true[0]
    assert_same([[(np.stack([between, on_the_first]), np.array([0.9, 0.8]), true)]])


def test_more_boxes_than_coco_usually_counts():
    rng = np.random.default_rng(1)
    true = _random_boxes(rng, 300, 40)
    boxes = true + rng.normal(0, 3, true.shape)
    assert_same([[(boxes, rng.integers(0, 20, 300) / 20, true)]])


def test_the_served_detector_on_real_fields(shared_data):
    detector = Detector.load(active_folder(ROOT / "weights", "detector"))
    labels = {"white": ("blast", "wbc"), "rbc": ("rbc",), "platelet": ("platelet",)}
    classes: dict[str, list[Image]] = {name: [] for name in labels}
    for field in read_txl(shared_data, "test")[::EVERY]:
        rgb = read_image(field.path.read_bytes()).rgb
        height, width = rgb.shape[:2]
        found = detector.find(rgb, LOWEST_CONFIDENCE).detections
        for name, of_class in labels.items():
            cells = [cell for cell in found if cell.label in of_class]
            true = [(b.x1, b.y1, b.x2, b.y2) for b in field.boxes if b.label in of_class]
            classes[name].append(
                (
                    np.array([cell.box for cell in cells]).reshape(-1, 4),
                    np.array([cell.confidence for cell in cells]),
                    np.array(true).reshape(-1, 4) * (width, height, width, height),
                )
            )
    assert_same(list(classes.values()))
    assert ours(classes["white"])[0] > 0.8
