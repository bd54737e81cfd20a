"""Which cells a batch shows, and on which backgrounds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.cells import augment, smudges
from training.cells.pack import Pack
from training.data import DataError

BLACK_SHARE = 0.55
"""Share of a batch that is C-NMC's cells on black."""

_BLAST_SHARE = 0.5
_COMPOSITED_BLASTS = 0.5
_COMPOSITED_NORMALS = 0.25
"""Shares of the blasts and the normal cells in context that are C-NMC's, composited."""

_OWN_BACKGROUND = 0.35
"""Share of cells in context that keep their own background where its set was drawn."""

_TXL_SHARE = 0.35
"""Share of the normal cells in context with a kind of their own set that are TXL-PBC's instead."""

_GROUNDS = ("lmu", "pbc", "background")
_HOMES = {"txl": "background"}
"""Where a set's own backgrounds are, unless they go by its name."""


_SMUDGE_SHARE = 0.08
"""Share of a batch that is smudges."""


@dataclass(frozen=True)
class Batch:
    """Pictures to train on.

    Attributes:
        pictures: uint8 RGB (n, SIZE, SIZE, 3).
        rows: Rows of the pack that they show, (n,).
        smudged: Whether the cell was made a smudge, bool (n,).
    """

    pictures: np.ndarray
    rows: np.ndarray
    smudged: np.ndarray


class Sampler:
    """Draw training batches without a held-out fold, by seed and step alone."""

    def __init__(self, pack: Pack, held_out: int | None, seed: int) -> None:
        self._pack = pack
        self._seed = seed
        training = pack.training(held_out)
        self._subjects = {
            blast: _by_root(pack, training & (pack.source == "cnmc") & (pack.blast == blast))
            for blast in (0, 1)
        }
        self._kinds = _by_kind(pack, training & (pack.source == "pbc"))
        self._lmu = np.flatnonzero(training & (pack.source == "lmu"))
        self._txl = np.flatnonzero(training & (pack.source == "txl"))
        allowed = training | (pack.source == "background")
        self._grounds = {
            ground: np.flatnonzero(allowed & (pack.source == ground)) for ground in _GROUNDS
        }
        self._check()

    def batch(self, step: int, size: int) -> Batch:
        """Draw the batch of a step."""
        rng = np.random.default_rng((self._seed, step))
        smudged = rng.random(size) < _SMUDGE_SHARE
        shown = [self._smudge(rng) if burst else self._one(rng) for burst in smudged]
        pictures = np.stack([picture[..., ::-1] for picture, _ in shown])
        return Batch(pictures, np.array([row for _, row in shown]), smudged)

    def context(self, rng: np.random.Generator) -> tuple[np.ndarray, int, str]:
        """Draw a cell in context before it is varied: BGR picture, row, background's set.

        The background's set is drawn before and without regard to the cell's class, so that the
        set is no sign of the class.
        """
        ground = _GROUNDS[int(rng.integers(len(_GROUNDS)))]
        row = self._context_cell(rng)
        pack = self._pack
        source = str(pack.source[row])
        if _HOMES.get(source, source) == ground and rng.random() < _OWN_BACKGROUND:
            return pack.image(row), row, ground
        under = int(rng.choice(self._grounds[ground]))
        picture = augment.composite(
            pack.image(row),
            pack.mask(row),
            pack.image(under),
            pack.mask(under),
            on_black=bool(pack.source[row] == "cnmc"),
        )
        return picture, row, ground

    def _check(self) -> None:
        """Raise DataError where a set has nothing to train on."""
        there = {"cnmc": all(cells for cells, _ in self._subjects.values())}
        there |= {"kinds of pbc": bool(self._kinds), "txl": bool(self._txl.size)}
        there |= {ground: bool(rows.size) for ground, rows in self._grounds.items()}
        missing = [name for name, found in there.items() if not found]
        if missing:
            raise DataError(f"The pack has nothing to train on of: {', '.join(missing)}.")

    def _one(self, rng: np.random.Generator) -> tuple[np.ndarray, int]:
        if rng.random() < BLACK_SHARE:
            row = self._subject_cell(rng, int(rng.random() < _BLAST_SHARE))
            return augment.vary_on_black(self._pack.image(row), rng), row
        picture, row, _ = self.context(rng)
        return augment.vary_context(picture, rng), row

    def _smudge(self, rng: np.random.Generator) -> tuple[np.ndarray, int]:
        """Draw a smudge of any cell, on the background of any set."""
        ground = _GROUNDS[int(rng.integers(len(_GROUNDS)))]
        row, under = self._context_cell(rng), int(rng.choice(self._grounds[ground]))
        pack = self._pack
        background = smudges.emptied(pack.image(under), pack.mask(under))
        on_black = bool(pack.source[row] == "cnmc")
        picture = smudges.smudge(
            pack.image(row), pack.mask(row), background, rng, on_black=on_black
        )
        return augment.vary_context(picture, rng), row

    def _context_cell(self, rng: np.random.Generator) -> int:
        blast = int(rng.random() < _BLAST_SHARE)
        if rng.random() < (_COMPOSITED_BLASTS if blast else _COMPOSITED_NORMALS):
            return self._subject_cell(rng, blast)
        if blast:
            return int(rng.choice(self._lmu))
        if rng.random() < _TXL_SHARE:
            return int(rng.choice(self._txl))
        return int(rng.choice(self._kinds[int(rng.integers(len(self._kinds)))]))

    def _subject_cell(self, rng: np.random.Generator, blast: int) -> int:
        cells, weights = self._subjects[blast]
        return int(rng.choice(cells[int(rng.choice(len(cells), p=weights))]))


def _by_root(pack: Pack, chosen: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
    """Return rows by subject, and each subject's chance: the root of its number of cells."""
    names = np.unique(pack.subject[chosen])
    cells = [np.flatnonzero(chosen & (pack.subject == name)) for name in names]
    weights = np.sqrt([len(rows) for rows in cells])
    return cells, weights / weights.sum()


def _by_kind(pack: Pack, chosen: np.ndarray) -> list[np.ndarray]:
    kinds = np.unique(pack.kind[chosen & (pack.kind >= 0)])
    return [np.flatnonzero(chosen & (pack.kind == kind)) for kind in kinds]
