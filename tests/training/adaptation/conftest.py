"""A laboratory's folder in miniature, the open cells beside it, and a published network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import cv2
import numpy as np
import pytest
import torch

from models.classifier.cell_views import View
from models.detector.detector import Detector
from models.findings import Detection, FieldFindings
from models.versions import ACTIVE
from tests.networks import CLASSIFIER, active, write_detector
from tests.training.drawn import draw_cell_on_black, draw_field
from training.adaptation.laboratory import OwnCell, answers_of
from training.cells.data import ATTRIBUTES, KINDS, UNKNOWN
from training.cells.folds import CHECK_FOLD
from training.cells.network import CellNetwork
from training.cells.pack import CONTEXT_SIZE, SIZE, Pack
from training.cells.served import Whitening, write_network
from training.detector.evaluation import Reading, read_field
from training.detector.ground_truth import TrueCell
from training.images import encode
from training.manifest import write_manifest

BASE = "2026.1.1-1"
_INPUT = {"size": 160, "layout": "NHWC", "range": "0..1", "colour": "RGB"}
_LIMITS = {"temperature": 1.0, "offset": 0.0, "uncertain_low": 0.4, "uncertain_high": 0.6}
_TRAINED = {"phase": "train", "command": "python -m training.cells train", "options": {"steps": 7}}
_COLOURS = {"blast": (90, 20, 60), "lymphocyte": (140, 90, 110), "smudge": (170, 120, 170)}


_OPEN = (
    ("cnmc", 1, "blast"),
    ("cnmc", 0, None),
    ("lmu", 1, "blast"),
    ("pbc", 0, "lymphocyte"),
    ("pbc", 0, "monocyte"),
    ("txl", 0, None),
    ("background", UNKNOWN, None),
)
_ROWS = 4
"""Cells of each of these that are held out, and as many that are not."""


@pytest.fixture(scope="session")
def pack() -> Pack:
    """Open cells in miniature, of two folds; not to be changed."""
    rows = [(*of, number) for of in _OPEN for number in range(2 * _ROWS)]
    sources = np.array([source for source, *_ in rows])
    pictures = [_open_picture(source, kind, number) for source, _, kind, number in rows]
    masks = [_mask(picture, source) for picture, (source, *_) in zip(pictures, rows, strict=True)]
    images, ends = _joined([encode(picture, ".png") for picture in pictures])
    mask_bytes, mask_ends = _joined([encode(mask, ".png") for mask in masks])
    names = np.array([f"{source}{blast}{kind}{number}" for source, blast, kind, number in rows])
    folds = np.array([int(number >= _ROWS) for *_, number in rows], np.int8)
    form = [0 if source == "pbc" else UNKNOWN for source in sources]
    return Pack(
        images=images,
        ends=ends,
        masks=mask_bytes,
        mask_ends=mask_ends,
        source=sources,
        name=names,
        subject=np.where(sources == "cnmc", names, ""),
        group=names,
        fold=np.where(sources == "background", CHECK_FOLD, folds).astype(np.int8),
        blast=np.array([blast for _, blast, *_ in rows], np.int8),
        kind=np.array([KINDS.index(k) if k else UNKNOWN for _, _, k, _ in rows], np.int8),
        attributes=np.repeat(np.array(form, np.int8)[:, None], len(ATTRIBUTES), axis=1),
        area=np.zeros(len(rows), np.int32),
    )


def _open_picture(source: str, kind: str | None, number: int) -> np.ndarray:
    if source == "cnmc":
        return draw_cell_on_black((40 if kind else 30) + number, SIZE)
    if source == "background":
        return draw_field(CONTEXT_SIZE, CONTEXT_SIZE, 50 + number, False)
    return picture("blast" if kind == "blast" else "lymphocyte", 1000 + number)


def _mask(bgr: np.ndarray, source: str) -> np.ndarray:
    mask = np.zeros(bgr.shape[:2], np.uint8)
    side = len(mask)
    if source != "background":
        cv2.circle(mask, (side // 2, side // 2), side // 4, 255, -1)
    return mask


def _joined(pieces: list[bytes]) -> tuple[np.ndarray, np.ndarray]:
    ends = np.cumsum([len(piece) for piece in pieces], dtype=np.int64)
    return np.frombuffer(b"".join(pieces), np.uint8), ends


def write_base(folder: Path) -> Path:
    """A network of the served kind that was never trained."""
    torch.manual_seed(0)
    network = CellNetwork("EfficientNet-Lite0").eval()
    kernel = np.full((network.size, 2), 0.01, np.float32)
    folder.mkdir(parents=True)
    write_network(network, Whitening(kernel, np.zeros(2, np.float32)), folder)
    write_manifest(
        folder,
        {
            **CLASSIFIER,
            "version": folder.name,
            "input": {**_INPUT, "stretched": False},
            "kinds": list(KINDS),
            "attributes": {name: list(values) for name, values in ATTRIBUTES.items()},
            "views": dict.fromkeys(View, _LIMITS),
            "thresholds": {"familiar": 1.5, "smudge": 0.5, "sensitivity": 0.9},
            "training": {"split": {}, "arguments": {"architecture": network.architecture}},
            "phases": [_TRAINED],
        },
    )
    return folder


@pytest.fixture
def weights(tmp_path: Path, base_version: Path) -> Path:
    return write_both(tmp_path, base_version)


def write_both(folder: Path, base_version: Path) -> Path:
    """Write weights of both models; the classifier's version is a link to one that all share."""
    weights = folder / "weights"
    (weights / "classifier").mkdir(parents=True)
    (weights / "classifier" / BASE).symlink_to(base_version)
    (weights / "classifier" / ACTIVE).write_text(f"{BASE}\n")
    write_detector(active(weights / "detector", "1"), 44)
    return weights


