"""The reference cells that the reading room shows of each class."""

from __future__ import annotations

from dataclasses import dataclass

from services.formatting import CLASS_TEXTS

SIDE, COUNT = 80, 6
"""Pixels of a cell, and cells of a class, which lie in one row."""

PBC = "PBC, CC BY 4.0"
CNMC = "C-NMC 2019, CC BY 3.0"

SOURCES = {
    "blast": CNMC,
    "lymphocyte": PBC,
    "monocyte": PBC,
    "neutrophil": PBC,
    "eosinophil": PBC,
    "basophil": PBC,
    "immature_granulocyte": PBC,
    "erythroblast": PBC,
}
"""The image set and licence of each class that has reference cells: static/reference_cells/."""


@dataclass(frozen=True)
class Reference:
    """A row of reference cells of one class; `width` in pixels."""

    label: str
    name: str
    source: str
    file: str
    count: int = COUNT
    width: int = COUNT * SIDE


REFERENCES = tuple(
    Reference(label, CLASS_TEXTS[label], source, f"reference_cells/{label}.webp")
    for label, source in SOURCES.items()
)
