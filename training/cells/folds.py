"""Five folds: cells of one subject, or of one image, are never on both sides."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from training.cells.data import Cell

FOLDS = 5
CHECK_FOLD = -1
"""Of cells that no fold trains on."""

FINAL = "final"
"""Folder of the network that no cell was held out of."""

SEED = 20261129
"""Chosen before any training."""

_DUPLICATE = 0.995
"""Correlation of two thumbnails from which on they show one cell."""


def assign_folds(cells: Sequence[Cell], groups: Sequence[str] | None = None) -> list[int]:
    """Return the fold of each cell.

    C-NMC's subjects are dealt to the folds one class after the other, the largest groups first;
    cells of unknown people by the hash of their group; SN-AM's get `CHECK_FOLD`.

    Args:
        cells: The cells of all sets.
        groups: Group of each cell where duplicates were merged; by default the cells' own.
    """
    groups = groups or [cell.group for cell in cells]
    dealt = deal_subjects([cell for cell in cells if cell.source == "cnmc"])
    return [_fold(cell, group, dealt) for cell, group in zip(cells, groups, strict=True)]


def deal_subjects(cells: Iterable[Cell]) -> dict[str, int]:
    """Deal groups of subjects to folds, equal in subjects and then in cells of each class."""
    cells = list(cells)
    rng = np.random.default_rng(SEED)
    folds: dict[str, int] = {}
    for blast in (0, 1):
        of_class = [cell for cell in cells if cell.blast == blast]
        sizes = Counter(cell.group for cell in of_class)
        people = Counter(group for group, _ in {(c.group, c.subject) for c in of_class})
        load = [(0, 0)] * FOLDS
        order = rng.permutation(sorted(sizes)).tolist()
        for group in sorted(order, key=lambda group: (-people[group], -sizes[group])):
            fold = min(range(FOLDS), key=lambda number: load[number])
            subjects, count = load[fold]
            load[fold] = subjects + people[group], count + sizes[group]
            folds[group] = fold
    return folds


def merge_duplicates(groups: Sequence[str], thumbnails: np.ndarray) -> list[str]:
    """Give cells whose thumbnails match one group.

    Args:
        groups: Group of each cell.
        thumbnails: Float (n, d), one small picture a cell.

    Returns:
        The groups, each renamed to the first one that it was merged with.
    """
    centred = thumbnails - thumbnails.mean(axis=1, keepdims=True)
    norms = np.linalg.norm(centred, axis=1, keepdims=True)
    unit = (centred / np.maximum(norms, 1e-6)).astype(np.float32)
    root = {group: group for group in groups}
    for row in range(len(unit)):
        duplicates = np.flatnonzero(unit[row + 1 :] @ unit[row] > _DUPLICATE) + row + 1
        for other in duplicates.tolist():
            first, second = _root(root, groups[row]), _root(root, groups[other])
            root[second] = first
    return [_root(root, group) for group in groups]


def _root(root: dict[str, str], group: str) -> str:
    while root[group] != group:
        group = root[group]
    return group


def _fold(cell: Cell, group: str, dealt: dict[str, int]) -> int:
    if cell.source == "snam":
        return CHECK_FOLD
    if cell.source == "cnmc":
        return dealt[cell.group]
    return int(hashlib.sha256(f"{SEED}:{group}".encode()).hexdigest(), 16) % FOLDS
