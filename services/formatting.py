"""Names and times for people, on pages and in reports."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from core.coding import BLOOD, MARROW
from core.taxonomy import CLASS_NAMES, DETECTED, CellClasses
from models.findings import Namer, Quality, QualityIssue
from records.cases.cases import Priority
from services.language import gettext, join, lazy_gettext, lower_first

CLASS_TEXTS = {code: lazy_gettext(name) for code, name in CLASS_NAMES.items()}
"""What reviewers call a cell, by the code of the class; `class_texts` has own classes as well."""

FIELD_CLASS_TEXTS = {
    code: replace(one, name=lazy_gettext(one.name), plural=lazy_gettext(one.plural))
    for code, one in DETECTED.items()
}
"""What the models call a cell of a field, by the code of the class."""

NAMERS = {Namer.DETECTOR: lazy_gettext("Detector"), Namer.CLASSIFIER: lazy_gettext("Classifier")}
"""What a network is called."""

SPECIMEN_NAMES = {BLOOD: lazy_gettext("Peripheral blood"), MARROW: lazy_gettext("Bone marrow")}
"""By `records.cases.cases.Case.specimen`."""

PRIORITY_NAMES = {
    Priority.ROUTINE: lazy_gettext("Routine"),
    Priority.URGENT: lazy_gettext("Urgent"),
    Priority.STAT: lazy_gettext("Stat"),
}

NOT_VALIDATED = {
    MARROW: lazy_gettext(
        "Normal precursors look like blasts, so do not rely on any call or count of a model."
    )
}
"""What follows, by kind of specimen, from a model not being validated for it."""

QUALITY_TITLES = {
    QualityIssue.NO_CELL: lazy_gettext("No white cell found"),
    QualityIssue.SEVERAL_CELLS: lazy_gettext("Several cells"),
    QualityIssue.CUT_OFF: lazy_gettext("Cell cut off"),
    QualityIssue.BLURRED: lazy_gettext("Out of focus"),
    QualityIssue.OVER_EXPOSED: lazy_gettext("Over-exposed"),
    QualityIssue.DARK: lazy_gettext("Too dark"),
    QualityIssue.BLANK: lazy_gettext("Blank image"),
    QualityIssue.NO_COLOUR: lazy_gettext("No colour"),
    QualityIssue.TOO_SMALL: lazy_gettext("Too small"),
    QualityIssue.NOT_A_SMEAR: lazy_gettext("Not a smear"),
    QualityIssue.CUT_OUT: lazy_gettext("Single cell, cut out"),
    QualityIssue.PALE: lazy_gettext("Pale stain"),
    QualityIssue.COLOUR_CAST: lazy_gettext("Colour cast"),
    QualityIssue.OVERLAY: lazy_gettext("Overlay on the image"),
    QualityIssue.COMPRESSED: lazy_gettext("Strong compression"),
    QualityIssue.LOW_RESOLUTION: lazy_gettext("Low resolution"),
}
"""What can be wrong with an image, in a few words."""


def class_texts(classes: CellClasses) -> dict[str, str]:
    """Return what reviewers call a cell, by code; own classes as they were typed."""
    return {**CLASS_TEXTS, **{one.code: one.name for one in classes.own}}


def format_not_validated(specimen: str, models: Collection[str]) -> str:
    """Say which models were not validated for a kind of specimen; empty where all were."""
    if not models:
        return ""
    if len(models) > 1:
        sentence = gettext(
            "%(specimen)s: neither model is validated for it.", specimen=SPECIMEN_NAMES[specimen]
        )
    elif "classifier" in models:
        sentence = gettext(
            "%(specimen)s: the classifier is not validated for it.",
            specimen=SPECIMEN_NAMES[specimen],
        )
    else:
        sentence = gettext(
            "%(specimen)s: the detector is not validated for it.", specimen=SPECIMEN_NAMES[specimen]
        )
    return " ".join(filter(None, (sentence, str(NOT_VALIDATED.get(specimen, "")))))


def quality_words(quality: Quality) -> str:
    """Name what is wrong with an image, as "out of focus, pale stain"."""
    return join(lower_first(QUALITY_TITLES[reason]) for reason in quality.reasons)
