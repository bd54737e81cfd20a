"""One composite: a background, cells chosen, placed and blended in, photographed."""

import csv
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TextIO

import numpy as np

from training.data import SPLITS, DataError, Split
from training.synthesis.backgrounds import VISIBLE_SHARE, Backgrounds, Box, Piece, erased
from training.synthesis.blending import Look, blend, draw_look, extent, prepare_patch, usable
from training.synthesis.cutouts import CutOut
from training.synthesis.debris import scatter_platelets, scatter_precipitate
from training.synthesis.deformation import Deformation, deform, deform_box
from training.synthesis.elements import Elements
from training.synthesis.optics import photograph
from training.synthesis.patches import Patch
from training.synthesis.placement import TOUCHING, Disc, nearest, place
from training.synthesis.stain import field_stain, nucleus_density

SIDE = 512
"""Pixels of a composite's side."""

_PLAIN_SHARE = 0.12
_VAL_SUBJECTS_SHARE = 0.25
_HEM_SHARE, _LYMPHOCYTE_SHARE = 0.45, 0.15
_SMUDGE_SHARE, _CROWD_SHARE = 0.05, 0.1
_PLATELETS_SHARE, _PRECIPITATE_SHARE, _DEFORMING_SHARE = 0.45, 0.2, 0.7
_MOST_CELLS = 22


@dataclass(frozen=True)
class WhiteCell:
    """A row of cells.csv: a white cell of a composite, box in pixels."""

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
class PlacedCell:
    """A cell of a composite: what it is, its pixels, where its centre lies."""

    cell: CutOut
    smudge: bool
    patch: Patch
    centre: tuple[float, float]

    @property
    def label(self) -> str:
        """Return `blast` or `wbc`; a smudge is never called a blast."""
        return "blast" if self.cell.kind == "all" and not self.smudge else "wbc"

    @property
    def box(self) -> Box:
        """Return the box in the field, unclipped."""
        return Box(self.label, *extent(self.patch, self.centre), self.cell.path.stem)


class CellPool:
    """Draw cut-out cells so that no subject and no kind dominates."""

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


