"""Write the detector for serving: OpenVINO network (f16 weights), manifest and model card."""

import csv
import shutil
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

import yaml
from ultralytics import YOLO

from training.commands import option
from training.data import PROJECT, DataError
from training.manifest import DATA_SETS, subject_split, todays_version, write_manifest

DEFAULT_WEIGHTS = PROJECT / "weights" / "detector"
SERVED_SIZE = 960
THRESHOLDS = {"confidence": 0.25, "iou": 0.5}

_CARD = Path(__file__).with_name("card.md")
_RECORDED_ARGUMENTS = (
    *("imgsz", "batch", "optimizer", "lr0", "momentum", "weight_decay", "time", "epochs"),
    *("degrees", "scale", "translate", "fliplr", "flipud", "hsv_h", "hsv_s", "hsv_v", "mosaic"),
)


@dataclass(frozen=True)
class Options:
    """Options of `python -m training export detector`."""

    run: Path = option(PROJECT / "runs" / "detector", "folder of the training run")
    weights_out: Path = option(DEFAULT_WEIGHTS, "folder of the network for serving")
    imgsz: int = option(SERVED_SIZE, "side in pixels")
    version: str = option("", "today's date and -1 unless given")
    note: str = option("", "added to manifest and card")


def export(
    run: Path, weights: Path, size: int = SERVED_SIZE, version: str = "", note: str = ""
) -> None:
    """Write the best checkpoint of a training run for serving.

    Args:
        run: Folder of the run.
        weights: Folder of the network, its manifest and its card.
        size: Side of the frames in pixels.
        version: Of the weights, today's first where it is empty.
        note: Added to manifest and card.

    Raises:
        DataError: The run has no checkpoint.
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
            "seed": arguments["seed"],
            "epochs": len(epochs),
            "minutes": round(float(epochs[-1]["time"]) / 60, 1),
            "arguments": {name: arguments[name] for name in _RECORDED_ARGUMENTS},
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


def run(options: Options) -> None:
    """Export, and print where to."""
    export(options.run, options.weights_out, options.imgsz, options.version, options.note)
    print(f"Wrote {options.weights_out}. Next: python -m training calibrate detector")
