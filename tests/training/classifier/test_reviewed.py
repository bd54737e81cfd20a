"""What `flask export-reviewed` writes is trained on: alone by the detector, beside the image sets
by the classifier."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from flask import Flask
from flask.testing import FlaskClient
from ultralytics import YOLO

from core.taxonomy import DETECTOR_CODES, YOLO_CODES
from tests.services.learning.test_export_reviewed import export, make_case, sign
from training.__main__ import main
from training.classifier import data
from training.classifier.augmentation import Augmentation
from training.classifier.data import Places, make_pool, reviewed_sources, training_batch
from training.data import FOLDS, fold_of, read_reviewed
from training.synthesis.composites import make_composites


@pytest.fixture
def exported(app: Flask, signed_in: FlaskClient, tmp_path: Path) -> Path:
    """Write an export of two patients: one to train on, one to validate on."""
    with app.app_context():
        for pseudonym in ("Alder-1", "Birch-2"):
            sign(app, make_case(signed_in, pseudonym, n1="monocyte"))
        export(app, tmp_path / "out")
    return tmp_path / "out"


@pytest.mark.filterwarnings(
    "ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::torch.jit.TracerWarning"
)
def test_the_detector_trains_on_an_export(exported: Path, drawn_sets: Path, tmp_path: Path):
    for split in ("train", "val"):
        make_composites(drawn_sets, tmp_path / "composites", tmp_path / "cache", split, 2, 1, 1)
    start = tmp_path / "start.pt"
    YOLO("yolov8n.yaml").save(start)
    places = {
        "--data": exported,
        "--composites": tmp_path / "composites",
        "--init": start,
        "--out": tmp_path / "run",
        "--staged": tmp_path / "weights",
    }
    named = [str(word) for pair in places.items() for word in pair]
    assert main(["detector", "--epochs", "1", "--imgsz", "64", "--batch", "4", *named]) == 0

    assert (tmp_path / "weights" / "manifest.json").is_file()
    (label,) = (tmp_path / "run" / "dataset" / "labels" / "val").glob("txl-*.txt")
    numbers = {int(line.split()[0]) for line in label.read_text().splitlines()}
    assert {YOLO_CODES[number] for number in numbers} == set(DETECTOR_CODES)


def test_the_classifier_draws_reviewed_cells(exported: Path, drawn_sets, tmp_path, monkeypatch):
    monkeypatch.setattr(data, "_FOLD_COMPOSITES", 4)
    sets = tmp_path / "sets"
    shutil.copytree(drawn_sets, sets)
    shutil.copytree(exported, sets, dirs_exist_ok=True)
    places = Places(sets, tmp_path / "composites", tmp_path / "cutouts", tmp_path / "folds")
    make_composites(sets, places.composites, places.cutouts, "train", 4, 1, 1)
    known = fold_of(read_reviewed(sets)[0].subject)
    held_out = next(one for one in FOLDS if one != known)
    pool = make_pool(places, held_out)
    drawn = {cell.path for side in pool.crops for group in side for cell in group.cells}
    reviewed = {one.path for one in reviewed_sources(sets) if fold_of(one.subject) != held_out}

    assert reviewed
    assert drawn & {one.path for one in reviewed_sources(sets)} == reviewed
    still = Augmentation(rotate=0, flip=0, shear=0, zoom=0, restain=0, vary=0, grey=0, compress=0)
    images, _ = training_batch(pool, 8, 32, np.random.default_rng(1), still)
    assert images.shape == (8, 32, 32, 3)


def test_kinds_of_reviewed_cells(exported: Path):
    kinds = {(one.kind, one.blast) for one in reviewed_sources(exported)}
    assert kinds == {("all", 1), ("monocyte", 0)}


def test_without_an_export_there_are_none(drawn_sets: Path):
    assert read_reviewed(drawn_sets) == []
