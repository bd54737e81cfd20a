"""A laboratory's cells beside the open ones: which are held out, and what a batch shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from models.classifier.cell_views import View
from training.adaptation.laboratory import OwnCell
from training.cells import augment
from training.cells.data import NO_ATTRIBUTES, UNKNOWN
from training.cells.pack import Pack
from training.cells.sampling import Batch, Sampler
from training.data import DataError

VIEW_NAMES = {View.SEGMENTED: "on black", View.CONTEXT: "with surroundings"}

HELD_OUT = 0
"""Fold of the cells, open ones and the laboratory's, that the network is measured on."""

TRAINED = 1
"""Fold of the laboratory's other cells."""

LEAST_CELLS = 10
"""Blasts, and other cells, that a view needs."""

LEAST_GROUPS = 2
"""Patients or fields of either class that a view needs on either side."""

_HELD_OUT_SHARE = 1 / 3
_ATTEMPTS = 200
_CLASSES = {1: 0.45, 0: 0.45, UNKNOWN: 0.1}
"""Share of the laboratory's cells in a batch that are blasts, others and smudges."""


def source_of(view: View) -> str:
    """Return what a pack calls the laboratory's cells of a view."""
    return f"laboratory {view}"


def divide(cells: Sequence[OwnCell], seed: int) -> np.ndarray:
    """Hold out about a third of the patients or fields.

    Args:
        cells: Of the laboratory.
        seed: Of the draw.

    Returns:
        The fold of each cell, `HELD_OUT` or `TRAINED`; a group has one.

    Raises:
        DataError: There are too few cells, or they are of too few groups.
    """
    groups = np.array([cell.group for cell in cells])
    held_out = hold_out(groups, lambda drawn: not _lacking(cells, drawn), seed)
    if held_out is None:
        raise DataError(_too_few(cells))
    return np.where(held_out, HELD_OUT, TRAINED)


def hold_out(
    groups: np.ndarray, is_enough: Callable[[np.ndarray], bool], seed: int
) -> np.ndarray | None:
    """Draw about a third of the groups, again and again until it does.

    Args:
        groups: Name of the group of each item, (n,).
        is_enough: Tells of a mask (n,) of those held out whether both sides have what they need.
        seed: Of the draw.

    Returns:
        Such a mask, None where none was found.
    """
    names = np.unique(groups)
    rng = np.random.default_rng(seed)
    for _ in range(_ATTEMPTS):
        drawn = rng.permutation(names)[: max(1, round(_HELD_OUT_SHARE * len(names)))]
        held_out = np.isin(groups, drawn)
        if is_enough(held_out):
            return held_out
    return None


def with_laboratory(pack: Pack, cells: Sequence[OwnCell], folds: np.ndarray) -> Pack:
    """Append a laboratory's cells to a pack; no outline of theirs is known."""
    ends = np.cumsum([len(cell.picture) for cell in cells], dtype=np.int64)
    nothing = np.full(len(cells), len(pack.masks), np.int64)
    added = {
        "images": np.frombuffer(b"".join(cell.picture for cell in cells), np.uint8),
        "ends": len(pack.images) + ends,
        "masks": np.empty(0, np.uint8),
        "mask_ends": nothing,
        "source": np.array([source_of(cell.view) for cell in cells]),
        "name": np.array([cell.name for cell in cells]),
        "subject": np.full(len(cells), ""),
        "group": np.array([cell.group for cell in cells]),
        "fold": folds.astype(np.int8),
        "blast": np.array([cell.blast for cell in cells], np.int8),
        "kind": np.array([cell.kind for cell in cells], np.int8),
        "attributes": np.array([NO_ATTRIBUTES] * len(cells), np.int8),
        "area": np.zeros(len(cells), np.int32),
    }
    return Pack(**{name: np.concatenate((old, added[name])) for name, old in vars(pack).items()})


