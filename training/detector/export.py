"""Stage the detector: OpenVINO network (f16 weights), manifest and model card."""

import csv
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from ultralytics import YOLO

from training.commands import option
from training.data import PROJECT, DataError
from training.detector.card import write_card
from training.manifest import DATA_SETS, next_version, subject_split, write_manifest
from training.phases import phase
from training.staging import STAGED, new_stage

DEFAULT_WEIGHTS = PROJECT / "weights" / "detector"
DEFAULT_STAGED = STAGED / "detector"
SERVED_SIZE = 960
THRESHOLDS = {"confidence": 0.25, "iou": 0.5}

_RECORDED_ARGUMENTS = (
    *("seed", "imgsz", "batch", "optimizer", "lr0", "momentum", "weight_decay", "time", "epochs"),
    *("degrees", "scale", "translate", "fliplr", "flipud", "hsv_h", "hsv_s", "hsv_v", "mosaic"),
)


@dataclass(frozen=True)
class Options:
    """Options of `python -m training export detector`."""

    run: Path = option(PROJECT / "runs" / "detector", "folder of the training run")
    staged: Path = option(DEFAULT_STAGED, "folder to make the weights in")
    imgsz: int = option(SERVED_SIZE, "side in pixels")
    version: str = option("", "of the weights (today's next)")
    note: str = option("", "added to manifest and card")


def export(
    run: Path, staged: Path, size: int = SERVED_SIZE, version: str = "", note: str = ""
) -> None:
    """Stage the best checkpoint of a training run, not calibrated and not measured yet.

    Args:
        run: Folder of the run.
        staged: Folder for the network, its manifest and its card.
        size: Side of the frames in pixels.
        version: Of the weights, today's next where it is empty.
        note: Added to manifest and card.

    Raises:
        DataError: The run has no checkpoint, or nothing may be staged there.
    """
    checkpoint = run / "weights" / "best.pt"
    if not checkpoint.is_file():
        raise DataError(f"There is no checkpoint {checkpoint}. Train with --out {run}.")
    new_stage(staged)
    write_network(checkpoint, staged, size)
    version = version or next_version(DEFAULT_WEIGHTS)
    write_manifest(staged, _manifest(run, classes_of(checkpoint), size, version, note))
    write_card(staged)


def write_network(checkpoint: Path, weights: Path, size: int) -> None:
    """Write network.xml and .bin (f16 weights) for frames of up to `size` pixels a side."""
    made = YOLO(checkpoint).export(
        format="openvino", imgsz=size, quantize=16, dynamic=True, device="cpu"
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
        },
        "phases": [
            phase(
                "train",
                "python -m training detector",
                {name: arguments[name] for name in _RECORDED_ARGUMENTS},
                _duration(len(epochs), round(float(epochs[-1]["time"]) / 60, 1)),
            ),
            phase("export", "python -m training export detector", {"imgsz": size}),
        ],
        "metrics": {},
    }


def _duration(epochs: int, minutes: float) -> str:
    return f"{epochs} epochs begun in {minutes} minutes."


def run(options: Options) -> None:
    """Export, and print where to."""
    export(options.run, options.staged, options.imgsz, options.version, options.note)
    print(f"Staged in {options.staged}. Next: python -m training quantize detector")
