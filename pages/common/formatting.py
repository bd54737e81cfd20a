"""Texts of results, probabilities, sizes and times, for every page."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from flask import Flask, url_for

from core.taxonomy import WHITE_CELLS
from imaging.decoding import formats
from models.classifier.cell_views import View
from models.findings import Classification, Quality, QualityIssue
from models.quality_control.judgement import MIN_SIDE
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
    image_quality,
)
from services.formatting import QUALITY_TITLES, SPECIMEN_NAMES, format_datetime, quality_words


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
    analyses.NOT_READABLE: ResultText(
        "Not readable",
        "x-circle",
        "not-usable",
        "The image cannot be read reliably, so nothing was counted. This says nothing about the "
        "smear.",
        "Take the field again and upload it.",
    ),
}
DOUBTFUL = ResultText(
    "Doubtful image",
    "exclamation-triangle",
    "uncertain",
    "Counts may be unreliable.",
    "Take the field again if you can, and check every cell.",
)
"""What stands at every count of a field of doubtful quality."""

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
    QualityIssue.OVERLAY: (
        "Boxes, a scale bar or text cover part of the image. Upload the original without them."
    ),
    QualityIssue.COMPRESSED: (
        "Strong compression has removed detail. Upload the original, or save it at high quality."
    ),
}
"""What speaks against the image of a cell, and what to do."""

FIELD_QUALITY_SENTENCES = {
    **QUALITY_SENTENCES,
    QualityIssue.BLANK: "The image is blank. Choose a field of a stained smear.",
    QualityIssue.NO_COLOUR: (
        "The image has no colour, and cells are told apart by their stain. Take it in colour."
    ),
    QualityIssue.OVER_EXPOSED: (
        "Bright parts are washed out. Take the field again with less light or a shorter exposure."
    ),
    QualityIssue.DARK: (
        "The image is too dark. Take the field again with more light or a longer exposure."
    ),
    QualityIssue.BLURRED: (
        "The cells are out of focus. Focus on the red cells and take the field again."
    ),
    QualityIssue.TOO_SMALL: (
        "The image is only {width} × {height} pixels. Upload the original: at least "
        f"{MIN_SIDE} pixels a side."
    ),
    QualityIssue.NOT_A_SMEAR: (
        "Little or nothing in the image looks like blood cells. Upload a field of a "
        "Romanowsky-stained smear."
    ),
    QualityIssue.CUT_OUT: (
        "This is one cell cut out of its field. Use Classify for it, or upload the whole field."
    ),
    QualityIssue.PALE: (
        "The stain is pale, so cells may be missed or misnamed. Take a field that is stained well, "
        "with less light."
    ),
    QualityIssue.COLOUR_CAST: (
        "The background is tinted. Set the camera’s white balance on an empty part of the slide "
        "and take the field again."
    ),
    QualityIssue.LOW_RESOLUTION: (
        "The red cells have too few pixels to tell white cells apart. Use a higher magnification, "
        "or upload the original."
    ),
}
"""What speaks against the image of a field, and what to do."""

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
        result_text=result_text,
        quality_titles=QUALITY_TITLES,
        doubtful_text=DOUBTFUL,
        image_quality=image_quality,
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
        quality_words=quality_words,
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
        share = blast_share(field_findings(analysis, WHITE_CELLS))
        return share_summary(share, image_quality(analysis))
    if analysis.probability is None:
        return quality_sentence(cell_finding(analysis)) or ""
    return f"Probability of ALL blast: {percent(analysis.probability)}"


def quality_sentence(finding: Classification) -> str | None:
    """Say what is wrong with a cell image and what to do; None if nothing is."""
    if finding.code is None:
        return None
    sentence = QUALITY_SENTENCES[finding.code]
    return sentence.format(width=finding.width, height=finding.height)


def field_quality_sentences(quality: Quality, width: int, height: int) -> list[str]:
    """Say what is wrong with a field and what to do, a sentence or two for each reason."""
    return [
        FIELD_QUALITY_SENTENCES[reason].format(width=width, height=height)
        for reason in quality.reasons
        if reason in FIELD_QUALITY_SENTENCES
    ]


def share_summary(share: BlastShare, quality: Quality | None = None) -> str:
    """Summarise the blasts of one field or of several, with what is wrong with the image."""
    if quality and quality.not_readable:
        return f"Nothing counted: {quality_words(quality)}"
    blasts = f"Blasts: {share.blasts} of {share.white_cells} white cells"
    if quality and quality.doubtful:
        return f"{blasts}. {DOUBTFUL.word}: {quality_words(quality)}"
    return blasts


def result_text(result: str, quality: Quality | None = None) -> ResultText:
    """Return the text of a result; without a reassuring look where the image is doubtful."""
    text = RESULT_TEXTS[result]
    if quality is None or not quality.doubtful or text.tone != "normal":
        return text
    uncertain = RESULT_TEXTS[analyses.UNCERTAIN]
    return replace(text, icon=uncertain.icon, tone=uncertain.tone)


def result_to_dict(
    result: str, analysis_id: str, url: str, sentence: str, quality: Quality | None = None
) -> dict[str, Any]:
    """Describe the result of an analysed file to the scripts."""
    text = result_text(result, quality)
    return {
        "url": url,
        "thumbnail": url_for("history.thumbnail", analysis_id=analysis_id),
        "word": text.word,
        "icon": text.icon,
        "tone": text.tone,
        "summary": sentence,
    }
