"""Names and times for people, on pages and in reports."""

from __future__ import annotations

from datetime import datetime

from models.findings import Quality, QualityIssue

SPECIMEN_NAMES = {"blood": "Peripheral blood", "marrow": "Bone marrow"}
"""By `records.cases.cases.Case.specimen`."""

QUALITY_TITLES = {
    QualityIssue.NO_CELL: "No white cell found",
    QualityIssue.SEVERAL_CELLS: "Several cells",
    QualityIssue.CUT_OFF: "Cell cut off",
    QualityIssue.BLURRED: "Out of focus",
    QualityIssue.OVER_EXPOSED: "Over-exposed",
    QualityIssue.DARK: "Too dark",
    QualityIssue.BLANK: "Blank image",
    QualityIssue.NO_COLOUR: "No colour",
    QualityIssue.TOO_SMALL: "Too small",
    QualityIssue.NOT_A_SMEAR: "Not a smear",
    QualityIssue.CUT_OUT: "Single cell, cut out",
    QualityIssue.PALE: "Pale stain",
    QualityIssue.COLOUR_CAST: "Colour cast",
    QualityIssue.OVERLAY: "Overlay on the image",
    QualityIssue.COMPRESSED: "Strong compression",
    QualityIssue.LOW_RESOLUTION: "Low resolution",
}
"""What can be wrong with an image, in a few words."""


def format_datetime(time: datetime) -> str:
    """Write a point in time (aware, UTC) for a reader."""
    return f"{time:%d %b %Y, %H:%M} UTC"


def quality_words(quality: Quality) -> str:
    """Name what is wrong with an image, as "out of focus, pale stain"."""
    return ", ".join(QUALITY_TITLES[reason].lower() for reason in quality.reasons)
