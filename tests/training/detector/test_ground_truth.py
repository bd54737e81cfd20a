"""True cells of fields."""

import numpy as np
import pytest
from PIL import Image

from training.detector import ground_truth
from training.detector.ground_truth import (
    TrueCell,
    composite_ground_truth,
    for_calibration,
    for_evaluation,
    txl_ground_truth,
)


def test_txl_truths_are_in_pixels(drawn_sets):
    _, cells = txl_ground_truth(drawn_sets, "test")[0]
    assert cells[0].label == "wbc"
    assert cells[0].box == pytest.approx((68, 68, 132, 132))


def test_composites_without_white_cells_are_fields_too(tmp_path):
    (tmp_path / "images").mkdir()
    for name in ("000000.jpg", "000001.jpg"):
        Image.new("RGB", (64, 64)).save(tmp_path / "images" / name)
    (tmp_path / "cells.csv").write_text(
        "image,x1,y1,x2,y2,label,kind,subject,source_file,clustered\n"
        "000001.jpg,1,2,3,4,blast,all,33,a.webp,1\n"
    )
    (_, none), (_, one) = composite_ground_truth(tmp_path)
    assert none == []
    assert one == [TrueCell("blast", (1, 2, 3, 4), "all", True)]


def test_no_composite_is_both_calibrated_and_measured_on(tmp_path, monkeypatch):
    monkeypatch.setattr(ground_truth, "EVALUATION_COUNT", 2)
    (tmp_path / "images").mkdir()
    for number in range(5):
        Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(tmp_path / "images" / f"{number}.jpg")
    (tmp_path / "cells.csv").write_text(
        "image,x1,y1,x2,y2,label,kind,subject,source_file,clustered"
    )
    measured, fitted = (
        [path for path, _ in part(tmp_path)] for part in (for_evaluation, for_calibration)
    )
    assert len(measured) == 2
    assert len(fitted) == 3
    assert not set(measured) & set(fitted)
