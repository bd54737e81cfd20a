"""Thumbnails of white cells: from the kept sheet, beyond it, and of drawn cells."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from imaging.images import ImageLimits, RgbImage, encode_png
from models.findings import Detection
from records.analyses.analyses import AnalysisKind
from records.storage.image_keys import ImageKeys, make_key_file
from records.storage.image_store import DiskStore
from records.storage.sealing import MARK
from services.analyses import pictures, thumbnails
from services.analyses.analysis import GALLERY_CELLS, Analyst
from services.analyses.findings import field_findings, most_suspicious_first
from services.analyses.thumbnails import COLUMNS, EACH, ROWS, SIDE, Thumbnails
from tests.services.analyses.fields import kept_field

CELL = 10
ACROSS = 20


def colour(index: int) -> tuple[int, int, int]:
    """One that survives JPEG, different for cells beside each other."""
    return 60 + 40 * (index % 5), 60 + 30 * (index // 5 % 6), 60 + 60 * (index // 30 % 3)


def field_of(count: int) -> tuple[RgbImage, tuple[Detection, ...]]:
    """A field of squares in colours of their own, a white cell each, most suspicious first."""
    rgb = np.zeros((400, 400, 3), np.uint8)
    cells = []
    for index in range(count):
        row, column = divmod(index, ACROSS)
        x, y = 20.0 * column, 20.0 * row
        rgb[int(y) : int(y) + 20, int(x) : int(x) + 20] = colour(index)
        box = (x + 5, y + 5, x + 5 + CELL, y + 5 + CELL)
        cells.append(Detection(box, "wbc", 0.9, 0.9 - index / 1000, 0.95))
    return rgb, tuple(cells)


class Clinic:
    """A field with its kept sheet, and the thumbnails of it."""

    def __init__(self, folder: Path, count: int, keys: ImageKeys | None = None) -> None:
        rgb, cells = field_of(count)
        self.store = DiskStore(folder / "images")
        self.field = kept_field(cells)
        self.field.id = "f" * 32
        self.field.image_name = self.store.put(encode_png(rgb))
        boxes = [one.found.box for one in most_suspicious_first(field_findings(self.field))]
        sheet = pictures.cell_sheet(rgb, boxes[:GALLERY_CELLS])
        self.field.cells_name = self.store.put(encode_png(sheet))
        self.root = folder / "thumbnails"
        self.thumbnails = Thumbnails(
            self.root, Analyst(None, self.store, ImageLimits()), keys or ImageKeys()
        )

    def colours(self, number: int) -> list[tuple[int, ...]]:
        """The colour in the middle of each place of a small sheet."""
        image = opened(self.thumbnails.sheet(self.field, number))
        assert image.size == (COLUMNS * SIDE, ROWS * SIDE)
        places = [divmod(place, COLUMNS) for place in range(EACH)]
        return [image.getpixel((c * SIDE + SIDE // 2, r * SIDE + SIDE // 2)) for r, c in places]


def opened(content: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(content))
    assert image.format == "JPEG"
    return image


def near(seen: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    return all(abs(one - other) <= 4 for one, other in zip(seen, wanted, strict=True))


def test_every_cell_is_in_its_place_on_the_kept_sheet_and_beyond(tmp_path: Path):
    count = GALLERY_CELLS + EACH + 2
    clinic = Clinic(tmp_path, count)
    for number in (0, 9, 10, 11):
        seen = clinic.colours(number)
        for place in range(EACH):
            index = number * EACH + place
            assert near(seen[place], colour(index) if index < count else (0, 0, 0)), index


@pytest.mark.parametrize("number", [1, 400])
def test_there_are_no_more_sheets_than_cells(tmp_path: Path, number: int):
    clinic = Clinic(tmp_path, EACH)
    with pytest.raises(LookupError):
        clinic.thumbnails.sheet(clinic.field, number)
    assert not clinic.root.exists()


def test_they_are_made_once_and_all_of_a_source_together(tmp_path: Path):
    clinic = Clinic(tmp_path, EACH + 1)
    first = clinic.thumbnails.sheet(clinic.field, 0)
    clinic.store.delete(clinic.field.cells_name)

    assert clinic.thumbnails.sheet(clinic.field, 0) == first
    assert clinic.thumbnails.sheet(clinic.field, 1)
    assert [file.suffix for file in clinic.root.rglob("*.*")] == [".jpg", ".jpg"]


def test_a_drawn_cell_is_cut_from_the_field_once(tmp_path: Path, monkeypatch):
    clinic = Clinic(tmp_path, 3)
    box = (25.0, 5.0, 35.0, 15.0)
    image = opened(clinic.thumbnails.drawn(clinic.field, "0a0b0c0d", box))

    assert image.size == (SIDE, SIDE)
    assert near(image.getpixel((SIDE // 2, SIDE // 2)), colour(1))
    monkeypatch.setattr(Analyst, "cut_cells", None)
    assert clinic.thumbnails.drawn(clinic.field, "0a0b0c0d", box)


def test_one_cell_comes_from_its_sheet_or_is_cut_by_itself(tmp_path: Path):
    clinic = Clinic(tmp_path, EACH + 3)
    box = (25.0, 5.0, 35.0, 15.0)
    for name, wanted in (("0", 0), (str(EACH + 2), EACH + 2), ("d0a0b0c0d", 1)):
        seen = clinic.thumbnails.cell(clinic.field, name, box)
        assert seen.shape == (SIDE, SIDE, 3)
        assert near(seen[SIDE // 2, SIDE // 2], colour(wanted)), name


def test_a_cell_image_has_no_sheet(tmp_path: Path):
    clinic = Clinic(tmp_path, 3)
    clinic.field.kind = AnalysisKind.CLASSIFICATION
    seen = clinic.thumbnails.cell(clinic.field, "0", (25.0, 5.0, 35.0, 15.0))
    assert near(seen[SIDE // 2, SIDE // 2], colour(1))


def test_a_deleted_field_leaves_none(tmp_path: Path):
    clinic = Clinic(tmp_path, 3)
    clinic.thumbnails.sheet(clinic.field, 0)
    clinic.thumbnails.forget(clinic.field.id)
    clinic.thumbnails.forget(clinic.field.id)

    assert list(clinic.root.iterdir()) == []


def test_images_that_are_gone_are_an_error_and_leave_nothing(tmp_path: Path):
    clinic = Clinic(tmp_path, 3)
    clinic.store.delete(clinic.field.cells_name)
    with pytest.raises(FileNotFoundError):
        clinic.thumbnails.sheet(clinic.field, 0)
    assert not clinic.root.exists()


def test_the_kept_sheet_holds_whole_small_ones():
    assert GALLERY_CELLS % thumbnails.EACH == 0


def test_with_a_key_thumbnails_are_encrypted_too(tmp_path: Path):
    for name in ("keys", "others"):
        make_key_file(tmp_path / name, "today")
    keys = ImageKeys(tmp_path / "keys")
    clinic = Clinic(tmp_path, 3, keys)
    made = clinic.thumbnails.sheet(clinic.field, 0)
    path = clinic.root / clinic.field.id / "sheet-0.jpg"
    assert opened(made).format == "JPEG"
    assert clinic.thumbnails.sheet(clinic.field, 0) == made
    assert path.read_bytes().startswith(MARK)
    assert made[-200:] not in path.read_bytes()

    # As after the loss of a key: what can be made again is made again.
    clinic.thumbnails = Thumbnails(
        clinic.root, Analyst(None, clinic.store, ImageLimits()), ImageKeys(tmp_path / "others")
    )
    assert clinic.thumbnails.sheet(clinic.field, 0) == made
