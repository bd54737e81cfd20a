from __future__ import annotations

import shutil

import pytest

from tests.training.adaptation.conftest import write_field
from training.adaptation.images import FolderImages
from training.data import DataError


def test_a_folder_is_a_patient_and_a_loose_image_stands_for_itself(tmp_path):
    images = FolderImages(tmp_path)
    assert images.group(tmp_path / "images" / "p1" / "day 2" / "a.png") == "patient:p1"
    assert images.group(tmp_path / "images" / "a.png") == "field:a.png"


def test_what_cannot_be_read_is_noted_and_what_was_read_is_refused(tmp_path):
    write_field(tmp_path, "a.png", 1)
    path = tmp_path / "images" / "a.png"
    (tmp_path / "damaged.png").write_bytes(b"no image")
    images = FolderImages(tmp_path)
    assert images.pixels(tmp_path / "damaged.png") is None
    assert list(images.left_out) == [tmp_path / "damaged.png"]
    assert images.pixels(path) is not None
    assert list(images.seen.values()) == [path]
    shutil.copy(path, tmp_path / "again.png")
    with pytest.raises(DataError, match="are the same image"):
        images.pixels(tmp_path / "again.png")
