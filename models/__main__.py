"""Batch use from a shell: one JSON object a line for every file."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from imaging.decoding.errors import ImageError
from imaging.decoding.formats import NAMES
from imaging.images import RgbImage, read_image
from models.detector.detector import Detector
from models.findings import Classification, QualityIssue
from models.manifest import WeightsError
from models.quality_control.fields import examine_field
from models.quality_control.judgement import MIN_SIDE
from models.registry import load_models
from models.versions import active_folder

WEIGHTS = Path(__file__).resolve().parents[1] / "weights"

REASONS = {
    QualityIssue.TOO_SMALL: f"The image has fewer than {MIN_SIDE} pixels a side.",
    QualityIssue.BLANK: "The image is blank.",
    QualityIssue.NO_COLOUR: "The image has no colour.",
    QualityIssue.NO_CELL: "No white cell was found.",
    QualityIssue.SEVERAL_CELLS: "There are several white cells: use `detect`.",
    QualityIssue.OVER_EXPOSED: "The image is over-exposed.",
    QualityIssue.DARK: "The image is too dark.",
    QualityIssue.CUT_OFF: "The cell is cut off by the image's edge.",
    QualityIssue.BLURRED: "The image is out of focus.",
    QualityIssue.NOT_A_SMEAR: "The image does not look like a stained smear.",
    QualityIssue.CUT_OUT: "The image shows one cell that was cut out: use `classify`.",
    QualityIssue.PALE: "The stain is pale.",
    QualityIssue.COLOUR_CAST: "The image has a colour cast.",
    QualityIssue.OVERLAY: "Boxes, a scale bar or text were drawn on the image.",
    QualityIssue.COMPRESSED: "The image was compressed too strongly.",
    QualityIssue.LOW_RESOLUTION: "The red cells have too few pixels.",
}
"""What speaks against an image, in the words of this command."""

Reader = Callable[[RgbImage], dict[str, Any]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns:
        0 when every file was read, 1 when one was not, 2 without usable weights.
    """
    options = _parser().parse_args(arguments)
    try:
        reader = options.reader(options)
    except WeightsError as error:
        print(error, file=sys.stderr)
        return 2
    lines = [_print(_read(file, reader)) for file in options.files]
    return int(any("error" in line for line in lines))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m models", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    classify = commands.add_parser("classify", help="read single-cell images")
    classify.set_defaults(reader=_classifier)
    classify.add_argument(
        "--override-quality-check",
        "--insist",
        action="store_true",
        help="read a cell also where it cannot be seen well",
    )
    detect = commands.add_parser("detect", help="find the cells of smear fields")
    detect.set_defaults(reader=_detector)
    detect.add_argument(
        "--override-quality-check",
        action="store_true",
        help="read a field also where its quality speaks against it",
    )
    detect.add_argument(
        "--min-confidence", type=_share, help="show boxes from this confidence on, 0 to 1"
    )
    detect.add_argument(
        "--no-classifier-opinion",
        "--no-second-reader",
        action="store_false",
        dest="classifier_opinion",
        help="do not have the classifier read every white cell as well",
    )
    for command in (classify, detect):
        command.add_argument("--weights", type=Path, default=WEIGHTS, help="folder of the weights")
        command.add_argument("--precision", choices=["auto", "f32"], default="auto")
        command.add_argument("files", nargs="+", metavar="FILE", help=NAMES)
    return parser


def _share(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError("must be between 0 and 1")
    return value


def _classifier(options: argparse.Namespace) -> Reader:
    models = load_models(options.weights, options.precision)
    override = options.override_quality_check
    return lambda rgb: _document(models.classify(rgb, override))


def _document(found: Classification) -> dict[str, Any]:
    """Put the finding under the names that this command always printed."""
    return {
        "label": found.label,
        "probability": found.probability,
        "usable": found.usable,
        "reason": found.code and REASONS[found.code],
        "model": found.model,
        "code": found.code,
        "can_insist": found.can_override,
        "insisted": found.overridden,
        "view": found.view,
        "window": found.window,
        "familiar": found.in_distribution,
        "cells": found.cells,
        "kind": found.kind,
        "kind_probability": found.kind_probability,
        "morphology": found.morphology,
        "quality": found.quality and found.quality.to_dict(),
    }


def _detector(options: argparse.Namespace) -> Reader:
    least, override = options.min_confidence, options.override_quality_check
    if not options.classifier_opinion:
        detector = Detector.load(active_folder(options.weights, "detector"), options.precision)
        return lambda rgb: examine_field(rgb, detector, None, least, override).to_dict()
    models = load_models(options.weights, options.precision)
    return lambda rgb: models.read_field(rgb, None, least, override).to_dict()


def _read(file: str, reader: Reader) -> dict[str, Any]:
    try:
        image = read_image(Path(file).read_bytes())
        return {"file": file, **reader(image.rgb), "reading": image.reading_to_dict()}
    except (ImageError, OSError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        return {"file": file, "error": reason}


def _print(line: dict[str, Any]) -> dict[str, Any]:
    print(json.dumps(line), flush=True)
    return line


if __name__ == "__main__":
    sys.exit(main())
