"""One composite painted: a background, cells chosen and placed, and a picture taken of it all."""

import csv
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TextIO

import numpy as np

from training.data import SPLITS, DataError, Split
from training.synthesis.backgrounds import VISIBLE_SHARE, Backgrounds, Box, Piece, erased
from training.synthesis.cutouts import CutOut
from training.synthesis.debris import scatter_platelets, scatter_precipitate
from training.synthesis.deformation import Push, bent, bent_box
from training.synthesis.elements import Realism
from training.synthesis.optics import photograph
from training.synthesis.pasting import Look, draw_look, extent, lay, ready, usable
from training.synthesis.patches import Patch
from training.synthesis.placement import TOUCHING, Disc, nearest, place
from training.synthesis.stain import field_stain, nucleus_density

SIDE = 512
"""Pixels of a composite's side."""

_PLAIN_SHARE = 0.12
_VAL_SUBJECTS_SHARE = 0.25
_HEM_SHARE, _LYMPHOCYTE_SHARE = 0.45, 0.15
_SMUDGE_SHARE, _CROWD_SHARE = 0.05, 0.1
_PLATELETS_SHARE, _PRECIPITATE_SHARE, _PUSHED_SHARE = 0.45, 0.2, 0.7
_MOST_CELLS = 22


@dataclass(frozen=True)
class WhiteCell:
    """A row of cells.csv: a white cell of a composite; x1, y1, x2, y2 in its pixels."""

    image: str
    x1: float
    y1: float
    x2: float
    y2: float
    label: str
    kind: str
    subject: str
    source_file: str
    clustered: int


@dataclass(frozen=True)
class Pasted:
    """A cell as planned: what it is, its pixels, where its centre lies."""

    cell: CutOut
    smudge: bool
    patch: Patch
    centre: tuple[float, float]

    @property
    def label(self) -> str:
        """`blast` or `wbc`; a smudge is never called a blast."""
        return "blast" if self.cell.kind == "all" and not self.smudge else "wbc"

    @property
    def box(self) -> Box:
        """The box in the field, unclipped."""
        return Box(self.label, *extent(self.patch, self.centre), self.cell.path.stem)


class CellPool:
    """The cut-out cells of one group, drawn so that no subject and no kind dominates."""

    def __init__(self, cells: list[CutOut]) -> None:
        """Group blasts and HEM cells by subject, PBC cells by kind."""
        self._groups: dict[str, dict[str, list[CutOut]]] = {"all": {}, "hem": {}, "pbc": {}}
        for cell in cells:
            group = cell.kind if cell.kind in self._groups else "pbc"
            name = cell.subject or cell.kind
            self._groups[group].setdefault(name, []).append(cell)
        empty = [group for group, names in self._groups.items() if not names]
        if empty:
            raise DataError(f"No cells to paste of: {', '.join(empty)}.")

    def draw(self, blast: bool, rng: np.random.Generator) -> CutOut:
        """Draw a blast, or a white cell of any other kind."""
        if blast:
            return self._from("all", rng)
        if rng.random() < _HEM_SHARE:
            return self._from("hem", rng)
        lymphocytes = self._groups["pbc"].get("lymphocyte")
        if lymphocytes and rng.random() < _LYMPHOCYTE_SHARE / (1 - _HEM_SHARE):
            return lymphocytes[int(rng.integers(len(lymphocytes)))]
        return self._from("pbc", rng)

    def _from(self, group: str, rng: np.random.Generator) -> CutOut:
        names = list(self._groups[group].values())
        weights = np.sqrt([len(cells) for cells in names])
        cells = names[int(rng.choice(len(names), p=weights / weights.sum()))]
        return cells[int(rng.integers(len(cells)))]