class MixedSampler:
    """Draw batches of open and of the laboratory's cells, none of them held out.

    Args:
        pack: Holds both.
        share: Of a batch that is the laboratory's, 0..1.
        seed: With the step alone it decides what is drawn.
    """

    def __init__(self, pack: Pack, share: float, seed: int) -> None:
        self._pack, self._share, self._seed = pack, share, seed
        self._open = Sampler(pack, HELD_OUT, seed)
        own = pack.training(HELD_OUT) & np.isin(pack.source, [source_of(view) for view in View])
        self._classes = {
            blast: _by_group(pack, own & (pack.blast == blast))
            for blast in _CLASSES
            if (own & (pack.blast == blast)).any()
        }

    def batch(self, step: int, size: int) -> Batch:
        """Draw the batch of a step."""
        own = round(size * self._share)
        # Another stream of chance than that of the open cells.
        rng = np.random.default_rng((self._seed, step, own))
        rows = np.array([self._own_cell(rng) for _ in range(own)], np.int64)
        pictures = [self._varied(int(row), rng) for row in rows]
        if own == size:
            return Batch(np.stack(pictures), rows, np.zeros(own, bool))
        opened = self._open.batch(step, size - own)
        return Batch(
            np.concatenate((opened.pictures, pictures)) if own else opened.pictures,
            np.concatenate((opened.rows, rows)),
            np.concatenate((opened.smudged, np.zeros(own, bool))),
        )

    def _own_cell(self, rng: np.random.Generator) -> int:
        """Draw a class, then a patient of it, so that nobody's many cells outweigh the others."""
        weights = np.array([_CLASSES[blast] for blast in self._classes])
        of_class = list(self._classes.values())[
            int(rng.choice(len(weights), p=weights / weights.sum()))
        ]
        return int(rng.choice(of_class[int(rng.integers(len(of_class)))]))

    def _varied(self, row: int, rng: np.random.Generator) -> np.ndarray:
        on_black = self._pack.source[row] == source_of(View.SEGMENTED)
        vary = augment.vary_on_black if on_black else augment.vary_context
        return vary(self._pack.image(row), rng)[..., ::-1]


def _by_group(pack: Pack, chosen: np.ndarray) -> list[np.ndarray]:
    return [np.flatnonzero(chosen & (pack.group == name)) for name in np.unique(pack.group[chosen])]


def _lacking(cells: Sequence[OwnCell], held_out: np.ndarray) -> bool:
    """Tell whether a view has too few cells of a class, or of too few groups on a side."""
    return any(
        _is_few(cells, held_out, view, blast)
        for view in {cell.view for cell in cells}
        for blast in (0, 1)
    )


def _is_few(cells: Sequence[OwnCell], held_out: np.ndarray, view: View, blast: int) -> bool:
    rows = [row for row, cell in enumerate(cells) if cell.view == view and cell.blast == blast]
    sides = ({cells[row].group for row in rows if held_out[row] == side} for side in (True, False))
    return len(rows) < LEAST_CELLS or any(len(groups) < LEAST_GROUPS for groups in sides)


def _too_few(cells: Sequence[OwnCell]) -> str:
    counts = "; ".join(
        f"{VIEW_NAMES[view]} {_counted(cells, view, 1)} blasts and "
        f"{_counted(cells, view, 0)} others"
        for view in sorted({cell.view for cell in cells})
    )
    return (
        f"There are too few cells, or they are of too few patients: {counts or 'none'}. Each "
        f"view needs {LEAST_CELLS} blasts and {LEAST_CELLS} other cells, either of "
        f"{2 * LEAST_GROUPS} patients or fields at least, so that {LEAST_GROUPS} can be held out "
        "and as many trained on. A laboratory model (flask learn) does with fewer."
    )


def _counted(cells: Sequence[OwnCell], view: View, blast: int) -> str:
    of_class = [cell for cell in cells if cell.view == view and cell.blast == blast]
    return f"{len(of_class)} (of {len({cell.group for cell in of_class})})"
