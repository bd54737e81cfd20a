import json

import numpy as np
import pytest

from models.findings import Classification, QualityIssue
from tests.stand_ins import drawn_cell, stand_in_models
from training.__main__ import main
from training.quality_control import evaluation
from training.quality_control.evaluation import (
    SetResult,
    classify_set,
    format_results,
    is_as_expected,
    shares,
    to_dict,
)
from training.quality_control.images import BLURRED, CELL, CUT_OFF, NO_CELL, SEVERAL, ImageSet

BLANK = np.full((90, 90, 3), 200, np.uint8)
TWO_CELLS = np.tile(drawn_cell(), (1, 2, 1))


def classification(code: str | None, in_distribution: bool | None = None) -> Classification:
    issue = None if code is None else QualityIssue(code)
    return Classification(
        "normal", 0.1, code is None, "m", code=issue, in_distribution=in_distribution
    )


CELLS = SetResult(
    "Cells",
    CELL,
    (
        classification(None, True),
        classification(None, False),
        classification(None),
        classification("blurred"),
    ),
)
OTHERS = SetResult(
    "Others",
    NO_CELL,
    (
        classification("no_cell"),
        classification("no_cell"),
        classification("blank"),
        classification(None),
    ),
)


def images(title: str, expected: str, *pixels: np.ndarray) -> ImageSet:
    return ImageSet(title, expected, lambda: iter(pixels))


def test_every_image_of_a_set_is_classified():
    result = classify_set(stand_in_models(), images("A", CELL, drawn_cell(), drawn_cell(), BLANK))
    assert (result.title, result.expected) == ("A", CELL)
    assert result.codes == {"cell": 2, "blank": 1}


@pytest.mark.parametrize(
    ("expected", "code", "right"),
    [
        (CELL, None, True),
        (CELL, "cut_off", False),
        (NO_CELL, "several_cells", True),
        (NO_CELL, None, False),
        (SEVERAL, "several_cells", True),
        (SEVERAL, "no_cell", False),
        (BLURRED, "no_cell", True),
        (CUT_OFF, "cut_off", True),
        (CUT_OFF, None, False),
    ],
)
def test_what_is_as_wanted(expected, code, right):
    assert is_as_expected(classification(code), expected) is right


def test_shares_of_sets_and_of_all_sets_of_a_kind():
    estimates = shares([CELLS, SetResult("More", CELL, CELLS.classifications[:2]), OTHERS], 50)
    assert estimates["Cells"].value == 3 / 4
    assert estimates["More"].value == 1
    assert estimates["All, one cell: accepted"].value == 5 / 6
    assert estimates["All, no cell: refused"].value == 3 / 4
    assert estimates["Cells"].low <= 3 / 4 <= estimates["Cells"].high


def test_the_share_in_the_distribution_counts_those_for_which_it_is_known():
    assert CELLS.in_distribution == 1 / 2
    assert np.isnan(OTHERS.in_distribution)


def test_the_text_has_each_code_and_whether_the_targets_are_met():
    text = format_results([CELLS, OTHERS], shares([CELLS, OTHERS], 5))
    assert "| Cells | 4 | 0.750 |" in text
    assert "cell 3, blurred 1 | 0.500 |" in text
    assert "One cell: accepted: 0.750, target 0.95, not met." in text
    assert "several" not in text


def test_json_has_all_of_it_and_no_nan():
    plain = to_dict([CELLS, OTHERS], shares([CELLS, OTHERS], 5))
    assert plain["sets"]["Others"] == {
        "expected": NO_CELL,
        "codes": {"no_cell": 2, "blank": 1, "cell": 1},
        "in_distribution": None,
    }
    assert "NaN" not in json.dumps(plain)


def test_the_command_prints_writes_and_records(tmp_path, monkeypatch, capsys):
    sets = [
        images("Cells", CELL, drawn_cell()),
        images("Empty", SEVERAL),
        images("Two", SEVERAL, TWO_CELLS),
    ]
    monkeypatch.setattr(evaluation, "PROJECT", tmp_path)
    monkeypatch.setattr(evaluation, "load_models", lambda weights: stand_in_models())
    monkeypatch.setattr(evaluation, "held_out_composites", lambda folders: tmp_path)
    monkeypatch.setattr(evaluation, "image_sets", lambda *places: sets)
    (tmp_path / "docs").mkdir()
    out = tmp_path / "runs" / "quality-control.json"
    options = ["--out", str(out), "--samples", "5", "--record", "--only", "cells"]
    assert main(["evaluate", "quality-control", *options]) == 0
    printed = capsys.readouterr().out
    assert "detector stand-in-1, classifier stand-in-1" in printed
    assert "| Two | 1 | 1.000 |" in printed
    assert "Empty" not in printed
    assert json.loads(out.read_text())["cells"]["estimates"]["Cells"]["value"] == 1
    assert printed.strip() in (tmp_path / "docs" / "validation.md").read_text()