class Painter:
    """Paints composites of one split; the same number gives the same image."""

    def __init__(
        self,
        data: Path,
        cache: Path,
        cells: list[CutOut],
        split: Split,
        seed: int,
        realism: Realism,
    ) -> None:
        """Take the fields and cells of `split`; boxes of fields are kept in `cache`."""
        self._backgrounds = Backgrounds(data, cache, split)
        lone = [cell for cell in cells if not cell.subject and cell.split == split]
        groups: tuple[Split, ...] = ("train", "val") if split == "train" else (split,)
        self._pools = [
            CellPool(lone + [cell for cell in cells if cell.subject and cell.split == group])
            for group in groups
        ]
        self._key = (seed, SPLITS.index(split))
        self.realism = realism

    def paint(
        self, number: int
    ) -> tuple[np.ndarray, list[Box], list[WhiteCell], np.random.Generator]:
        """Return image (uint8, BGR), all boxes, rows for cells.csv, and the generator used."""
        rng = np.random.default_rng((*self._key, number))
        pool = self._pools[-1 if rng.random() < _VAL_SUBJECTS_SHARE else 0]
        piece = self._backgrounds.draw(rng, SIDE, self.realism)
        stain = _stain_of(piece, self.realism, rng)
        look = draw_look(stain, self.realism, rng)
        pasted = [] if rng.random() < _PLAIN_SHARE else _plan(pool, piece, look, rng)
        density, own = _with_room(piece, pasted, self.realism, rng)
        for cell in pasted:
            lay(density, cell.patch, cell.centre)
        small = _debris(density, piece.red_cell, stain, self.realism, rng)
        boxes = own + small + [cell.box.clipped(SIDE, SIDE) for cell in pasted]
        rows = _rows(f"{number:06}.jpg", own, pasted)
        return photograph(density, piece.plasma, self.realism, rng), boxes, rows, rng


def write_rows(stream: TextIO, rows: list[WhiteCell]) -> None:
    """Write rows of cells.csv under their header."""
    writer = csv.DictWriter(stream, [field.name for field in fields(WhiteCell)])
    writer.writeheader()
    writer.writerows(map(asdict, rows))


def _stain_of(piece: Piece, realism: Realism, rng: np.random.Generator) -> np.ndarray:
    """Draw the stain (3,) of an image's cells: mostly that of its own white cells, if any."""
    whites = [box for box in piece.boxes if box.label == "wbc" and box.area > 200]
    if not (whites and realism.shared_stain) or rng.random() < 0.15:
        return field_stain(rng)
    box = max(whites, key=lambda white: white.area)
    part = piece.density[int(box.y1) : int(box.y2), int(box.x1) : int(box.x2)]
    dark = part[..., 1] >= np.percentile(part[..., 1], 60)
    return np.maximum(nucleus_density(part, dark), 0.02) * rng.uniform(0.9, 1.1)


def _plan(pool: CellPool, piece: Piece, look: Look, rng: np.random.Generator) -> list[Pasted]:
    """Choose cells and places; whether cells touch is drawn without regard to their class."""
    crowd = bool(look.realism.crowds and rng.random() < _CROWD_SHARE)
    blast_share = rng.choice((0, 1, rng.uniform()), p=(0.25, 0.2, 0.55))
    cluster_share = rng.choice((0.5, 0.9) if crowd else (0, 0.5, 0.9))
    cluster_share = cluster_share if look.realism.clusters else 0
    taken = [_disc_of(box) for box in piece.boxes if box.label == "wbc"]
    planned = []
    for _ in range(_count(piece.red_cell, crowd, rng)):
        cell = _whole_cell(pool, bool(rng.random() < blast_share), rng)
        smudge = bool(look.realism.smudges and rng.random() < _SMUDGE_SHARE and cell.kind != "all")
        patch = ready(cell, piece.red_cell, look, smudge, rng)
        centre = place(patch.radius, taken, SIDE, bool(rng.random() < cluster_share), rng)
        if centre is not None:
            taken.append((*centre, patch.radius))
            planned.append(Pasted(cell, smudge, patch, centre))
    return planned


def _count(red_cell: float, crowd: bool, rng: np.random.Generator) -> int:
    """Draw how many white cells go into an image: one to a third of its room, or a crowd."""
    room = (SIDE / (1.6 * red_cell)) ** 2
    if crowd:
        return int(min(room * rng.uniform(0.35, 1), 130))
    return round(np.exp(rng.uniform(0.3, np.log(np.clip(0.3 * room, 3, _MOST_CELLS)))))


def _whole_cell(pool: CellPool, blast: bool, rng: np.random.Generator) -> CutOut:
    """Draw cells until one is whole; the last of ten is taken as it is."""
    for _ in range(10):
        cell = pool.draw(blast, rng)
        if usable(cell):
            break
    return cell


