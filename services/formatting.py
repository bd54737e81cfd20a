"""Names and times for people, on pages and in reports."""

from __future__ import annotations

from datetime import datetime

LABEL_NAMES = {
    "blast": "Blast",
    "unclassified": "Unclassified",
    "lymphocyte": "Lymphocyte",
    "monocyte": "Monocyte",
    "neutrophil": "Neutrophil",
    "eosinophil": "Eosinophil",
    "basophil": "Basophil",
    "immature_granulocyte": "Immature granulocyte",
    "other": "Other white cell",
    "erythroblast": "Erythroblast",
    "smudge": "Smudge cell",
    "artefact": "Artefact",
    "not_a_cell": "Not a cell",
}
"""By label of `records.cases.reviews.LABELS`, in the order in which a reader looks through them."""

SPECIMEN_NAMES = {"blood": "Peripheral blood", "marrow": "Bone marrow"}
"""By `records.cases.cases.Case.specimen`."""


def format_datetime(moment: datetime) -> str:
    """Write a point in time (aware, UTC) for a reader."""
    return f"{moment:%d %b %Y, %H:%M} UTC"
