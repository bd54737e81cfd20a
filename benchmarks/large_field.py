"""Time and memory of a stitched field of 100 megapixels, from its file to its cells."""

from __future__ import annotations

import tempfile
from pathlib import Path

from PIL import Image

from benchmarks.fields import mosaic
from benchmarks.startup import first_answer
from benchmarks.timing import report
from training.data import DEFAULT_DATA

SIDE = 10_000

DECODED = """
import sys
from pathlib import Path
from imaging.images import read_image
rgb = read_image(Path({file!r}).read_bytes()).rgb
"""

DETECTOR = (
    DECODED
    + """
from models.detector.detector import Detector
from models.versions import active_folder
found = Detector.load(active_folder(Path("weights"), "detector")).find(rgb)
print(sum(found.counts.values()), "cells")
"""
)

BOTH = (
    DECODED
    + """
from models.registry import load_models
found = load_models(Path("weights")).read_field(rgb)
print(sum(found.counts.values()), "cells")
"""
)

KEPT = """
import tempfile
from pathlib import Path
from imaging.images import ImageLimits
from models.registry import load_models
from records import analyses
from records.storage.image_store import DiskStore
from services.analyses.analysis import Analyst, Upload
analyses.add = lambda analysis: None
upload = Upload("field.jpg", Path({file!r}).read_bytes(), "batch")
with tempfile.TemporaryDirectory() as folder:
    models = load_models(Path("weights"))
    analyst = Analyst(lambda: models, DiskStore(Path(folder)), ImageLimits())
    print(analyst.detect("owner", upload, "id").finding["counts"])
"""

TILED = """
import cv2
from ultralytics import YOLO
model, bgr = YOLO("yolov8n.yaml"), cv2.imread({file!r})
found = [
    model.predict(bgr[top : top + 2592, left : left + 2592], imgsz=960, verbose=False)
    for top in range(0, 10000, 2176)
    for left in range(0, 10000, 2176)
]
"""

WHOLE = """
import cv2
from ultralytics import YOLO
found = YOLO("yolov8n.yaml").predict(cv2.imread({file!r}), imgsz=3712, verbose=False)
"""


def main() -> None:
    """Print seconds and resident memory of each way, each in a process of its own."""
    if not (DEFAULT_DATA / "txl_pbc").is_dir():
        print(f"\nLarge field: not measured, {DEFAULT_DATA / 'txl_pbc'} is missing")
        return
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "field.jpg"
        Image.fromarray(mosaic(SIDE, SIDE)).save(file, quality=90)
        measured = {name: first_answer(code.format(file=str(file))) for name, code in WAYS.items()}
    title = "A field of 10,000 x 10,000, seen at 0.37 of its size"
    report(title, {name: value[0] for name, value in measured.items()}, "s")
    report("Memory at most", {name: value[1] for name, value in measured.items()}, "MB")


WAYS = {
    "Leukoscope, read and kept, without the row": KEPT,
    "Leukoscope, both readers": BOTH,
    "Leukoscope, the detector alone": DETECTOR,
    "of which: decoding the file": DECODED,
    "ultralytics predict, tiled by hand": TILED,
    "ultralytics predict, imgsz 3712": WHOLE,
}
"""Python programs that read a file; weights of the torch network do not change its speed."""


if __name__ == "__main__":
    main()
