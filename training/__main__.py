"""`python -m training COMMAND`: one row per command, one module per row.

A command's module has `add_arguments(parser)` and `run(args) -> int | None`, and is imported only
when its command is called, so that `detector` needs no TensorFlow and `classifier` no PyTorch.
"""

import argparse
import importlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from training.data import DataError


@dataclass(frozen=True)
class Command:
    """One command: the words that call it, the module that does it, one line of help."""

    words: tuple[str, ...]
    module: str
    help: str


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
    Command(("classifier",), "training.classifier.train", "train the classifier of single cells"),
    Command(
        ("compare",), "training.studies.compare", "train and compare the paper's architectures"
    ),
    Command(("leak",), "training.studies.leakage", "show what a random split of images leaks"),
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
        "leave out what makes composites real",
    ),
    Command(("export", "detector"), "training.detector.export", "write weights/detector"),
    Command(("export", "classifier"), "training.classifier.export", "write weights/classifier"),
    Command(("calibrate", "detector"), "training.detector.calibration", "choose its thresholds"),
    Command(("evaluate", "detector"), "training.detector.evaluation", "measure the detector"),
    Command(("evaluate", "classifier"), "training.classifier.evaluation", "measure the classifier"),
    Command(
        ("evaluate", "gate"),
        "training.quality_control.evaluation",
        "measure what may be classified",
    ),
)


def overview() -> str:
    """Return the list of commands, one a line."""
    rows = (f"  {' '.join(command.words):22} {command.help}" for command in COMMANDS)
    return "\n".join(("usage: python -m training COMMAND [--help] ...", "", *rows))


def find_command(argv: Sequence[str]) -> Command | None:
    """Return the command whose words open `argv`, or None."""
    matches = (c for c in COMMANDS if tuple(argv[: len(c.words)]) == c.words)
    return next(matches, None)


def main(argv: Sequence[str]) -> int:
    """Run one command; return its exit status (2 where there is no such command)."""
    command = find_command(argv)
    if command is None:
        asked = bool({"-h", "--help"} & set(argv))
        print(overview(), file=sys.stdout if asked else sys.stderr)
        return 0 if asked else 2
    module = importlib.import_module(command.module)
    parser = argparse.ArgumentParser(
        prog=f"python -m training {' '.join(command.words)}",
        description=module.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    module.add_arguments(parser)
    try:
        return module.run(parser.parse_args(argv[len(command.words) :])) or 0
    except DataError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