def _with_room(
    piece: Piece, pasted: list[Pasted], realism: Realism, rng: np.random.Generator
) -> tuple[np.ndarray, list[Box]]:
    """Push red cells aside, take those away that cells would hide; return density and boxes."""
    density, boxes = piece.density, list(piece.boxes)
    if realism.pushed:
        pushes = _pushes(piece, pasted, rng)
        density = bent(density, pushes) if pushes else density
        boxes = [bent_box(box, pushes) for box in boxes]
    covers = [cell.box for cell in pasted]
    shares = _covered(boxes, covers)
    hidden = [b for b, share in zip(boxes, shares, strict=True) if share >= 1 - VISIBLE_SHARE]
    if realism.pushed and hidden:
        density = erased(density, [box for box in hidden if box.label != "wbc"])
    kept = (box.clipped(SIDE, SIDE) for box in boxes if box not in hidden)
    return density, [box for box in kept if box.area > 0]


def _pushes(piece: Piece, pasted: list[Pasted], rng: np.random.Generator) -> list[Push]:
    """Let some cells push; never beside the field's own white cells, whose shape must stay."""
    whites = np.array([_disc_of(box) for box in piece.boxes if box.label == "wbc"]).reshape(-1, 3)
    pushes = []
    for cell in pasted:
        radius = cell.patch.radius
        hold, reach = radius * rng.uniform(0.25, 0.7), radius + piece.red_cell * rng.uniform(0.6, 1)
        if rng.random() < _PUSHED_SHARE and nearest((*cell.centre, reach), whites) > 1:
            pushes.append(Push(*cell.centre, hold, reach))
    return pushes


def _debris(
    density: np.ndarray,
    red_cell: float,
    stain: np.ndarray,
    realism: Realism,
    rng: np.random.Generator,
) -> list[Box]:
    """Add platelets and precipitate to a density map; return the boxes of the platelets."""
    boxes: list[Box] = []
    if realism.platelets and rng.random() < _PLATELETS_SHARE:
        boxes = scatter_platelets(density, red_cell, stain, rng)
    if realism.precipitate and rng.random() < _PRECIPITATE_SHARE:
        scatter_precipitate(density, red_cell, stain, rng)
    parts = (box.clipped(SIDE, SIDE) for box in boxes)
    return [part for part in parts if part.area > 0]


def _disc_of(box: Box) -> Disc:
    return (box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2, float(np.sqrt(box.area / np.pi))


def _covered(boxes: list[Box], covers: list[Box]) -> np.ndarray:
    """Return, for each box, the largest share (n,) of it that lies under one of the others."""
    if not (boxes and covers):
        return np.zeros(len(boxes))
    one, other = _edges(boxes)[:, None], _edges(covers)[None]
    corners = np.minimum(one[..., 2:], other[..., 2:]) - np.maximum(one[..., :2], other[..., :2])
    areas = np.array([box.area for box in boxes])
    return np.maximum(corners, 0).prod(axis=2).max(axis=1) / areas


def _edges(boxes: list[Box]) -> np.ndarray:
    return np.array([(box.x1, box.y1, box.x2, box.y2) for box in boxes])


def _rows(image: str, own: list[Box], pasted: list[Pasted]) -> list[WhiteCell]:
    """Describe every white cell of an image."""
    native = [(box, "txl", "", box.source_file) for box in own if box.label == "wbc"]
    ours = [
        (c.box, "smudge" if c.smudge else c.cell.kind, c.cell.subject, c.cell.source_file)
        for c in pasted
    ]
    discs = np.array([_disc_of(box) for box, *_ in native + ours]).reshape(-1, 3)
    rows = []
    for number, (box, kind, subject, source) in enumerate(native + ours):
        clustered = nearest(discs[number], np.delete(discs, number, axis=0)) < TOUCHING
        part = box.clipped(SIDE, SIDE)
        edges = (round(edge, 1) for edge in (part.x1, part.y1, part.x2, part.y2))
        rows.append(WhiteCell(image, *edges, box.label, kind, subject, source, int(clustered)))
    return rows
