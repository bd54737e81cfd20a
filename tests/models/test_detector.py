from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from models.detector import OVERLAP, REACH, Detector, Found, decode, iou, suppress, tiles
from models.weights import load_manifest
from tests.networks import write_detector
from tests.stand_ins import drawn_field


def found(*rows: tuple) -> Found:
    """Rows of x1, y1, x2, y2, class, confidence."""
    table = np.array(rows, np.float32).reshape(-1, 6)
    return Found(table[:, :4], table[:, 4].astype(np.int64), table[:, 5])


class SpotNetwork:
    """Finds black discs, as a YOLOv8 head of four classes would report them."""

    def run(self, batch: np.ndarray) -> dict[str, np.ndarray]:
        regions, _ = ndimage.label(batch[0].max(axis=0) < 0.1)
        columns = []
        for rows, cols in ndimage.find_objects(regions):
            cx, cy = (cols.start + cols.stop) / 2, (rows.start + rows.stop) / 2
            size = (cols.stop - cols.start, rows.stop - rows.start)
            columns.append([cx, cy, *size, 0.1, 0.8, 0.1, 0.1])
        head = np.array(columns, np.float32).reshape(-1, 8).T
        return {"head": head[None]}


@pytest.fixture
def detector(tmp_path) -> Detector:
    return Detector.load(write_detector(tmp_path / "detector"), "f32")


@pytest.fixture
def spot_detector(tmp_path) -> Detector:
    manifest = load_manifest(write_detector(tmp_path / "detector"), "detector")
    return Detector(SpotNetwork(), manifest)


def test_a_field_goes_through_the_network_and_back(detector):
    findings = detector.find(drawn_field(640, 320))
    assert (findings.width, findings.height, findings.model) == (640, 320, "test-1")
    (detection,) = findings.detections
    assert detection.label == "blast"
    assert detection.confidence == pytest.approx(0.9, abs=1e-3)
    # 10 px in the middle of a network input of 64 px, which shows the field at a tenth
    assert detection.box == pytest.approx((270, 110, 370, 210), abs=0.5)


def test_min_confidence_lowers_and_raises_the_floor(detector):
    assert detector.find(drawn_field(), 0.95).detections == ()
    assert len(detector.find(drawn_field(), 0.05).detections) == 1


def test_counts_and_share(spot_detector):
    field = np.full((60, 60, 3), 200, np.uint8)
    assert spot_detector.find(field).blast_share is None
    field[10:20, 10:20] = 0
    findings = spot_detector.find(field)
    assert findings.counts == {"blast": 0, "wbc": 1, "rbc": 0, "platelet": 0}
    assert findings.blast_share == 0.0


def test_decode_reads_centres_and_best_class():
    head = np.array([[10, 20, 4, 6, 0.1, 0.7, 0.2, 0], [1, 1, 1, 1, 0.1, 0.1, 0.1, 0.1]]).T
    result = decode(head.astype(np.float32), 0.5)
    np.testing.assert_array_equal(result.boxes, [[8, 17, 12, 23]])
    assert (result.classes.tolist(), result.confidences.tolist()) == ([1], [np.float32(0.7)])


def test_suppress_counts_a_cell_once_whatever_its_classes():
    result = suppress(
        found((0, 0, 10, 10, 0, 0.6), (1, 0, 11, 10, 1, 0.9), (30, 0, 40, 10, 1, 0.5)), 0.5
    )
    assert result.confidences.tolist() == [np.float32(0.9), np.float32(0.5)]
    assert result.classes.tolist() == [1, 1]


def test_suppress_keeps_touching_cells():
    result = suppress(found((0, 0, 10, 10, 0, 0.6), (8, 0, 18, 10, 0, 0.9)), 0.5)
    assert len(result.boxes) == 2


def test_suppress_takes_nothing():
    assert suppress(found(), 0.5).boxes.shape == (0, 4)


def test_iou_by_hand():
    box = np.array([0, 0, 10, 10], np.float32)
    others = np.array([[0, 0, 10, 10], [5, 0, 15, 10], [20, 20, 30, 30]], np.float32)
    np.testing.assert_allclose(iou(box, others), [1, 1 / 3, 0])


def test_fields_in_reach_are_one_frame():
    (tile,) = tiles(REACH, 1944)
    assert (tile.left, tile.top, tile.right, tile.bottom) == (0, 0, REACH, 1944)


@pytest.mark.parametrize(("width", "height"), [(REACH + 1, 300), (6000, 4000), (11000, 9100)])
def test_cores_cover_a_large_field_once_and_tiles_overlap(width, height):
    covered = np.zeros((height // 10 + 1, width // 10 + 1), np.uint8)
    for tile in tiles(width, height):
        assert 0 <= tile.left < tile.right <= width
        assert 0 <= tile.top < tile.bottom <= height
        assert tile.right - tile.left <= REACH
        x1, y1, x2, y2 = tile.core
        covered[-(-y1 // 10) : -(-y2 // 10), -(-x1 // 10) : -(-x2 // 10)] += 1
        assert x1 == 0 or x1 - tile.left >= OVERLAP // 2
        assert x2 == width or tile.right - x2 >= OVERLAP // 2
    assert (covered[: height // 10, : width // 10] == 1).all()


def test_cells_on_the_seams_of_tiles_are_found_once(spot_detector):
    width, height = 4000, 3000
    field = np.full((height, width, 3), 200, np.uint8)
    centres = [(x, y) for x in range(150, width, 137) for y in range(150, height, 211)]
    for x, y in centres:
        field[y - 50 : y + 50, x - 45 : x + 45] = 0
    findings = spot_detector.find(field)
    assert findings.counts["wbc"] == len(centres)
    boxes = np.array([detection.box for detection in findings.detections])
    middles = (boxes[:, None, :2] + boxes[:, None, 2:]) / 2
    distances = np.abs(middles - np.array(centres)).max(axis=2)
    # one network pixel is 40 px of a tile here
    assert distances.min(axis=0).max() < 45


def test_boxes_stay_inside_the_field(spot_detector):
    field = np.full((60, 64, 3), 200, np.uint8)
    field[:12, :12] = 0
    (detection,) = spot_detector.find(field).detections
    assert min(detection.box) >= 0
