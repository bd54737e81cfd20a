"""Pack all cells, as the network sees them, in one file that is quick to read and to copy.

A cell on black keeps the scale of its picture, so that its size is seen; a cell with its
surroundings is scaled to its own box.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from core.geometry import Box
from models.classifier.cell_views import CROP_FACTOR
from training.cells import folds
from training.cells.data import (
    KINDS,
    NO_ATTRIBUTES,
    Cell,
    read_cnmc_cells,
    read_lmu_cells,
    read_pbc_cells,
    read_snam_cells,
    read_txl_cells,
)
from training.cells.segment import box_of, cell_on_black, central_cell
from training.commands import option
from training.data import DEFAULT_DATA, PROJECT, DataError, read_chula, read_txl
from training.images import decode, encode, read_bgr

DEFAULT_PACK = PROJECT / "runs" / "cells" / "pack.npz"
SIZE = 160
"""Side in pixels of what the network sees."""

CNMC_SIDE = 300
"""Side of what is kept of a C-NMC image, in its pixels."""

CONTEXT_SIZE = 192
CONTEXT_FACTOR = CROP_FACTOR * CONTEXT_SIZE / SIZE
"""Side of a stored context in lengths of its cell's box: a margin to turn and to scale in."""

_FIELD_FACTOR = 3.6
"""Side of a background patch in red-cell diameters; a blast with `CONTEXT_FACTOR` takes as much."""

_QUALITY = {"cnmc": 90, "other": 78}
_THUMBNAIL = 16
_BACKGROUNDS = "background"


@dataclass(frozen=True)
class Pack:
    """Cells and background patches of all sets, decoded one by one.

    All arrays but `images` and `masks` have one row a cell or patch.

    Attributes:
        images: Bytes of all pictures, as WebP files.
        ends: Where each ends in `images`.
        mask_ends: Where each ends in `masks`.
        masks: Bytes of all masks, as PNG files.
        source: The set, "background" for a patch without a cell.
        name: Of the image file.
        subject: The person, empty where unknown.
        group: Cells of one group are never on both sides of a split.
        fold: That holds it out, `CHECK_FOLD` where no fold trains on it.
        blast: 1, 0 or -1 (unknown).
        kind: Number in `KINDS` or -1.
        attributes: Numbers of values in `ATTRIBUTES` or -1, (n, attributes).
        area: Of the cell in pixels of `SIZE` for cells on black, else 0.
    """

    images: np.ndarray
    ends: np.ndarray
    mask_ends: np.ndarray
    masks: np.ndarray
    source: np.ndarray
    name: np.ndarray
    subject: np.ndarray
    group: np.ndarray
    fold: np.ndarray
    blast: np.ndarray
    kind: np.ndarray
    attributes: np.ndarray
    area: np.ndarray

    def __len__(self) -> int:
        return len(self.ends)

    def training(self, held_out: int | None) -> np.ndarray:
        """Return which rows a network is trained on: bool (n,).

        Args:
            held_out: Its fold; None for a network without one.
        """
        cells = self.fold != folds.CHECK_FOLD
        return cells if held_out is None else cells & (self.fold != held_out)

    def image(self, row: int) -> np.ndarray:
        """Decode a picture: uint8 BGR, square."""
        return decode(_piece(self.images, self.ends, row))

    def rgb(self, rows: Iterable[int]) -> np.ndarray:
        """Decode pictures as the network sees them, uint8 RGB (n, SIZE, SIZE, 3)."""
        return np.stack([_middle(self.image(row))[..., ::-1] for row in rows])

    def mask(self, row: int) -> np.ndarray:
        """Decode a cell's mask: boolean, as large as its picture; a patch has none."""
        return decode(_piece(self.masks, self.mask_ends, row), cv2.IMREAD_GRAYSCALE) > 0

    def save(self, path: Path) -> None:
        """Write the file, whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f"{path.stem}.unfinished.npz")
        np.savez(unfinished, **vars(self), kinds=np.array(KINDS))
        unfinished.replace(path)

    @classmethod
    def load(cls, path: Path) -> Pack:
        """Read what `save` wrote.

        Raises:
            DataError: There is no file, or it numbers the kinds of cells in another order than now.
        """
        if not path.is_file():
            raise DataError(f"There is no file {path}. Make it: python -m training.cells pack")
        with np.load(path, allow_pickle=False) as file:
            arrays = dict(file)
        if tuple(arrays.pop("kinds", ())) != KINDS:
            raise DataError(
                f"{path} has other kinds of cells. Make it: python -m training.cells pack"
            )
        return cls(**arrays)


@dataclass(frozen=True)
class Options:
    """Options of `python -m training.cells pack`."""

    data: Path = option(DEFAULT_DATA, "folder of the image sets")
    pack: Path = option(DEFAULT_PACK, "file to write")
    threads: int = option(2, "processor threads")


def run(options: Options) -> None:
    """Pack the sets and print the size of the file."""
    pack = make_pack(options.data, options.threads)
    pack.save(options.pack)
    print(f"{options.pack}: {len(pack)} pictures, {options.pack.stat().st_size / 2**20:.1f} MiB")


def make_pack(data: Path, threads: int = 1) -> Pack:
    """Read, cut and encode the cells of all sets, and patches of background.

    A cell of which no outline is found is left out.

    Raises:
        DataError: A set is missing.
    """
    cells = [*read_cnmc_cells(data), *read_lmu_cells(data), *read_pbc_cells(data)]
    cells += [*read_txl_cells(data), *read_snam_cells(data)]
    cv2.setNumThreads(1)
    with ThreadPoolExecutor(threads) as pool:
        drawn = list(tqdm(pool.map(_draw, cells), "cells", total=len(cells), mininterval=5))
    kept = [(cell, each) for cell, each in zip(cells, drawn, strict=True) if each is not None]
    patches = _background_patches(data)
    return _packed([cell for cell, _ in kept], [each for _, each in kept], patches)


def _middle(picture: np.ndarray) -> np.ndarray:
    edge = (picture.shape[0] - SIZE) // 2
    return picture[edge : edge + SIZE, edge : edge + SIZE]


def segmented_view(bgr: np.ndarray) -> np.ndarray:
    """Return the middle of a C-NMC image at the network's scale, uint8 (SIZE, SIZE, 3)."""
    height, width = bgr.shape[:2]
    side = min(CNMC_SIDE, height, width)
    top, left = (height - side) // 2, (width - side) // 2
    middle = bgr[top : top + side, left : left + side]
    return cv2.resize(middle, (SIZE, SIZE), interpolation=cv2.INTER_AREA)


