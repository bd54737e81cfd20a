import json

import pytest
import yaml

from core.taxonomy import YOLO_CODES
from training.data import DataError
from training.detector.data import large_enough, prepare
from training.synthesis.composites import make_composites


@pytest.fixture
def composites(drawn_sets, tmp_path):
    for split in ("train", "val"):
        make_composites(drawn_sets, tmp_path / "c", tmp_path / "cache", split, 2, 1, 1)
    return tmp_path / "c"


def test_composites_and_txl_fields_stand_side_by_side(drawn_sets, composites, tmp_path):
    recipe = yaml.safe_load(prepare(drawn_sets, composites, tmp_path / "set").read_text())
    assert recipe["names"] == dict(enumerate(YOLO_CODES))
    trained = sorted(path.name for path in (tmp_path / "set" / "images" / "train").iterdir())
    assert len(trained) == 2 + 2 * 8
    assert not any("test" in name or "val-" in name for name in trained)


def test_txl_fields_keep_their_numbers(drawn_sets, composites, tmp_path):
    prepare(drawn_sets, composites, tmp_path / "set")
    lines = (tmp_path / "set" / "labels" / "val" / "txl-0-val-0.txt").read_text().splitlines()
    assert lines[0].startswith("0 0.50000 0.50000"), "the white cell"
    assert {line[0] for line in lines[1:]} == {"1"}


def test_preparing_again_leaves_nothing_old(drawn_sets, composites, tmp_path):
    prepare(drawn_sets, composites, tmp_path / "set")
    old = tmp_path / "set" / "labels" / "train" / "old.txt"
    old.write_text("")
    prepare(drawn_sets, composites, tmp_path / "set")
    assert not old.exists()


def test_red_cells_too_small_to_report_are_not_labelled():
    white, platelet = "0 0.5 0.5 0.05 0.05", "2 0.1 0.1 0.01 0.01"
    small, large = "1 0.2 0.2 0.03 0.03", "1 0.2 0.2 0.06 0.06"
    assert large_enough([white, small, platelet]) == [white]
    assert large_enough([white, large, platelet]) == [white, large, platelet]


def test_composites_of_another_numbering_are_not_mixed_in(drawn_sets, composites, tmp_path):
    path = composites / "train" / "recipe.json"
    recipe = json.loads(path.read_text())
    for former in ({**recipe, "classes": ["blast", "wbc", "rbc", "platelet"]}, {"version": 2}):
        path.write_text(json.dumps(former))
        with pytest.raises(DataError, match="number the classes in another order"):
            prepare(drawn_sets, composites, tmp_path / "set")


def test_missing_composites_are_named_with_their_command(drawn_sets, tmp_path):
    with pytest.raises(DataError, match="python -m training composites --split train"):
        prepare(drawn_sets, tmp_path, tmp_path / "set")
