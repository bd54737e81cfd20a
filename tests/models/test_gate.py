from __future__ import annotations

import csv

import numpy as np
import pytest
from PIL import Image

from models.gate import nucleus_share, reason_not_usable
from tests.stand_ins import PLASMA, RED_CELL, drawn_cell


def test_a_drawn_cell_is_usable():
    assert reason_not_usable(drawn_cell()) is None


def test_a_cell_cut_out_on_black_is_usable():
    cell = drawn_cell(200)
    cell = np.where((cell == PLASMA).all(axis=2)[..., None], 0, cell).astype(np.uint8)
    assert reason_not_usable(cell) is None


@pytest.mark.parametrize(
    ("rgb", "reason"),
    [
        (np.full((20, 90, 3), 99, np.uint8), "only 90 × 20"),
        (np.full((90, 90, 3), 200, np.uint8), "blank"),
        (np.random.default_rng(0).integers(246, 256, (90, 90, 3), np.uint8), "blank"),
        (drawn_cell() // 10, "dark"),
        (np.repeat(drawn_cell().mean(axis=2, keepdims=True), 3, axis=2).astype(np.uint8), "colour"),
        (drawn_cell(chromatin=RED_CELL), "nucleus"),
        (np.random.default_rng(0).integers(0, 256, (90, 90, 3), np.uint8), "nucleus"),
    ],
)
def test_other_images_are_refused_with_the_reason(rgb, reason):
    assert reason in reason_not_usable(rgb)


def test_over_exposure_is_named():
    rgb = np.full((128, 128, 3), 255, np.uint8)
    rgb[:64, :, 1] = 230
    assert "over-exposed" in reason_not_usable(rgb)


def test_nucleus_share_is_the_area_of_the_nucleus():
    # a disc of radius 0.27 of the side, a little smaller by the opening
    assert nucleus_share(drawn_cell(128)) == pytest.approx(np.pi * 0.27**2, rel=0.05)


@pytest.mark.parametrize("folder", ["cnmc", "pbc"])
def test_real_cells_are_usable(shared_data, folder):
    with (shared_data / folder / "manifest.csv").open() as stream:
        files = [row["file"] for row in csv.DictReader(stream)][::60]
    refused = [file for file in files if not usable(shared_data / folder / "images" / file)]
    assert len(refused) <= len(files) // 20


def test_fields_without_white_cells_are_refused(shared_data):
    files = sorted((shared_data / "chula_rbc12" / "images").glob("*.webp"))[::10]
    accepted = [file for file in files if usable(file)]
    assert len(accepted) <= len(files) // 20


def usable(file) -> bool:
    with Image.open(file) as image:
        return reason_not_usable(np.asarray(image.convert("RGB"))) is None
