"""Cells as columns: frozen dataclasses whose fields are arrays (n, ...), one entry a cell."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np


@dataclass(frozen=True)
class Columns:
    """Select and concatenate the rows of all columns at once."""

    def select(self, rows: np.ndarray) -> Self:
        """Return the cells of a mask or of indexes."""
        return type(self)(*(values[rows] for values in vars(self).values()))

    @classmethod
    def concatenate(cls, parts: Sequence[Self]) -> Self:
        """Return the cells of all parts."""
        columns = zip(*(vars(part).values() for part in parts), strict=True)
        return cls(*(np.concatenate(values) for values in columns))
