"""Write the detector for serving: OpenVINO network (f16 weights), manifest and model card."""

import argparse
import csv
import shutil
from pathlib import Path
from string import Template
from typing import Any

import yaml
from ultralytics import YOLO

from training.data import PROJECT, DataError
from training.manifest import DATA_SETS, subject_split, todays_version, write_manifest

DEFAULT_WEIGHTS = PROJECT / "weights" / "detector"
SERVED_SIZE = 960
THRESHOLDS = {"confidence": 0.25, "iou": 0.5}

_CARD = Path(__file__).with_name("card.md")
_TOLD_ARGUMENTS = (
    *("imgsz", "batch", "optimizer", "lr0", "momentum", "weight_decay", "time", "epochs"),
    *("degrees", "scale", "translate", "fliplr", "flipud", "hsv_h", "hsv_s", "hsv_v", "mosaic"),
)


def export(
    run: Path, weights: Path, size: int = SERVED_SIZE, version: str = "", note: str = ""
) -> None:
    """Write the best checkpoint of a training run to `weights`, for frames of `size` pixels.

    `note` is what else manifest and card should tell of the training. Raises DataError where the
    run has no checkpoint.
    """
    checkpoint = run / "weights" / "best.pt"
    if not checkpoint.is_file():
        raise DataError(f"There is no checkpoint {checkpoint}. Train with --out {run}.")
    weights.mkdir(parents=True, exist_ok=True)
    write_network(checkpoint, weights, size)
    manifest = _manifest(run, classes_of(checkpoint), size, version or todays_version(), note)
    write_manifest(weights, manifest)
    (weights / "model_card.md").write_text(_card(manifest), encoding="utf-8")


def write_network(checkpoint: Path, weights: Path, size: int) -> None:
    """Write network.xml and .bin (f16 weights) of a checkpoint for frames of `size` pixels."""
    made = YOLO(checkpoint).export(
        format="openvino", imgsz=size, quantize=16, dynamic=False, device="cpu"
    )
    for suffix in ("xml", "bin"):
        (source,) = Path(made).glob(f"*.{suffix}")
        shutil.copyfile(source, weights / f"network.{suffix}")


def classes_of(checkpoint: Path) -> list[str]:
    """Return the classes of a checkpoint, in the order of its outputs.

    They are its own: one that was trained when the numbers were others stays right.
    """
    names = YOLO(checkpoint).names
    return [names[number] for number in sorted(names)]


def _manifest(run: Path, classes: list[str], size: int, version: str, note: str) -> dict[str, Any]:
    arguments = yaml.safe_load((run / "args.yaml").read_text())
    with (run / "results.csv").open(newline="") as stream:
        epochs = list(csv.DictReader(stream))
    return {
        "model": "detector",
        "version": version,
        "classes": classes,
        "input": {"size": size, "layout": "NCHW", "range": "0..1", "colour": "RGB"},
        "thresholds": THRESHOLDS,
        "training": {
            "data": list(DATA_SETS),
            "split": subject_split(),
            "note": note,
            "seed": arguments["seed"],
            "epochs": len(epochs),
            "minutes": round(float(epochs[-1]["time"]) / 60, 1),
            "arguments": {name: arguments[name] for name in _TOLD_ARGUMENTS},
        },
        "metrics": {},
    }


def _card(manifest: dict[str, Any]) -> str:
    training = manifest["training"]
    split = training["split"]
    return Template(_CARD.read_text(encoding="utf-8")).substitute(
        version=manifest["version"],
        size=manifest["input"]["size"],
        trained=", ".join(split["train"] + split["val"]),
        held_out=", ".join(split["test"]),
        note=training["note"],
        epochs=training["epochs"],
        minutes=training["minutes"],
        seed=training["seed"],
        batch=training["arguments"]["batch"],
        train_size=training["arguments"]["imgsz"],
    )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `python -m training export detector`."""
    parser.add_argument("--run", type=Path, default=PROJECT / "runs" / "detector")
    parser.add_argument("--weights-out", type=Path, default=DEFAULT_WEIGHTS)
    parser.add_argument(
        "--imgsz", type=int, default=SERVED_SIZE, help="side in pixels (%(default)s)"
    )
    parser.add_argument("--version", default="", help="today's date and -1 unless given")
    parser.add_argument("--note", default="", help="what else manifest and card should tell of it")


def run(args: argparse.Namespace) -> None:
    """Export, and say where to."""
    export(args.run, args.weights_out, args.imgsz, args.version, args.note)
    print(f"{args.weights_out} is written; go on with: python -m training calibrate detector")
