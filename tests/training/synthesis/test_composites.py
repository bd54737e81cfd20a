import csv
import shutil

import pytest

from core.taxonomy import WHITE_CELLS, YOLO_CODES
from training.commands import parse
from training.data import DataError, subject_split
from training.synthesis.composites import Options, make_composites, run
from training.synthesis.compositing import SIDE
from training.synthesis.elements import ALL_ELEMENTS

COUNT = 24


@pytest.fixture(scope="module")
def made(drawn_sets, tmp_path_factory):
    """Composites of train and test from drawn sets, and the cache of cut-outs."""
    out, cache = tmp_path_factory.mktemp("out"), tmp_path_factory.mktemp("cache")
    for split in ("train", "test"):
        make_composites(drawn_sets, out, cache, split, COUNT, seed=1, workers=1)
    return out, cache


def _rows(folder):
    with (folder / "cells.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_every_image_has_labels_inside_it(made):
    folder = made[0] / "train"
    assert len(list((folder / "images").glob("*.jpg"))) == COUNT
    for labels in (folder / "labels").glob("*.txt"):
        for line in labels.read_text().splitlines():
            kind, x, y, w, h = map(float, line.split())
            assert kind in range(4)
            assert x - w / 2 + 1e-4 >= 0
            assert x + w / 2 <= 1 + 1e-4
            assert y - h / 2 + 1e-4 >= 0
            assert y + h / 2 <= 1 + 1e-4


def test_cells_csv_lists_every_white_cell_of_the_labels(made):
    folder = made[0] / "train"
    white = sum(
        YOLO_CODES[int(line.split()[0])] in WHITE_CELLS
        for labels in (folder / "labels").glob("*.txt")
        for line in labels.read_text().splitlines()
    )
    rows = _rows(folder)
    assert len(rows) == white > COUNT
    assert {row["label"] for row in rows} == {"blast", "wbc"}
    assert all(0 <= float(row["x1"]) < float(row["x2"]) <= SIDE for row in rows)
    assert all((row["label"] == "blast") == (row["kind"] == "all") for row in rows)


def test_test_composites_hold_test_subjects_only(made):
    subjects = {row["subject"] for row in _rows(made[0] / "test")} - {""}
    assert {subject_split(subject) for subject in subjects} == {"test"}


def test_train_composites_never_mix_train_and_val_subjects_in_one_image(made):
    splits = {}
    for row in _rows(made[0] / "train"):
        if row["subject"]:
            splits.setdefault(row["image"], set()).add(subject_split(row["subject"]))
    assert all(len(found) == 1 for found in splits.values())
    assert {"train", "val"} >= set.union(*splits.values())


def test_there_are_images_without_blasts(made):
    rows = _rows(made[0] / "train")
    with_blasts = {row["image"] for row in rows if row["label"] == "blast"}
    assert 0 < len(with_blasts) < COUNT


def test_a_lost_image_is_made_again_as_it_was(made, drawn_sets, tmp_path):
    out, cache = made
    copy = shutil.copytree(out, tmp_path / "copy")
    image = copy / "test" / "images" / "000003.jpg"
    before = image.read_bytes()
    image.unlink()
    (copy / "test" / "cells" / "000003.csv").unlink()
    kept = (copy / "test" / "images" / "000004.jpg").stat().st_mtime_ns
    make_composites(drawn_sets, copy, cache, "test", COUNT, seed=1, workers=1)
    assert image.read_bytes() == before
    assert (copy / "test" / "images" / "000004.jpg").stat().st_mtime_ns == kept
    assert _rows(copy / "test") == _rows(out / "test")


def test_other_elements_are_not_mixed_in(made, drawn_sets):
    out, cache = made
    plain = ALL_ELEMENTS.without(["rim", "crowds"])
    with pytest.raises(DataError, match="another recipe"):
        make_composites(drawn_sets, out, cache, "test", COUNT, 1, 1, plain)


def test_elements_are_left_out_by_name_on_the_command_line(made, drawn_sets, tmp_path, capsys):
    words = ["--split", "test", "--count", "2", "--workers", "1", "--without", "rim,clusters"]
    places = ["--data", drawn_sets, "--cutouts", made[1], "--out", tmp_path]
    run(parse(Options, [*words, *map(str, places)]))
    assert "2 composites in" in capsys.readouterr().out
    recipe = (tmp_path / "test" / "recipe.json").read_text()
    assert '"rim"' not in recipe
    assert '"smudges"' in recipe
