from __future__ import annotations

import json
import subprocess
import sys

import pytest
from PIL import Image, ImageFilter

from imaging.decoding.formats import NAMES
from imaging.images import encode_png
from models.__main__ import REASONS, main
from models.findings import QualityIssue
from tests.networks import write_weights
from tests.stand_ins import drawn_cell, drawn_field


@pytest.fixture
def weights(tmp_path):
    return str(write_weights(tmp_path / "weights"))


@pytest.fixture
def cell(tmp_path):
    path = tmp_path / "cell.png"
    path.write_bytes(encode_png(drawn_cell()))
    return str(path)


@pytest.fixture
def field(tmp_path):
    path = tmp_path / "field.png"
    path.write_bytes(encode_png(drawn_field(640, 320)))
    return str(path)


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("no image")
    return str(path)


def lines(capsys) -> list[dict]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_classify_prints_one_object_a_file(capsys, weights, cell):
    assert main(["classify", "--weights", weights, cell, cell]) == 0
    first, second = lines(capsys)
    assert first == second
    assert first["file"] == cell
    assert list(first) == [
        *("file", "label", "probability", "usable", "reason", "model", "code", "can_insist"),
        *("insisted", "view", "window", "familiar", "cells"),
        *("kind", "kind_probability", "morphology", "quality", "reading"),
    ]
    assert first["window"] == pytest.approx([-1.9, -1.9, 121.9, 121.9], abs=1)
    assert (first["view"], first["cells"], first["code"]) == ("crop", 1, None)
    assert first["label"] == "uncertain"
    assert 0.6 <= first["probability"] < 0.7


def test_an_image_without_a_cell_is_an_answer_not_an_error(capsys, weights, tmp_path):
    blank = tmp_path / "blank.png"
    blank.write_bytes(encode_png(drawn_cell() * 0 + 255))
    assert main(["classify", "--weights", weights, str(blank)]) == 0
    (line,) = lines(capsys)
    assert (line["label"], line["probability"], line["usable"]) == (None, None, False)
    assert "blank" in line["reason"]


@pytest.mark.parametrize("flag", ["--override-quality-check", "--insist"])
def test_the_quality_check_can_be_overridden(capsys, weights, tmp_path, flag):
    blurred = tmp_path / "blurred.png"
    with Image.fromarray(drawn_cell()) as image:
        image.filter(ImageFilter.GaussianBlur(10)).save(blurred)
    assert main(["classify", "--weights", weights, str(blurred)]) == 0
    assert main(["classify", "--weights", weights, flag, str(blurred)]) == 0
    refused, read = lines(capsys)
    assert (refused["code"], refused["label"], refused["insisted"]) == ("blurred", None, False)
    assert (read["code"], read["label"], read["insisted"]) == ("blurred", "uncertain", True)


def test_every_quality_issue_has_a_sentence_of_the_command():
    assert set(REASONS) == set(QualityIssue)


def test_detect_prints_boxes_in_pixels_of_the_file(capsys, weights, field):
    assert main(["detect", "--weights", weights, field]) == 0
    (line,) = lines(capsys)
    assert list(line)[:4] == ["file", "width", "height", "detections"]
    assert line["counts"] == {"blast": 1, "wbc": 0, "smudge": 0, "rbc": 0, "platelet": 0}
    assert (line["reading"]["bits"], line["reading"]["notes"]) == (8, [])
    (detection,) = line["detections"]
    assert (detection["label"], line["named_by"]) == ("blast", "classifier")
    assert detection["probability"] == detection["second"] >= line["thresholds"]["blast"]
    assert detection["box"] == pytest.approx([100, 0, 540, 320], abs=1)
    assert detection["second_label"] == "all_blast"
    assert (line["doubtful"], line["scale"], line["red_cell"]) == ([], 1.0, None)
    assert line["second_model"] == "test-1"


@pytest.mark.parametrize("flag", ["--no-classifier-opinion", "--no-second-reader"])
def test_the_classifiers_opinion_can_be_left_out(capsys, weights, field, flag):
    assert main(["detect", "--weights", weights, flag, field]) == 0
    (line,) = lines(capsys)
    assert (line["second_model"], line["detections"][0]["second"]) == (None, None)


def test_min_confidence_moves_the_floor(capsys, weights, field):
    assert main(["detect", "--weights", weights, "--min-confidence", "0.995", field]) == 0
    assert lines(capsys)[0]["detections"] == []


@pytest.mark.parametrize("value", ["1.5", "-1", "high"])
def test_min_confidence_is_checked(capsys, weights, field, value):
    with pytest.raises(SystemExit):
        main(["detect", "--weights", weights, "--min-confidence", value, field])
    assert "--min-confidence" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["classify", "detect"])
def test_unreadable_files_are_told_and_the_others_go_on(capsys, weights, cell, text, command):
    assert main([command, "--weights", weights, text, "missing.png", cell]) == 1
    refused, missing, read = lines(capsys)
    assert refused == {
        "file": text,
        "error": f"This is not an image that can be read. Use {NAMES}.",
    }
    assert missing == {"file": "missing.png", "error": "No such file or directory"}
    assert read["model"] == "test-1"


def test_missing_weights_are_a_sentence(capsys, tmp_path, cell):
    assert main(["classify", "--weights", str(tmp_path), cell]) == 2
    captured = capsys.readouterr()
    assert "active is missing" in captured.err
    assert captured.out == ""


def test_it_runs_as_a_module(weights, cell):
    command = [sys.executable, "-m", "models", "classify", "--weights", weights, cell]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["file"] == cell
