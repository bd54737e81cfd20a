"""The served detector gives ultralytics' boxes."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
from ultralytics import YOLO
from ultralytics.utils import ASSETS

from core.geometry import iou
from imaging.images import read_image
from models.detector import detector as detectors
from models.detector.detector import Detector, load_network
from models.findings import FieldFindings
from models.manifest import load_manifest, sha256_of
from models.versions import active_folder
from training.data import DEFAULT_DATA, PROJECT
from training.detector.export import write_network

FIELDS = DEFAULT_DATA / "txl_pbc" / "images" / "test"

pytestmark = pytest.mark.filterwarnings(
    "ignore::FutureWarning",
    "ignore::DeprecationWarning",
    "ignore::torch.jit.TracerWarning",
)

CHECKPOINT = PROJECT.parent / "shared" / "init" / "yolov8n_coco.pt"
SIZE = 640
CONFIDENCE, IOU = 0.4, 0.5
# The detector wants cells: people, bicycles, cars and buses stand in for them.
NAMES = {0: "blast", 1: "wbc", 2: "rbc", 5: "platelet"}


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    """Return a street with people, BGR, of the network's size: the network is compared."""
    image = cv2.resize(cv2.imread(str(ASSETS / "bus.jpg")), (480, SIZE))
    return cv2.copyMakeBorder(image, 0, 0, 80, 80, cv2.BORDER_CONSTANT, value=(114,) * 3)


@pytest.fixture(scope="module")
def served(tmp_path_factory) -> Detector:
    if not CHECKPOINT.is_file():
        pytest.skip(f"a trained network is not here: {CHECKPOINT} is missing")
    folder = tmp_path_factory.mktemp("coco")
    (folder / "start.pt").write_bytes(CHECKPOINT.read_bytes())
    write_network(folder / "start.pt", folder, SIZE)
    manifest = {
        "model": "detector",
        "version": "coco",
        "classes": [NAMES.get(number, str(number)) for number in range(80)],
        "input": {"size": SIZE},
        "thresholds": {"confidence": CONFIDENCE, "iou": IOU},
        "files": {name: sha256_of(folder / name) for name in ("network.xml", "network.bin")},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    # Not calibrated: the scores themselves are compared.
    read = load_manifest(folder, "detector")
    return Detector(load_network(read, "f32"), read)


def test_boxes_classes_and_confidences_agree(picture, served):
    (expected,) = YOLO(CHECKPOINT).predict(
        picture,
        imgsz=SIZE,
        conf=CONFIDENCE,
        iou=IOU,
        agnostic_nms=True,
        classes=list(NAMES),
        verbose=False,
    )
    found = served.find(np.ascontiguousarray(picture[..., ::-1])).detections
    assert len(found) == len(expected.boxes) >= 4
    boxes = np.array([detection.box for detection in found], np.float32)
    for box, kind, confidence in zip(
        expected.boxes.xyxy.numpy(), expected.boxes.cls, expected.boxes.conf, strict=True
    ):
        overlaps = iou(box, boxes)
        match = found[overlaps.argmax()]
        assert overlaps.max() > 0.95
        assert match.label == NAMES[int(kind)]
        assert match.confidence == pytest.approx(float(confidence), abs=0.01)


@pytest.mark.skipif(not FIELDS.is_dir(), reason=f"{FIELDS} is missing")
def test_a_smaller_frame_gives_the_square_s_boxes(monkeypatch):
    fields = [read_image(file.read_bytes()).rgb for file in sorted(FIELDS.glob("*.jpg"))[::12]]
    folder = active_folder(PROJECT / "weights", "detector")
    framed = Detector.load(folder, "f32")
    monkeypatch.setattr(detectors, "frames", lambda size: ((size, size),))
    square = Detector.load(folder, "f32")
    overlaps, moved = [], []
    for field in fields:
        here, there = framed.find(field), square.find(field)
        assert abs(len(here.detections) - len(there.detections)) <= 3
        each = best_overlaps(here, there)
        overlaps += [overlap for overlap, _ in each]
        moved += [difference for _, difference in each]
    assert np.mean(overlaps) > 0.97
    assert np.mean(np.array(overlaps) > 0.5) > 0.97
    assert np.mean(moved) < 0.01


def best_overlaps(here: FieldFindings, there: FieldFindings) -> list[tuple[float, float]]:
    """Return each box's overlap with the other field's nearest, and how confidence differs."""
    boxes = np.array([cell.box for cell in there.detections], np.float32)
    found = []
    for cell in here.detections:
        overlaps = iou(np.array(cell.box, np.float32), boxes)
        nearest = there.detections[int(overlaps.argmax())]
        found.append((float(overlaps.max()), abs(cell.confidence - nearest.confidence)))
    return found
