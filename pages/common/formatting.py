"""Texts of results, probabilities, sizes and times, for every page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Flask, url_for

from core.taxonomy import WHITE_CELLS
from imaging.decoding import formats
from models.classifier.cell_views import View
from models.findings import Classification, QualityIssue
from models.quality_control.checks import MIN_SIDE
from records.analyses import analyses
from records.analyses.analyses import Analysis
from records.cases import states
from services.analyses.findings import (
    BlastShare,
    blast_share,
    cell_finding,
    field_findings,
    format_interval,
    format_share,
)
from services.formatting import SPECIMEN_NAMES, format_datetime


@dataclass(frozen=True)
class ResultText:
    """One result, or state of a case, for people: its word, icon and tone (a CSS class), meaning,
    what to do next."""

    word: str
    icon: str
    tone: str
    meaning: str
    next_step: str


RESULT_TEXTS = {
    analyses.ALL_BLAST: ResultText(
        "ALL blast",
        "exclamation-triangle",
        "blast",
        "The model classifies this cell as a lymphoblast (ALL).",
        "Examine the cell and the rest of the smear. If you agree, follow your procedure for "
        "suspected blasts: full differential, then immunophenotyping before any diagnosis.",
    ),
    analyses.NORMAL: ResultText(
        "Normal",
        "check-circle",
        "normal",
        "The model classifies this cell as normal.",
        "One normal cell does not rule out blasts elsewhere. Examine the cell and continue the "
        "differential.",
    ),
    analyses.UNCERTAIN: ResultText(
        "Uncertain",
        "question-circle",
        "uncertain",
        "The probability is in the range where the model is often wrong, so it gives no answer.",
        "Count this cell neither as normal nor as a blast. Decide by morphology. A sharp image of "
        "one centred cell may help the model.",
    ),
    analyses.NOT_USABLE: ResultText(
        "Not usable",
        "x-circle",
        "not-usable",
        "The image cannot be analysed reliably, so the model did not classify it.",
        "Take or crop the image again and upload it. There is no result for this cell.",
    ),
    analyses.BLASTS: ResultText(
        "Blasts found",
        "exclamation-triangle",
        "blast",
        "The model calls at least one cell in this field a blast.",
        "Check the marked cells, most suspicious first. If you agree, follow your procedure for "
        "suspected blasts.",
    ),
    analyses.NO_BLASTS: ResultText(
        "No blasts found",
        "check-circle",
        "normal",
        "The model found white cells in this field and calls none of them a blast.",
        "This does not rule out blasts. Check the white cells here and in further fields.",
    ),
    analyses.NO_WHITE_CELLS: ResultText(
        "No white cells",
        "question-circle",
        "uncertain",
        "The model found no white cells in this field, so blasts cannot be assessed.",
        "Choose a stained, focused field with white cells from the thin part of the smear.",
    ),
}
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
}
QUALITY_SENTENCES = {
    QualityIssue.BLANK: "The image is blank. Choose one that shows a single stained white cell.",
    QualityIssue.NO_COLOUR: (
        "The image has no colour. The stain's colours are needed: take it in colour."
    ),
    QualityIssue.NO_CELL: (
        "No white cell was found. Use a sharp crop of one cell from a Romanowsky-stained smear."
    ),
    QualityIssue.SEVERAL_CELLS: (
        "There are several white cells. Use Detect to find them all, or crop one."
    ),
    QualityIssue.OVER_EXPOSED: "The image is over-exposed. Take it again with less light.",
    QualityIssue.DARK: "The image is too dark. Take it again with more light.",
    QualityIssue.CUT_OFF: (
        "The cell is cut off by the image's edge. Crop it again, with a little around it."
    ),
    QualityIssue.BLURRED: "The cell is out of focus. Focus on it and take the image again.",
    QualityIssue.TOO_SMALL: (
        "The image is only {width} × {height} pixels. Crop the cell from a larger original: at "
        f"least {MIN_SIDE} pixels a side."
    ),
}
"""What speaks against an image, and what to do."""

VIEW_NAMES = {
    View.SEGMENTED: "Segmented cell on black",
    View.CONTEXT: "Cell in its context",
}
STATE_TEXTS = {
    states.CaseState.OPEN: ResultText(
        "Not reviewed",
        "eye-slash",
        "not-usable",
        "No cells are reviewed yet.",
        "Add fields, then review their cells in the reading room.",
    ),
    states.CaseState.IN_REVIEW: ResultText(
        "In review",
        "eye",
        "uncertain",
        "Some cells are reviewed. Nothing is signed.",
        "Continue in the reading room. A reviewer signs once all suspicious cells are reviewed.",
    ),
    states.CaseState.FIRST_SIGNED: ResultText(
        "First reviewer signed",
        "check-circle",
        "uncertain",
        "One reviewer has signed. A second must sign before the case is final.",
        "The second reviewer reviews the cells and signs.",
    ),
    states.CaseState.SIGNED: ResultText(
        "Signed",
        "check-circle",
        "normal",
        "Signed by a reviewer. Locked.",
        "Download the report. To correct an error, ask a reviewer to amend.",
    ),
    states.CaseState.AMENDING: ResultText(
        "Being amended",
        "clock-history",
        "uncertain",
        "Reopened for amendment. Earlier versions are kept.",
        "Correct the error. A reviewer then signs the new version.",
    ),
}
KIND_NAMES = {
    analyses.AnalysisKind.CLASSIFICATION: "Cell",
    analyses.AnalysisKind.DETECTION: "Field",
}


def init_app(app: Flask) -> None:
    """Add texts and filters to the templates."""
    app.jinja_env.globals.update(
        result_texts=RESULT_TEXTS,
        quality_titles=QUALITY_TITLES,
        view_names=VIEW_NAMES,
        kind_names=KIND_NAMES,
        specimen_names=SPECIMEN_NAMES,
        state_texts=STATE_TEXTS,
        image_formats=formats.NAMES,
        accepted_images=formats.ACCEPT,
    )
    app.jinja_env.filters.update(
        percent=percent,
        file_size=file_size,
        format_name=format_name,
        format_datetime=format_datetime,
        summary=summary,
        quality_sentence=quality_sentence,
        format_share=format_share,
        format_interval=format_interval,
    )


def percent(probability: float) -> str:
    """Format a probability (0..1) as whole per cent, never rounded to certainty."""
    if probability < 0.01:
        return "under 1%"
    if probability > 0.99:
        return "over 99%"
    return f"{probability:.0%}"


def file_size(count: int) -> str:
    """Format a number of bytes."""
    if count < 1024:
        return f"{count} bytes"
    if count < 1024**2:
        return f"{count / 1024:.0f} kB"
    power, unit = (2, "MB") if count < 1024**3 else (3, "GB")
    return f"{count / 1024**power:.1f}".removesuffix(".0") + f" {unit}"


def format_name(key: str) -> str:
    """Name the format of a kept file as people write it."""
    known = formats.BY_KEY.get(key)
    return known.name if known else key


def summary(analysis: Analysis) -> str:
    """Summarise a finding in a few words, beside the word of its result."""
    if analysis.kind == analyses.AnalysisKind.DETECTION:
        return share_summary(blast_share(field_findings(analysis, WHITE_CELLS)))
    if analysis.probability is None:
        return quality_sentence(cell_finding(analysis)) or ""
    return f"Probability of ALL blast: {percent(analysis.probability)}"


def quality_sentence(finding: Classification) -> str | None:
    """Say what is wrong with a cell image and what to do; None if nothing is."""
    if finding.code is None:
        return None
    sentence = QUALITY_SENTENCES[finding.code]
    return sentence.format(width=finding.width, height=finding.height)


def share_summary(share: BlastShare) -> str:
    """Summarise the blasts of one field or of several."""
    return f"Blasts: {share.blasts} of {share.white_cells} white cells"


def result_to_dict(result: str, analysis_id: str, url: str, sentence: str) -> dict[str, Any]:
    """Describe the result of an analysed file to the scripts."""
    text = RESULT_TEXTS[result]
    return {
        "url": url,
        "thumbnail": url_for("history.thumbnail", analysis_id=analysis_id),
        "word": text.word,
        "icon": text.icon,
        "tone": text.tone,
        "summary": sentence,
    }
