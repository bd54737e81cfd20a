from __future__ import annotations

import pytest

from tests.networks import active, write_detector
from training.data import DataError
from training.manifest import amend
from training.staging import check_staged, new_stage


def test_a_new_stage_is_empty(tmp_path):
    folder = write_detector(tmp_path / "staged")
    new_stage(folder)
    assert list(folder.iterdir()) == []
    new_stage(tmp_path / "made" / "anew")
    assert (tmp_path / "made" / "anew").is_dir()


def test_what_holds_no_weights_is_not_emptied(tmp_path):
    (tmp_path / "precious.txt").touch()
    with pytest.raises(DataError, match="holds no weights"):
        new_stage(tmp_path)
    assert (tmp_path / "precious.txt").exists()


def test_published_weights_are_neither_emptied_nor_changed(tmp_path):
    folder = write_detector(active(tmp_path / "detector"))
    before = {path: path.read_bytes() for path in folder.iterdir()}
    for change in (new_stage, check_staged, lambda place: amend(place, metrics={})):
        with pytest.raises(DataError, match="published weights stay as they are"):
            change(folder)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
