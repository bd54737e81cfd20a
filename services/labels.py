"""What specimens and the classes of white cells are called, on pages and in reports."""

from __future__ import annotations

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
