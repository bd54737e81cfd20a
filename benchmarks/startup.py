"""Time and memory from nothing to the first answer of both networks, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
import time

from benchmarks.timing import report

# Not resource.getrusage: its maximum begins with what the process that started this one holds.
FINISH = """
status = open("/proc/self/status").read()
print(status.split("VmHWM:")[1].split()[0])
"""

SERVED = """
from pathlib import Path
import numpy as np
from models.registry import load_models
models = load_models(Path("weights"))
models.classifier.classifier.probabilities([np.zeros((300, 300, 3), np.uint8)], "crop")
models.detector.detector.find(np.zeros((960, 960, 3), np.uint8))
"""

FRAMEWORKS = """
import torchvision
import keras, numpy as np
from ultralytics import YOLO
model = keras.applications.EfficientNetB3(weights=None, classes=2, input_shape=(300, 300, 3))
model.predict(np.zeros((1, 300, 300, 3), np.float32), verbose=0)
YOLO("yolov8n.yaml").predict(np.zeros((960, 960, 3), np.uint8), imgsz=960, verbose=False)
"""


def main() -> None:
    """Print seconds and resident memory of both ways."""
    ways = {"Leukoscope": SERVED, "Keras and ultralytics": FRAMEWORKS}
    measured = {name: first_answer(code) for name, code in ways.items()}
    report("To the first answers", {name: value[0] for name, value in measured.items()}, "s")
    report("Memory at most", {name: value[1] for name, value in measured.items()}, "MB")


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