class Compositor:
    """Make composites of one split; the same number gives the same image."""

    def __init__(
        self,
        data: Path,
        cache: Path,
        cells: list[CutOut],
        split: Split,
        seed: int,
        elements: Elements,
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
        self.elements = elements

    def compose(
        self, number: int
    ) -> tuple[np.ndarray, list[Box], list[WhiteCell], np.random.Generator]:
        """Make a composite.

        Returns:
            Image uint8 (SIDE, SIDE, 3) BGR, all boxes, rows for cells.csv, the generator used.
        """
        rng = np.random.default_rng((*self._key, number))
        pool = self._pools[-1 if rng.random() < _VAL_SUBJECTS_SHARE else 0]
        piece = self._backgrounds.draw(rng, SIDE, self.elements)
        stain = _stain_of(piece, self.elements, rng)
        look = draw_look(stain, self.elements, rng)
        placed = [] if rng.random() < _PLAIN_SHARE else _plan(pool, piece, look, rng)
        density, own = _with_room(piece, placed, self.elements, rng)
        for cell in placed:
            blend(density, cell.patch, cell.centre)
        small = _debris(density, piece.red_cell, stain, self.elements, rng)
        boxes = own + small + [cell.box.clipped(SIDE, SIDE) for cell in placed]
        rows = _rows(f"{number:06}.jpg", own, placed)
        return photograph(density, piece.plasma, self.elements, rng), boxes, rows, rng


def write_rows(stream: TextIO, rows: list[WhiteCell]) -> None:
    """Write rows of cells.csv under their header."""
    writer = csv.DictWriter(stream, [field.name for field in fields(WhiteCell)])
    writer.writeheader()
    writer.writerows(asdict(row) for row in rows)


def _stain_of(piece: Piece, elements: Elements, rng: np.random.Generator) -> np.ndarray:
    """Draw the stain (3,) of an image's cells: mostly that of its own white cells, if any."""
    whites = [box for box in piece.boxes if box.label == "wbc" and box.area > 200]
    if not (whites and elements.shared_stain) or rng.random() < 0.15:
        return field_stain(rng)
    box = max(whites, key=lambda white: white.area)
    part = piece.density[int(box.y1) : int(box.y2), int(box.x1) : int(box.x2)]
    dark = part[..., 1] >= np.percentile(part[..., 1], 60)
    return np.maximum(nucleus_density(part, dark), 0.02) * rng.uniform(0.9, 1.1)


def _plan(pool: CellPool, piece: Piece, look: Look, rng: np.random.Generator) -> list[PlacedCell]:
    """Choose cells and places; clustering is drawn without regard to their class."""
    crowd = bool(look.elements.crowds and rng.random() < _CROWD_SHARE)
    blast_share = rng.choice((0, 1, rng.uniform()), p=(0.25, 0.2, 0.55))
    cluster_share = rng.choice((0.5, 0.9) if crowd else (0, 0.5, 0.9))
    cluster_share = cluster_share if look.elements.clusters else 0
    taken = [_disc_of(box) for box in piece.boxes if box.label == "wbc"]
    planned = []
    for _ in range(_count(piece.red_cell, crowd, rng)):
        cell = _whole_cell(pool, bool(rng.random() < blast_share), rng)
        smudge = bool(look.elements.smudges and rng.random() < _SMUDGE_SHARE and cell.kind != "all")
        patch = prepare_patch(cell, piece.red_cell, look, smudge, rng)
        centre = place(patch.radius, taken, SIDE, bool(rng.random() < cluster_share), rng)
        if centre is not None:
            taken.append((*centre, patch.radius))
            planned.append(PlacedCell(cell, smudge, patch, centre))
    return planned


def _count(red_cell: float, crowd: bool, rng: np.random.Generator) -> int:
    """Draw the number of white cells: one to a third of the room, or a crowd."""
    room = (SIDE / (1.6 * red_cell)) ** 2
    if crowd:
        return int(min(room * rng.uniform(0.35, 1), 130))
    return round(np.exp(rng.uniform(0.3, np.log(np.clip(0.3 * room, 3, _MOST_CELLS)))))


def _whole_cell(pool: CellPool, blast: bool, rng: np.random.Generator) -> CutOut:
    """Draw cells until one is whole; the last of ten is taken as it is."""
    cell = pool.draw(blast, rng)
    for _ in range(9):
        if usable(cell):
            break
        cell = pool.draw(blast, rng)
    return cell


def _with_room(
    piece: Piece, placed: list[PlacedCell], elements: Elements, rng: np.random.Generator
) -> tuple[np.ndarray, list[Box]]:
    """Displace red cells, remove those that cells would hide; return density and boxes."""
    density, boxes = piece.density, list(piece.boxes)
    if elements.pushed:
        deformations = _deformations(piece, placed, rng)
        density = deform(density, deformations) if deformations else density
        boxes = [deform_box(box, deformations) for box in boxes]
    covers = [cell.box for cell in placed]
    shares = _covered(boxes, covers)
    hidden = [b for b, share in zip(boxes, shares, strict=True) if share >= 1 - VISIBLE_SHARE]
    if elements.pushed and hidden:
        density = erased(density, [box for box in hidden if box.label != "wbc"])
    kept = (box.clipped(SIDE, SIDE) for box in boxes if box not in hidden)
    return density, [box for box in kept if box.area > 0]


def _deformations(
    piece: Piece, placed: list[PlacedCell], rng: np.random.Generator
) -> list[Deformation]:
    """Let some cells displace others, but never the field's own white cells."""
    whites = np.array([_disc_of(box) for box in piece.boxes if box.label == "wbc"]).reshape(-1, 3)
    deformations = []
    for cell in placed:
        radius = cell.patch.radius
        inner = radius * rng.uniform(0.25, 0.7)
        outer = radius + piece.red_cell * rng.uniform(0.6, 1)
        if rng.random() < _DEFORMING_SHARE and nearest((*cell.centre, outer), whites) > 1:
            deformations.append(Deformation(*cell.centre, inner, outer))
    return deformations


def _debris(
    density: np.ndarray,
    red_cell: float,
    stain: np.ndarray,
    elements: Elements,
    rng: np.random.Generator,
) -> list[Box]:
    """Add platelets and precipitate to a density map; return the boxes of the platelets."""
    boxes: list[Box] = []
    if elements.platelets and rng.random() < _PLATELETS_SHARE:
        boxes = scatter_platelets(density, red_cell, stain, rng)
    if elements.precipitate and rng.random() < _PRECIPITATE_SHARE:
        scatter_precipitate(density, red_cell, stain, rng)
    parts = (box.clipped(SIDE, SIDE) for box in boxes)
    return [part for part in parts if part.area > 0]


def _disc_of(box: Box) -> Disc:
    return (box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2, float(np.sqrt(box.area / np.pi))


def _covered(boxes: list[Box], covers: list[Box]) -> np.ndarray:
    """Return the largest share (n,) of each box that lies under one cover."""
    if not (boxes and covers):
        return np.zeros(len(boxes))
    one, other = _edges(boxes)[:, None], _edges(covers)[None]
    corners = np.minimum(one[..., 2:], other[..., 2:]) - np.maximum(one[..., :2], other[..., :2])
    areas = np.array([box.area for box in boxes])
    return np.maximum(corners, 0).prod(axis=2).max(axis=1) / areas


def _edges(boxes: list[Box]) -> np.ndarray:
    return np.array([(box.x1, box.y1, box.x2, box.y2) for box in boxes])


def _rows(image: str, own: list[Box], placed: list[PlacedCell]) -> list[WhiteCell]:
    """Describe every white cell of an image."""
    native = [(box, "txl", "", box.source_file) for box in own if box.label == "wbc"]
    ours = [
        (c.box, "smudge" if c.smudge else c.cell.kind, c.cell.subject, c.cell.source_file)
        for c in placed
    ]
    discs = np.array([_disc_of(box) for box, *_ in native + ours]).reshape(-1, 3)
    rows = []
    for number, (box, kind, subject, source) in enumerate(native + ours):
        clustered = nearest(discs[number], np.delete(discs, number, axis=0)) < TOUCHING
        part = box.clipped(SIDE, SIDE)
        edges = round(part.x1, 1), round(part.y1, 1), round(part.x2, 1), round(part.y2, 1)
        rows.append(WhiteCell(image, *edges, box.label, kind, subject, source, int(clustered)))
    return rows
