"""`python -m training COMMAND`: one row per command, one module per row."""

import sys
from collections.abc import Sequence

from training.commands import Command, run_command

COMMANDS = (
    Command(
        ("composites",), "training.synthesis.composites", "paste cut-out cells into smear fields"
    ),
    Command(("detector",), "training.detector.train", "train the detector of cells in fields"),
    Command(
        ("kinds",),
        "training.classifier.pretraining",
        "a start for the classifier: kinds of white cells",
    ),
    Command(("classifier",), "training.classifier.train", "train a classifier for studies"),
    Command(
        ("compare",), "training.studies.compare", "train and compare the paper's architectures"
    ),
    Command(("leakage",), "training.studies.leakage", "probe what a random split of images leaks"),
    Command(
        ("compare-detectors",), "training.studies.compare_detectors", "train YOLOv5 beside YOLOv8"
    ),
    Command(
        ("ablation",),
        "training.studies.ablation",
        "take the classifier's choices back, one at a time",
    ),
    Command(
        ("ablate-detector",),
        "training.studies.detector_ablation",
        "leave out elements of the composites",
    ),
    Command(("export", "detector"), "training.detector.export", "stage the detector"),
    Command(("quantize", "detector"), "training.detector.quantization", "write its int8 network"),
    Command(("calibrate", "detector"), "training.detector.calibration", "choose its thresholds"),
    Command(("evaluate", "detector"), "training.detector.evaluation", "measure the detector"),
    Command(("publish", "detector"), "training.detector.publication", "publish what is staged"),
    Command(
        ("adapt", "classifier"),
        "training.adaptation.classifier",
        "fine-tune the served classifier on a laboratory's cells",
    ),
    Command(
        ("adapt", "detector"),
        "training.adaptation.detector",
        "fine-tune the served detector on a laboratory's fields",
    ),
    Command(("embedder",), "training.embedder", "publish the features of laboratories' heads"),
    Command(("weights",), "training.weights", "list the published versions, or activate one"),
    Command(
        ("evaluate", "quality-control"),
        "training.quality_control.evaluation",
        "measure which images are accepted",
    ),
)


def main(argv: Sequence[str]) -> int:
    """Run one command; return its exit status."""
    return run_command("python -m training", COMMANDS, argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
