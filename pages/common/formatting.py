"""How results, probabilities, sizes and times are put into words on every page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Flask, url_for

from core.taxonomy import WHITE_CELLS
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
    interval_words,
    share_words,
)
from services.formatting import SPECIMEN_NAMES, format_datetime


@dataclass(frozen=True)
class ResultWords:
    """One result, or state of a case, for a reader: its word, icon and tone (a CSS class), meaning,
    what to do next."""

    word: str
    icon: str
    tone: str
    meaning: str
    next_step: str


RESULT_WORDS = {
    analyses.ALL_BLAST: ResultWords(
        "ALL blast",
        "exclamation-triangle",
        "blast",
        "The model reads this cell as a lymphoblast of acute lymphoblastic leukaemia.",
        "Look at the cell and at the rest of the smear yourself. If you agree, follow your "
        "laboratory's procedure for suspected blasts: a full differential, and immunophenotyping "
        "before any diagnosis.",
    ),
    analyses.NORMAL: ResultWords(
        "Normal",
        "check-circle",
        "normal",
        "The model reads this cell as normal, not as a lymphoblast.",
        "One normal cell says nothing of the others: a smear with blasts has normal cells too. "
        "Look at the cell yourself and go on with the differential.",
    ),
    analyses.UNCERTAIN: ResultWords(
        "Uncertain",
        "question-circle",
        "uncertain",
        "The probability lies where the model is often wrong, so it gives no answer.",
        "Count this neither as normal nor as a blast. Decide by the morphology yourself; a sharp "
        "image with one cell in its middle may help the model.",
    ),
    analyses.NOT_USABLE: ResultWords(
        "Not usable",
        "x-circle",
        "not-usable",
        "The model was not asked, because this image cannot be read reliably.",
        "Take or crop the image again and upload that. Nothing is said about the cell.",
    ),
    analyses.BLASTS: ResultWords(
        "Blasts found",
        "exclamation-triangle",
        "blast",
        "The model calls at least one cell of this field a blast.",
        "Look at the cells it marks yourself, the most suspicious first. If you agree with any, "
        "follow your laboratory's procedure for suspected blasts.",
    ),
    analyses.NO_BLASTS: ResultWords(
        "No blasts found",
        "check-circle",
        "normal",
        "The model found white cells in this field, and calls none of them a blast.",
        "A field without a found blast does not rule blasts out. Look at further fields, and at "
        "the white cells of this one.",
    ),
    analyses.NO_WHITE_CELLS: ResultWords(
        "No white cells",
        "question-circle",
        "uncertain",
        "The model found no white cell in this field, so it says nothing about blasts.",
        "Choose a field with white cells, in the thin part of the smear, stained and in focus.",
    ),
}
QUALITY_TITLES = {
    QualityIssue.NO_CELL: "No white cell found",
    QualityIssue.SEVERAL_CELLS: "Several cells",
    QualityIssue.CUT_OFF: "The cell is cut off",
    QualityIssue.BLURRED: "Out of focus",
    QualityIssue.OVER_EXPOSED: "Over-exposed",
    QualityIssue.DARK: "Too dark",
    QualityIssue.BLANK: "Nothing to see",
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

VIEW_WORDS = {
    View.SEGMENTED: "Cell cut out, on black",
    View.CONTEXT: "Cell with its surroundings",
}
STATE_WORDS = {
    states.CaseState.OPEN: ResultWords(
        "Not reviewed",
        "eye-slash",
        "not-usable",
        "Nobody has reviewed a cell of this case yet.",
        "Add fields, then look through their cells in the reading room.",
    ),
    states.CaseState.IN_REVIEW: ResultWords(
        "In review",
        "eye",
        "uncertain",
        "Some cells were reviewed. Nothing is signed.",
        "Go on in the reading room. A reviewer signs when all suspicious cells were seen.",
    ),
    states.CaseState.FIRST_SIGNED: ResultWords(
        "First reader signed",
        "check-circle",
        "uncertain",
        "One reader has signed. A second one must agree before the case is final.",
        "A second reviewer looks at the cells and signs.",
    ),
    states.CaseState.SIGNED: ResultWords(
        "Signed",
        "check-circle",
        "normal",
        "A reviewer has signed this case. Nothing of it changes.",
        "Fetch the report. Whoever finds a mistake asks a reviewer to open an amendment.",
    ),
    states.CaseState.AMENDING: ResultWords(
        "Being amended",
        "clock-history",
        "uncertain",
        "A signed case was opened again. Its former versions stay.",
        "Correct what is to be corrected; then a reviewer signs the new version.",
    ),
}
KIND_WORDS = {
    analyses.AnalysisKind.CLASSIFICATION: "Cell",
    analyses.AnalysisKind.DETECTION: "Field",
}


def init_app(app: Flask) -> None:
    """Give the words to the templates."""
    app.jinja_env.globals.update(
        result_words=RESULT_WORDS,
        quality_titles=QUALITY_TITLES,
        view_words=VIEW_WORDS,
        kind_words=KIND_WORDS,
        specimen_names=SPECIMEN_NAMES,
        state_words=STATE_WORDS,
    )
    app.jinja_env.filters.update(
        percent=percent,
        file_size=file_size,
        when=format_datetime,
        summary=summary,
        quality_sentence=quality_sentence,
        share_words=share_words,
        interval_words=interval_words,
    )


def percent(probability: float) -> str:
    """A probability (0..1) as whole per cent; never rounded to certainty."""
    if probability < 0.01:
        return "under 1%"
    if probability > 0.99:
        return "over 99%"
    return f"{probability:.0%}"


def file_size(count: int) -> str:
    """A number of bytes for a reader."""
    if count < 1024:
        return f"{count} bytes"
    if count < 1024**2:
        return f"{count / 1024:.0f} kB"
    return f"{count / 1024**2:.1f}".removesuffix(".0") + " MB"


def summary(analysis: Analysis) -> str:
    """The gist of a finding in a few words, beside the word of its result."""
    if analysis.kind == analyses.AnalysisKind.DETECTION:
        return share_summary(blast_share(field_findings(analysis, WHITE_CELLS)))
    if analysis.probability is None:
        return quality_sentence(cell_finding(analysis)) or ""
    return f"Probability of ALL blast: {percent(analysis.probability)}"


def quality_sentence(finding: Classification) -> str | None:
    """What speaks against a cell image and what to do, in a sentence; None where nothing does."""
    if finding.code is None:
        return None
    sentence = QUALITY_SENTENCES[finding.code]
    return sentence.format(width=finding.width, height=finding.height)


def share_summary(share: BlastShare) -> str:
    """The gist of what was found in a field, or in several."""
    return f"{share.blasts} of {share.white_cells} white cells found were called blasts"


def read_document(result: str, analysis_id: str, url: str, said: str) -> dict[str, Any]:
    """What the scripts show of a file that was read: its result in words, and where to find it."""
    words = RESULT_WORDS[result]
    return {
        "url": url,
        "thumbnail": url_for("history.thumbnail", analysis_id=analysis_id),
        "word": words.word,
        "icon": words.icon,
        "tone": words.tone,
        "summary": said,
    }
