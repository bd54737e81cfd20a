"""Time of one answer: one cell image through EfficientNetB3, one field through YOLOv8n."""

from __future__ import annotations

from pathlib import Path

import torchvision  # noqa: F401  # loaded after TensorFlow, the Triton that it brings crashes

# isort: split
import numpy as np
import tensorflow as tf
from ultralytics import YOLO

from benchmarks.fields import camera_field, empty_field, real_fields
from benchmarks.keras_model import efficientnet, predict
from benchmarks.timing import Way, median_milliseconds, report
from imaging.images import RgbImage, classifier_input, detector_input, scaled_size
from models.classifier.cell_views import View
from models.classifier.classifier import Classifier
from models.detector.detector import Detector, load_network
from models.detector.frames import frames, smallest_frame
from models.explanation.attribution import MAP_LIMIT, enlarged, map_png
from models.manifest import load_manifest
from models.runtime import Precision
from models.versions import active_folder
from training.detector.export import SERVED_SIZE

WEIGHTS = Path(__file__).resolve().parents[1] / "weights"
PRECISIONS: tuple[Precision, ...] = ("auto", "f32")


def main() -> None:
    """Print both comparisons; weights of the Keras and torch networks do not change their speed."""
    pixels = np.random.default_rng(0).integers(0, 256, (450, 450, 3), np.uint8)
    report("One cell image, 450 x 450", median_milliseconds(classifier_ways(pixels)), "ms")
    report("Its activation map", median_milliseconds(map_ways(pixels)), "ms")
    report("A real field of 2592 x 1944", median_milliseconds(detector_ways(camera_field())), "ms")
    report("Other fields", median_milliseconds(other_fields()), "ms")


def classifier_ways(pixels: np.ndarray) -> dict[str, Way]:
    """Ways to read one uint8 RGB cell image, the served ones first."""
    model = efficientnet()
    compiled = tf.function(lambda batch: model(batch, training=False))

    def batch() -> np.ndarray:
        return classifier_input(pixels)[None]

    return {
        **{f"Leukoscope, precision {p}": served_classifier(p, pixels) for p in PRECISIONS},
        "tf.function": lambda: compiled(batch()),
        "Keras predict": lambda: predict(model, batch()),
    }


def served_classifier(precision: Precision, pixels: np.ndarray) -> Way:
    """Prepare the served classifier, without its quality check."""
    classifier = Classifier.load(active_folder(WEIGHTS, "classifier"), precision)
    return lambda: classifier.probabilities([pixels], View.CONTEXT)


def map_ways(pixels: np.ndarray) -> dict[str, Way]:
    """List the answer alone, and the activation map as a picture."""
    classifier = Classifier.load(active_folder(WEIGHTS, "classifier"))
    side = classifier.manifest.input_size
    values = classifier.activation_map(pixels)

    def picture(values: np.ndarray) -> bytes:
        return map_png(enlarged(values, side), MAP_LIMIT)

    return {
        "Leukoscope, the answer alone": lambda: classifier.probabilities([pixels], View.CONTEXT),
        "Leukoscope, the activation map": lambda: picture(classifier.activation_map(pixels)),
        "of which: colours and PNG": lambda: picture(values),
    }


def detector_ways(field: RgbImage) -> dict[str, Way]:
    """Ways to find the cells of one uint8 RGB field, the served one first."""
    torch_model = YOLO("yolov8n.yaml")
    bgr = np.ascontiguousarray(field[..., ::-1])
    scale = SERVED_SIZE / max(field.shape)
    frame = smallest_frame(frames(SERVED_SIZE), *scaled_size(field, scale))
    network = load_network(load_manifest(active_folder(WEIGHTS, "detector"), "detector"))
    pixels = detector_input(field, frame, scale).pixels[None]
    return {
        **{f"Leukoscope, precision {p}": served_detector(p, field) for p in PRECISIONS},
        "of which: shrinking the field": lambda: detector_input(field, frame, scale),
        "of which: the network, precision auto": lambda: network.run(pixels),
        "ultralytics predict (torch)": lambda: torch_model.predict(bgr, imgsz=960, verbose=False),
    }


def other_fields() -> dict[str, Way]:
    """List what the served detector reads beside a camera's whole field."""
    detector = Detector.load(active_folder(WEIGHTS, "detector"))
    camera, small, empty = camera_field(), real_fields()[0], empty_field()
    return {
        "a real field of 2592 x 1944": lambda: detector.find(camera),
        "an empty one": lambda: detector.find(empty),
        "a real field of 640 x 480": lambda: detector.find(small),
    }


def served_detector(precision: Precision, field: RgbImage) -> Way:
    """Prepare the served detector."""
    detector = Detector.load(active_folder(WEIGHTS, "detector"), precision)
    return lambda: detector.find(field)


if __name__ == "__main__":
    main()
