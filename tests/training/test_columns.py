"""Cells as columns."""

from dataclasses import dataclass

import numpy as np

from training.columns import Columns


@dataclass(frozen=True)
class Named(Columns):
    """Cells with a name and a place."""

    names: np.ndarray
    places: np.ndarray


CELLS = Named(np.array(["a", "b", "c"]), np.arange(6).reshape(3, 2))


def test_cells_are_chosen_by_mask_or_index():
    assert CELLS.select(np.array([False, True, True])).names.tolist() == ["b", "c"]
    assert CELLS.select(np.array([2, 0])).places.tolist() == [[4, 5], [0, 1]]


def test_parts_are_joined_in_order():
    both = Named.concatenate([CELLS.select(np.array([2])), CELLS])
    assert isinstance(both, Named)
    assert both.names.tolist() == ["c", "a", "b", "c"]
    assert both.places.shape == (4, 2)
