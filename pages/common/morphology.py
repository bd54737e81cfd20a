"""A cell's kind and form as the classifier gives them, in a haematologist's words."""

from __future__ import annotations

from collections.abc import Mapping

from services.language import gettext, lazy_gettext, upper_first

KIND_TEXTS = {
    "blast": lazy_gettext("Blast"),
    "lymphocyte": lazy_gettext("Lymphocyte"),
    "monocyte": lazy_gettext("Monocyte"),
    "neutrophil_segmented": lazy_gettext("Segmented neutrophil"),
    "neutrophil_band": lazy_gettext("Band neutrophil"),
    "eosinophil": lazy_gettext("Eosinophil"),
    "basophil": lazy_gettext("Basophil"),
    "immature_granulocyte": lazy_gettext("Immature granulocyte"),
    "erythroblast": lazy_gettext("Erythroblast"),
    "smudge": lazy_gettext("Smudge cell"),
    "artefact": lazy_gettext("Giant platelet or artefact"),
}

_ATTRIBUTE_TEXTS = {
    "cell_size": lazy_gettext("Cell size"),
    "cell_shape": lazy_gettext("Cell shape"),
    "nucleus_shape": lazy_gettext("Nucleus"),
    "nuclear_cytoplasmic_ratio": lazy_gettext("N:C ratio"),
    "chromatin_density": lazy_gettext("Chromatin"),
    "cytoplasm_vacuole": lazy_gettext("Vacuoles"),
    "cytoplasm_texture": lazy_gettext("Cytoplasm texture"),
    "cytoplasm_colour": lazy_gettext("Cytoplasm colour"),
    "granule_type": lazy_gettext("Granules"),
    "granule_colour": lazy_gettext("Granule colour"),
    "granularity": lazy_gettext("Granular"),
}
_VALUE_TEXTS = {
    "small": lazy_gettext("small"),
    "big": lazy_gettext("large"),
    "round": lazy_gettext("round"),
    "irregular": lazy_gettext("irregular"),
    "segmented-bilobed": lazy_gettext("segmented, two lobes"),
    "segmented-multilobed": lazy_gettext("segmented, several lobes"),
    "unsegmented-band": lazy_gettext("band"),
    "unsegmented-indented": lazy_gettext("indented"),
    "unsegmented-round": lazy_gettext("round"),
    "low": lazy_gettext("low"),
    "high": lazy_gettext("high"),
    "densely": lazy_gettext("dense"),
    "loosely": lazy_gettext("loose"),
    "no": lazy_gettext("no"),
    "yes": lazy_gettext("yes"),
    "clear": lazy_gettext("clear"),
    "frosted": lazy_gettext("frosted"),
    "light blue": lazy_gettext("light blue"),
    "blue": lazy_gettext("blue"),
    "purple blue": lazy_gettext("purple blue"),
    "nil": lazy_gettext("none"),
    "coarse": lazy_gettext("coarse"),
    "pink": lazy_gettext("pink"),
    "purple": lazy_gettext("purple"),
    "red": lazy_gettext("red"),
}
_PHRASES = {
    ("cell_size", "small"): lazy_gettext("small cell"),
    ("cell_size", "big"): lazy_gettext("large cell"),
    ("cell_shape", "round"): lazy_gettext("round outline"),
    ("cell_shape", "irregular"): lazy_gettext("irregular outline"),
    ("nucleus_shape", "segmented-bilobed"): lazy_gettext("segmented, two lobes nucleus"),
    ("nucleus_shape", "segmented-multilobed"): lazy_gettext("segmented, several lobes nucleus"),
    ("nucleus_shape", "unsegmented-band"): lazy_gettext("band nucleus"),
    ("nucleus_shape", "unsegmented-indented"): lazy_gettext("indented nucleus"),
    ("nucleus_shape", "unsegmented-round"): lazy_gettext("round nucleus"),
    ("nucleus_shape", "irregular"): lazy_gettext("irregular nucleus"),
    ("nuclear_cytoplasmic_ratio", "low"): lazy_gettext("low N:C ratio"),
    ("nuclear_cytoplasmic_ratio", "high"): lazy_gettext("high N:C ratio"),
    ("chromatin_density", "densely"): lazy_gettext("dense chromatin"),
    ("chromatin_density", "loosely"): lazy_gettext("loose chromatin"),
    ("cytoplasm_vacuole", "no"): lazy_gettext("no vacuoles"),
    ("cytoplasm_vacuole", "yes"): lazy_gettext("vacuoles"),
    ("cytoplasm_texture", "clear"): lazy_gettext("clear cytoplasm"),
    ("cytoplasm_texture", "frosted"): lazy_gettext("frosted cytoplasm"),
    ("cytoplasm_colour", "light blue"): lazy_gettext("light blue cytoplasm"),
    ("cytoplasm_colour", "blue"): lazy_gettext("blue cytoplasm"),
    ("cytoplasm_colour", "purple blue"): lazy_gettext("purple blue cytoplasm"),
    ("granule_type", "nil"): lazy_gettext("no granules"),
    ("granule_type", "small"): lazy_gettext("small granules"),
    ("granule_type", "coarse"): lazy_gettext("coarse granules"),
    ("granule_type", "round"): lazy_gettext("round granules"),
    ("granule_colour", "nil"): lazy_gettext("no granule colour"),
    ("granule_colour", "pink"): lazy_gettext("pink granules"),
    ("granule_colour", "purple"): lazy_gettext("purple granules"),
    ("granule_colour", "red"): lazy_gettext("red granules"),
    ("granularity", "no"): lazy_gettext("not granular"),
    ("granularity", "yes"): lazy_gettext("granular"),
}


def attribute_name(name: str) -> str:
    """Return the heading of an attribute; one without a name here keeps its code."""
    return str(_ATTRIBUTE_TEXTS.get(name, name))


def value_name(value: str) -> str:
    """Return a value as it stands below its heading."""
    return str(_VALUE_TEXTS.get(value, value))


def in_words(name: str, value: str) -> str:
    """Return an attribute and its value as a phrase, as "loose chromatin"."""
    return upper_first(_PHRASES.get((name, value), value_name(value)))


def describe(kind: str | None, morphology: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return what is said of a cell as pairs of a heading and its value.

    Args:
        kind: One of `core.taxonomy.TRAINING_KINDS`, None where the classifier does not tell.
        morphology: Value of each attribute; empty likewise. What has no name here keeps its code.
    """
    named = [(gettext("Kind"), str(KIND_TEXTS.get(kind, kind)))] if kind else []
    form = [(attribute_name(name), value_name(value)) for name, value in morphology.items()]
    return [*named, *form]