def context_view(bgr: np.ndarray, mask: np.ndarray, box: Box) -> tuple[np.ndarray, np.ndarray]:
    """Return a cell's surroundings and mask, scaled to its box: (CONTEXT_SIZE, CONTEXT_SIZE)."""
    x1, y1, x2, y2 = box
    scale = CONTEXT_SIZE / (CONTEXT_FACTOR * max(x2 - x1, y2 - y1))
    middle = np.array(((x1 + x2) / 2, (y1 + y2) / 2)) * scale
    shift = (CONTEXT_SIZE / 2 - middle).tolist()
    # The middle of the first pixel is at half its width in either picture.
    offset = [part + (scale - 1) / 2 for part in shift]
    matrix = np.array(((scale, 0, offset[0]), (0, scale, offset[1])), np.float32)
    size = CONTEXT_SIZE, CONTEXT_SIZE
    small = cv2.warpAffine(_smooth(bgr, scale), matrix, size, borderMode=cv2.BORDER_REFLECT_101)
    inside = cv2.warpAffine(mask.astype(np.uint8), matrix, size, flags=cv2.INTER_NEAREST)
    return small, inside.astype(bool)


def _smooth(bgr: np.ndarray, scale: float) -> np.ndarray:
    """Blur what will be shrunk, so that sampling does not alias."""
    if scale >= 0.8:
        return bgr
    return cv2.GaussianBlur(bgr, (0, 0), 0.4 / scale)


def _draw(cell: Cell) -> tuple[np.ndarray, np.ndarray] | None:
    bgr = read_bgr(cell.path)
    if cell.source == "cnmc":
        small = segmented_view(bgr)
        mask = segmented_view(np.dstack([cell_on_black(bgr).astype(np.uint8) * 255] * 3))
        return small, mask[..., 0] > 127
    # The box alone says where a cell of SN-AM is; nothing is composited with it.
    if cell.source == "snam":
        return context_view(bgr, np.zeros(bgr.shape[:2], bool), _labelled_box(cell))
    mask = central_cell(bgr, cell.box)
    if not mask.any():
        return None
    return context_view(bgr, mask, cell.box or box_of(mask))


def _labelled_box(cell: Cell) -> Box:
    if cell.box is None:
        raise DataError(f"A cell of {cell.path} has no box.")
    return cell.box