@pytest.fixture(scope="session")
def base_version(tmp_path_factory) -> Path:
    return write_base(tmp_path_factory.mktemp("base") / BASE)


@pytest.fixture(scope="session")
def detector(tmp_path_factory) -> Detector:
    return Detector.load(write_detector(tmp_path_factory.mktemp("detector") / "1", 44), "f32")


def picture(label: str, seed: int) -> np.ndarray:
    """Draw one cell that differs from all others, BGR."""
    field = draw_field(CONTEXT_SIZE, CONTEXT_SIZE, 60, True)
    cv2.circle(field, (96, 96), 40, _COLOURS[label], -1)
    noise = np.random.default_rng(seed).normal(0, 4, field.shape)
    return np.clip(field + noise, 0, 255).astype(np.uint8)


def own_cell(label: str, group: str, view: View = View.CONTEXT, seed: int = 0) -> OwnCell:
    png = encode(picture(label, seed), ".png")
    return OwnCell(png, view, group, *answers_of(label), f"{label}{seed}.png")


@pytest.fixture(scope="session")
def own_cells() -> tuple[OwnCell, ...]:
    """Six patients with two blasts, two lymphocytes and a smudge each."""
    labels = ("blast", "blast", "lymphocyte", "lymphocyte", "smudge")
    return tuple(
        own_cell(label, f"patient:{patient}", seed=10 * patient + number)
        for patient in range(6)
        for number, label in enumerate(labels)
    )


@pytest.fixture(scope="session")
def archive(tmp_path_factory) -> Path:
    """Six patients' fields with two blasts and two other cells each."""
    folder = tmp_path_factory.mktemp("archive")
    for number in range(6):
        write_field(folder, f"p{number}/field.png", number)
    return folder


def write_field(folder: Path, name: str, seed: int) -> None:
    image, labels = folder / "images" / name, folder / "labels" / Path(name).with_suffix(".txt")
    rows = [
        [picture(label, 100 * seed + number) for number, label in enumerate(pair)]
        for pair in (("blast", "lymphocyte"), ("lymphocyte", "blast"))
    ]
    for path in (image, labels):
        path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(image), np.vstack([np.hstack(row) for row in rows]))
    codes = zip((0, 1, 1, 0), ((0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75)), strict=True)
    labels.write_text("\n".join(f"{code} {x} {y} 0.25 0.25" for code, (x, y) in codes))


def reading_of(truth: Sequence[TrueCell], found: Sequence[TrueCell]) -> Reading:
    """Read a field of 100 px in which a detector finds these cells, likeliest first."""

    class Telling:
        """Stands in for a detector."""

        def raw_predictions(self, rgb: np.ndarray, floor: float) -> None:
            """Nothing is predicted."""

        def findings(self, raw: None, min_confidence: float | None = None) -> FieldFindings:
            """Tell what was to be found."""
            cells = tuple(
                Detection(cell.box, cell.label, 0.9 - 0.01 * rank, 0.0, 0.9)
                for rank, cell in enumerate(found)
            )
            return FieldFindings(100, 100, cells, "telling")

    return read_field(cast(Detector, Telling()), np.zeros((100, 100, 3), np.uint8), list(truth))
