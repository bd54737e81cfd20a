"""Time and memory from nothing to the first answer of both networks, in a process of its own."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image

from benchmarks.fields import camera_field
from benchmarks.timing import report

# Not resource.getrusage: its maximum begins with what the process that started this one holds.
FINISH = """
status = open("/proc/self/status").read()
print(status.split("VmHWM:")[1].split()[0])
"""

SERVED = """
from pathlib import Path
from imaging.images import read_image
from models.registry import load_models
models = load_models(Path("weights"))
rgb = read_image(Path({file!r}).read_bytes()).rgb
models.classifier.probabilities([rgb[:300, :300]], "crop")
models.detector.find(rgb)
"""

FRAMEWORKS = """
import torchvision
import cv2, keras
from ultralytics import YOLO
bgr = cv2.imread({file!r})
model = keras.applications.EfficientNetB3(weights=None, classes=2, input_shape=(300, 300, 3))
model.predict(bgr[None, :300, :300] / 255.0, verbose=0)
YOLO("yolov8n.yaml").predict(bgr, imgsz=960, verbose=False)
"""

FIELD_SERVED = """
from pathlib import Path
from imaging.images import read_image
from models.detector.detector import Detector
from models.versions import active_folder
detector = Detector.load(active_folder(Path("weights"), "detector"))
detector.find(read_image(Path({file!r}).read_bytes()).rgb)
"""

FIELD_FRAMEWORK = """
import cv2
from ultralytics import YOLO
YOLO("yolov8n.yaml").predict(cv2.imread({file!r}), imgsz=960, verbose=False)
"""

BOTH = {"Leukoscope": SERVED, "Keras and ultralytics": FRAMEWORKS}
FIELD = {"Leukoscope": FIELD_SERVED, "ultralytics": FIELD_FRAMEWORK}
ROUNDS = 3


def main() -> None:
    """Print seconds and resident memory of each way on a real field, in turn."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "field.jpg"
        Image.fromarray(camera_field()).save(file, quality=90)
        for title, programs in (("one cell and one field", BOTH), ("one field alone", FIELD)):
            ways = {name: code.format(file=str(file)) for name, code in programs.items()}
            show(title, [{name: first_answer(ways[name]) for name in ways} for _ in range(ROUNDS)])


def show(title: str, rounds: list[dict[str, tuple[float, float]]]) -> None:
    """Print the medians of seconds and megabytes."""
    for index, (what, unit) in enumerate((("Time", "s"), ("Memory", "MB"))):
        medians = {
            name: statistics.median(each[name][index] for each in rounds) for name in rounds[0]
        }
        report(f"{what} from the start to the first answers, {title}", medians, unit)


def first_answer(code: str) -> tuple[float, float]:
    """Seconds and peak resident megabytes of a Python process that runs `code`."""
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code + FINISH], capture_output=True, text=True, check=True
    )
    seconds = time.perf_counter() - start
    return seconds, int(done.stdout.split()[-1]) / 1000


if __name__ == "__main__":
    main()
