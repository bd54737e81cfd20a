"""Small pictures of white cells for the reading room: made once for each field, kept on disk."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Lock

import numpy as np

from core.geometry import Box
from core.ids import new_id
from core.taxonomy import REVIEWED
from imaging.images import RgbImage, read_image, resize
from records.analyses.analyses import Analysis, AnalysisKind
from records.storage.image_keys import ImageKeys
from records.storage.image_store import UndecryptableError
from records.storage.sealing import seal, unseal
from services.analyses import pictures
from services.analyses.analysis import GALLERY_CELLS, Analyst
from services.analyses.findings import field_findings, most_suspicious_first

SIDE = 128
"""Side of a thumbnail in pixels."""

COLUMNS, ROWS = 6, 4
EACH = COLUMNS * ROWS
"""Cells on one small sheet; `GALLERY_CELLS` is a multiple of it."""

LOCKS = 16
"""Of fields whose ids share a lock, one waits for the other."""

Maker = Callable[[Analysis, Path], dict[str, RgbImage]]
"""Makes the picture of a path, and what comes with it at no further cost, by name."""


class Thumbnails:
    """Keeps thumbnails under `root`, a folder for each analysis; they can be made again.

    Where images are encrypted, so are they.
    """

    def __init__(self, root: Path, analyst: Analyst, keys: ImageKeys) -> None:
        self._root = root
        self._analyst = analyst
        self._keys = keys
        # A field is decoded once, however many of its sheets are asked for at the same time.
        self._making = [Lock() for _ in range(LOCKS)]

    def sheet(self, analysis: Analysis, number: int) -> bytes:
        """Return a JPEG of `EACH` white cells, in the order of `most_suspicious_first`.

        `number` counts the sheets from 0. Raises `LookupError` where there is none, and
        `FileNotFoundError` when the images of the field are gone.
        """
        path = self._path(analysis, f"sheet-{number}")
        return self._read(path) or self._make(analysis, path, self._sheets)

    def prepare(self, analysis: Analysis) -> None:
        """Make the sheets of a field's most suspicious cells before anyone asks for them."""
        if analysis.cells_name:
            with suppress(OSError):  # they are made, or missed, when someone does ask
                self.sheet(analysis, 0)

    def cell(self, analysis: Analysis, name: str, box: Box) -> RgbImage:
        """Return one white cell, uint8 RGB of `SIDE` px; raises as `sheet` does.

        Args:
            analysis: The image that it is in.
            name: What the id of the cell has behind that of the analysis.
            box: Around the cell, in pixels of the image.
        """
        if analysis.kind != AnalysisKind.DETECTION or not name.isdecimal():
            return read_image(self.drawn(analysis, name, box)).rgb
        number, place = divmod(int(name), EACH)
        return read_image(self.sheet(analysis, number)).rgb[_place(place)]

    def drawn(self, analysis: Analysis, name: str, box: Box) -> bytes:
        """Return a JPEG of a cell that is on no sheet, `SIDE` px; raises as `sheet` does."""

        def make(analysis: Analysis, path: Path) -> dict[str, RgbImage]:
            tile = pictures.tile(self._analyst.cut_cells(analysis, [box]), 0)
            return {path.stem: resize(tile, SIDE, SIDE)}

        path = self._path(analysis, f"drawn-{name}")
        return self._read(path) or self._make(analysis, path, make)

    def forget(self, analysis_id: str) -> None:
        """Remove all thumbnails of an analysis that was deleted."""
        shutil.rmtree(self._root / analysis_id, ignore_errors=True)

    def _path(self, analysis: Analysis, name: str) -> Path:
        return self._root / analysis.id / f"{name}.jpg"

    def _make(self, analysis: Analysis, path: Path, make: Maker) -> bytes:
        with self._making[hash(analysis.id) % LOCKS]:
            if kept := self._read(path):
                return kept
            for name, rgb in make(analysis, path).items():
                self._write(self._path(analysis, name), pictures.encode_jpeg(rgb, quality=85))
        return unseal(path.read_bytes(), self._keys, _name(path))

    def _read(self, path: Path) -> bytes | None:
        try:
            return unseal(path.read_bytes(), self._keys, _name(path))
        except (FileNotFoundError, UndecryptableError):
            # One that cannot be decrypted is made again, if its image can be.
            return None

    def _write(self, path: Path, content: bytes) -> None:
        """Write a file whole or not at all; after a crash it can be made again."""
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary = path.with_suffix(f".{new_id()}")
        temporary.write_bytes(seal(content, self._keys, _name(path)))
        temporary.replace(path)

    def _sheets(self, analysis: Analysis, path: Path) -> dict[str, RgbImage]:
        """Make the small sheets of the cells on the kept sheet, or of those beyond it."""
        number = int(path.stem.removeprefix("sheet-"))
        white = most_suspicious_first(field_findings(analysis, REVIEWED))
        boxes = [cell.found.box for cell in white]
        if number * EACH >= len(boxes):
            raise LookupError("no such sheet")
        if number * EACH < GALLERY_CELLS:
            if not analysis.cells_name:
                raise FileNotFoundError("no kept sheet of cells")
            first, count = 0, len(boxes[:GALLERY_CELLS])
            sheet = read_image(self._analyst.image(analysis.cells_name)).rgb
        else:
            first, count = GALLERY_CELLS // EACH, len(boxes) - GALLERY_CELLS
            sheet = self._analyst.cut_cells(analysis, boxes[GALLERY_CELLS:])
        return {f"sheet-{first + n}": _small(sheet, n, count) for n in range(-(-count // EACH))}


def _small(sheet: RgbImage, number: int, count: int) -> RgbImage:
    """One small sheet of the `count` cells on a sheet; places without a cell are black."""
    small = np.zeros((ROWS * SIDE, COLUMNS * SIDE, 3), np.uint8)
    for place, index in enumerate(range(number * EACH, min(number * EACH + EACH, count))):
        small[_place(place)] = resize(pictures.tile(sheet, index), SIDE, SIDE)
    return small


def _place(index: int) -> tuple[slice, slice]:
    """Return rows and columns of a place on a small sheet, in pixels."""
    row, column = divmod(index, COLUMNS)
    rows = slice(row * SIDE, (row + 1) * SIDE)
    return rows, slice(column * SIDE, (column + 1) * SIDE)


def _name(path: Path) -> str:
    """Return what an encrypted thumbnail is bound to."""
    return f"{path.parent.name}/{path.name}"
