"""A cell's kind and form as the classifier gives them, in a haematologist's words."""

from __future__ import annotations

from collections.abc import Mapping

KIND_TEXTS = {
    "blast": "Blast",
    "lymphocyte": "Lymphocyte",
    "monocyte": "Monocyte",
    "neutrophil_segmented": "Segmented neutrophil",
    "neutrophil_band": "Band neutrophil",
    "eosinophil": "Eosinophil",
    "basophil": "Basophil",
    "immature_granulocyte": "Immature granulocyte",
    "erythroblast": "Erythroblast",
    "smudge": "Smudge cell",
    "artefact": "Giant platelet or artefact",
}

_ATTRIBUTE_TEXTS = {
    "cell_size": "Cell size",
    "cell_shape": "Cell shape",
    "nucleus_shape": "Nucleus",
    "nuclear_cytoplasmic_ratio": "N:C ratio",
    "chromatin_density": "Chromatin",
    "cytoplasm_vacuole": "Vacuoles",
    "cytoplasm_texture": "Cytoplasm texture",
    "cytoplasm_colour": "Cytoplasm colour",
    "granule_type": "Granules",
    "granule_colour": "Granule colour",
    "granularity": "Granular",
}
_VALUE_TEXTS = {
    "big": "large",
    "densely": "dense",
    "loosely": "loose",
    "nil": "none",
    "segmented-bilobed": "segmented, two lobes",
    "segmented-multilobed": "segmented, several lobes",
    "unsegmented-band": "band",
    "unsegmented-indented": "indented",
    "unsegmented-round": "round",
}


def describe(kind: str | None, morphology: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return what is said of a cell as pairs of a heading and its value.

    Args:
        kind: One of `core.taxonomy.TRAINING_KINDS`, None where the classifier does not tell.
        morphology: Value of each attribute; empty likewise. What has no name here keeps its code.
    """
    named = [("Kind", KIND_TEXTS.get(kind, kind))] if kind else []
    form = [
        (_ATTRIBUTE_TEXTS.get(name, name), _VALUE_TEXTS.get(value, value))
        for name, value in morphology.items()
    ]
    return [*named, *form]