def _background_patches(data: Path) -> list[np.ndarray]:
    """Cut one patch without white cells out of each training field that has room for one."""
    rng = np.random.default_rng(folds.SEED)
    patches = [
        _patch(read_bgr(field.path), field.red_cell, [], rng)
        for field in read_chula(data)
        if field.split == "train"
    ]
    for field in read_txl(data, "train"):
        bgr = read_bgr(field.path)
        height, width = bgr.shape[:2]
        scale = np.array((width, height, width, height))
        boxes = [(b.label, np.array((b.x1, b.y1, b.x2, b.y2)) * scale) for b in field.boxes]
        red = [max(x2 - x1, y2 - y1) for label, (x1, y1, x2, y2) in boxes if label == "rbc"]
        white = [box for label, box in boxes if label == "wbc"]
        if red:
            patches.append(_patch(bgr, float(np.median(red)), white, rng))
    return [patch for patch in patches if patch is not None]


def _patch(
    bgr: np.ndarray, red_cell: float, white: Sequence[np.ndarray], rng: np.random.Generator
) -> np.ndarray | None:
    height, width = bgr.shape[:2]
    side = int(min(_FIELD_FACTOR * red_cell, height - 1, width - 1))
    for _ in range(12):
        x, y = int(rng.integers(width - side)), int(rng.integers(height - side))
        if not any(
            x < x2 and x1 < x + side and y < y2 and y1 < y + side for x1, y1, x2, y2 in white
        ):
            patch = bgr[y : y + side, x : x + side]
            return cv2.resize(patch, (CONTEXT_SIZE,) * 2, interpolation=cv2.INTER_AREA)
    return None


def _packed(
    cells: list[Cell], drawn: list[tuple[np.ndarray, np.ndarray]], patches: list[np.ndarray]
) -> Pack:
    pictures = [picture for picture, _ in drawn] + patches
    none = np.zeros((CONTEXT_SIZE,) * 2, bool)
    masks = [mask for _, mask in drawn] + [none] * len(patches)
    sources = [cell.source for cell in cells] + [_BACKGROUNDS] * len(patches)
    groups = _merged_groups(cells, pictures)
    images, ends = _concatenated([_webp(p, s) for p, s in zip(pictures, sources, strict=True)])
    mask_bytes, mask_ends = _concatenated([_png(mask) for mask in masks])
    extra = len(patches)
    return Pack(
        images=images,
        ends=ends,
        masks=mask_bytes,
        mask_ends=mask_ends,
        source=np.array(sources),
        name=np.array([cell.path.name for cell in cells] + [""] * extra),
        subject=np.array([cell.subject for cell in cells] + [""] * extra),
        group=np.array(groups + [""] * extra),
        fold=np.array(folds.assign_folds(cells, groups) + [folds.CHECK_FOLD] * extra, np.int8),
        blast=np.array([cell.blast for cell in cells] + [-1] * extra, np.int8),
        kind=np.array([cell.kind for cell in cells] + [-1] * extra, np.int8),
        attributes=np.array([cell.attributes for cell in cells] + [NO_ATTRIBUTES] * extra, np.int8),
        area=np.array(
            [m.sum() if s == "cnmc" else 0 for m, s in zip(masks, sources, strict=True)], np.int32
        ),
    )


def _merged_groups(cells: list[Cell], pictures: list[np.ndarray]) -> list[str]:
    """Merge duplicates where people are unknown; cells on black look alike as thumbnails."""
    groups = [cell.group for cell in cells]
    unknown = [row for row, cell in enumerate(cells) if cell.source in ("lmu", "pbc", "txl")]
    thumbnails = np.array([_thumbnail(pictures[row]) for row in unknown])
    merged = folds.merge_duplicates([groups[row] for row in unknown], thumbnails)
    for row, group in zip(unknown, merged, strict=True):
        groups[row] = group
    return groups


def _thumbnail(picture: np.ndarray) -> np.ndarray:
    small = cv2.resize(picture, (_THUMBNAIL,) * 2, interpolation=cv2.INTER_AREA)
    return small.astype(np.float32).ravel()


def _webp(picture: np.ndarray, source: str) -> bytes:
    quality = _QUALITY.get(source, _QUALITY["other"])
    return encode(picture, ".webp", cv2.IMWRITE_WEBP_QUALITY, quality)


def _png(mask: np.ndarray) -> bytes:
    return encode(mask.astype(np.uint8) * 255, ".png", cv2.IMWRITE_PNG_BILEVEL, 1)


def _concatenated(pieces: list[bytes]) -> tuple[np.ndarray, np.ndarray]:
    ends = np.cumsum([len(piece) for piece in pieces], dtype=np.int64)
    return np.frombuffer(b"".join(pieces), np.uint8), ends


def _piece(data: np.ndarray, ends: np.ndarray, row: int) -> np.ndarray:
    return data[int(ends[row - 1]) if row else 0 : int(ends[row])]
