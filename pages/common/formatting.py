"""Texts of results, probabilities, sizes and times, for every page."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from flask import Flask, current_app, url_for

from imaging.decoding import formats
from models.classifier.cell_views import View
from models.findings import Classification, Namer, Quality, QualityIssue
from models.quality_control.judgement import MIN_SIDE
from records import utc_now
from records.analyses import analyses
from records.analyses.analyses import Analysis
from records.cases import states
from services.analyses.findings import (
    Opinions,
    cell_finding,
    format_interval,
    format_share,
    image_quality,
    read_opinions,
)
from services.formatting import (
    NAMERS,
    PRIORITY_NAMES,
    QUALITY_TITLES,
    SPECIMEN_NAMES,
    format_not_validated,
    quality_words,
)
from services.language import (
    format_datetime,
    format_number,
    format_percent,
    gettext,
    lazy_gettext,
    localize,
    lower_first,
    ngettext,
    upper_first,
)
from services.model_cards import not_validated_for

DAY_MINUTES = 24 * 60


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
        lazy_gettext("ALL blast"),
        "exclamation-triangle",
        "blast",
        lazy_gettext("The model classifies this cell as a lymphoblast (ALL)."),
        lazy_gettext(
            "Examine the cell and the rest of the smear. If you agree, follow your procedure for "
            "suspected blasts: full differential, then immunophenotyping before any diagnosis."
        ),
    ),
    analyses.NORMAL: ResultText(
        lazy_gettext("Normal"),
        "search",
        "neutral",
        lazy_gettext("The model classifies this cell as normal."),
        lazy_gettext(
            "One normal cell does not rule out blasts elsewhere. Examine the cell and continue the "
            "differential."
        ),
    ),
    analyses.UNCERTAIN: ResultText(
        lazy_gettext("Uncertain"),
        "question-circle",
        "uncertain",
        lazy_gettext(
            "The probability is in the range where the model is often wrong, so it gives no answer."
        ),
        lazy_gettext(
            "Count this cell neither as normal nor as a blast. Decide by morphology. A sharp "
            "image of one centred cell may help the model."
        ),
    ),
    analyses.NOT_USABLE: ResultText(
        lazy_gettext("Not usable"),
        "x-circle",
        "not-usable",
        lazy_gettext("The image cannot be analysed reliably, so the model did not classify it."),
        lazy_gettext(
            "Take or crop the image again and upload it. There is no result for this cell."
        ),
    ),
    analyses.BLASTS: ResultText(
        lazy_gettext("Blasts suspected"),
        "exclamation-triangle",
        "blast",
        lazy_gettext("The model calls at least one cell in this field a blast."),
        lazy_gettext(
            "Check the marked cells, most suspicious first. If you agree, follow your procedure "
            "for suspected blasts."
        ),
    ),
    analyses.UNCERTAIN_CELLS: ResultText(
        lazy_gettext("Uncertain cells"),
        "question-circle",
        "uncertain",
        lazy_gettext(
            "The model calls no cell in this field a blast, but of at least one it cannot tell."
        ),
        lazy_gettext("Decide the uncertain cells by morphology, then check the other white cells."),
    ),
    analyses.NO_BLASTS: ResultText(
        lazy_gettext("No blasts seen"),
        "search",
        "neutral",
        lazy_gettext("The model found white cells in this field and calls none of them a blast."),
        lazy_gettext(
            "This does not rule out blasts. Check the white cells here and in further fields."
        ),
    ),
    analyses.NO_WHITE_CELLS: ResultText(
        lazy_gettext("No white cells"),
        "dash-lg",
        "uncertain",
        lazy_gettext("The model found no white cells in this field, so blasts cannot be assessed."),
        lazy_gettext(
            "Choose a stained, focused field with white cells from the thin part of the smear."
        ),
    ),
    analyses.NOT_READABLE: ResultText(
        lazy_gettext("Not readable"),
        "x-circle",
        "not-usable",
        lazy_gettext(
            "The image cannot be read reliably, so nothing was counted. This says nothing about "
            "the smear."
        ),
        lazy_gettext("Take the field again and upload it."),
    ),
}
DOUBTFUL = ResultText(
    lazy_gettext("Doubtful image"),
    "exclamation-triangle",
    "uncertain",
    lazy_gettext("Counts may be unreliable."),
    lazy_gettext("Take the field again if you can, and check every cell."),
)
"""What stands at every count of a field of doubtful quality."""

OTHER = {Namer.DETECTOR: Namer.CLASSIFIER, Namer.CLASSIFIER: Namer.DETECTOR}

QUALITY_SENTENCES = {
    QualityIssue.BLANK: lazy_gettext(
        "The image is blank. Choose one that shows a single stained white cell."
    ),
    QualityIssue.NO_COLOUR: (
        lazy_gettext("The image has no colour. The stain's colours are needed: take it in colour.")
    ),
    QualityIssue.NO_CELL: (
        lazy_gettext(
            "No white cell was found. Use a sharp crop of one cell from a Romanowsky-stained smear."
        )
    ),
    QualityIssue.SEVERAL_CELLS: (
        lazy_gettext("There are several white cells. Use Detect to find them all, or crop one.")
    ),
    QualityIssue.OVER_EXPOSED: lazy_gettext(
        "The image is over-exposed. Take it again with less light."
    ),
    QualityIssue.DARK: lazy_gettext("The image is too dark. Take it again with more light."),
    QualityIssue.CUT_OFF: (
        lazy_gettext(
            "The cell is cut off by the image's edge. Crop it again, with a little around it."
        )
    ),
    QualityIssue.BLURRED: lazy_gettext(
        "The cell is out of focus. Focus on it and take the image again."
    ),
    QualityIssue.TOO_SMALL: (
        lazy_gettext(
            "The image is only {width} × {height} pixels. Crop the cell from a larger "
            "original: at least %(min_side)s pixels a side.",
            min_side=MIN_SIDE,
        )
    ),
    QualityIssue.OVERLAY: (
        lazy_gettext(
            "Boxes, a scale bar or text cover part of the image. Upload the original without them."
        )
    ),
    QualityIssue.COMPRESSED: (
        lazy_gettext(
            "Strong compression has removed detail. Upload the original, or save it at high "
            "quality."
        )
    ),
}
"""What speaks against the image of a cell, and what to do."""

FIELD_QUALITY_SENTENCES = {
    **QUALITY_SENTENCES,
    QualityIssue.BLANK: lazy_gettext("The image is blank. Choose a field of a stained smear."),
    QualityIssue.NO_COLOUR: (
        lazy_gettext(
            "The image has no colour, and cells are told apart by their stain. Take it in colour."
        )
    ),
    QualityIssue.OVER_EXPOSED: (
        lazy_gettext(
            "Bright parts are washed out. Take the field again with less light or a shorter "
            "exposure."
        )
    ),
    QualityIssue.DARK: (
        lazy_gettext(
            "The image is too dark. Take the field again with more light or a longer exposure."
        )
    ),
    QualityIssue.BLURRED: (
        lazy_gettext("The cells are out of focus. Focus on the red cells and take the field again.")
    ),
    QualityIssue.TOO_SMALL: (
        lazy_gettext(
            "The image is only {width} × {height} pixels. Upload the original: at least "
            "%(min_side)s pixels a side.",
            min_side=MIN_SIDE,
        )
    ),
    QualityIssue.NOT_A_SMEAR: (
        lazy_gettext(
            "Little or nothing in the image looks like blood cells. Upload a field of a "
            "Romanowsky-stained smear."
        )
    ),
    QualityIssue.CUT_OUT: (
        lazy_gettext(
            "This is one cell cut out of its field. Use Classify for it, or upload the whole field."
        )
    ),
    QualityIssue.PALE: (
        lazy_gettext(
            "The stain is pale, so cells may be missed or misnamed. Take a field that is stained "
            "well, with less light."
        )
    ),
    QualityIssue.COLOUR_CAST: (
        lazy_gettext(
            "The background is tinted. Set the camera’s white balance on an empty part of the "
            "slide and take the field again."
        )
    ),
    QualityIssue.LOW_RESOLUTION: (
        lazy_gettext(
            "The red cells have too few pixels to tell white cells apart. Use a higher "
            "magnification, or upload the original."
        )
    ),
}
"""What speaks against the image of a field, and what to do."""

VIEW_NAMES = {
    View.SEGMENTED: lazy_gettext("Segmented cell on black"),
    View.CONTEXT: lazy_gettext("Cell in its context"),
}
STATE_TEXTS = {
    states.CaseState.OPEN: ResultText(
        lazy_gettext("Not reviewed"),
        "eye-slash",
        "not-usable",
        lazy_gettext("No cells are reviewed yet."),
        lazy_gettext("Add fields, then review their cells in the reading room."),
    ),
    states.CaseState.IN_REVIEW: ResultText(
        lazy_gettext("In review"),
        "eye",
        "uncertain",
        # Also where every cell is reviewed, or every review was taken back.
        lazy_gettext("The review has begun. Nothing is signed."),
        lazy_gettext("A reviewer signs once every suspicious or unclassified cell is reviewed."),
    ),
    states.CaseState.FIRST_SIGNED: ResultText(
        lazy_gettext("First reviewer signed"),
        "check-circle",
        "uncertain",
        lazy_gettext("One reviewer has signed. A second must sign before the case is final."),
        lazy_gettext("The second reviewer reviews the cells and signs."),
    ),
    states.CaseState.ADJUDICATING: ResultText(
        lazy_gettext("Differences to decide"),
        "exclamation-triangle",
        "uncertain",
        lazy_gettext("Two reviewers have signed, each for themselves, and differ."),
        lazy_gettext("A reviewer decides each difference and signs."),
    ),
    states.CaseState.SIGNED: ResultText(
        lazy_gettext("Signed"),
        "check-circle",
        "normal",
        lazy_gettext("Signed by a reviewer. Locked."),
        lazy_gettext("Download the report. To correct an error, ask a reviewer to amend."),
    ),
    states.CaseState.AMENDING: ResultText(
        lazy_gettext("Being amended"),
        "clock-history",
        "uncertain",
        lazy_gettext("Reopened for amendment. Earlier versions are kept."),
        lazy_gettext("Correct the error. A reviewer then signs the new version."),
    ),
    states.CaseState.CLOSED: ResultText(
        lazy_gettext("Closed"),
        "x-circle",
        "not-usable",
        lazy_gettext("Closed without a signature. Locked."),
        lazy_gettext("To continue, ask a reviewer to reopen it."),
    ),
}
KIND_NAMES = {
    analyses.AnalysisKind.CLASSIFICATION: lazy_gettext("Cell"),
    analyses.AnalysisKind.DETECTION: lazy_gettext("Field"),
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
        specimen_warning=specimen_warning,
        priority_names=PRIORITY_NAMES,
        image_formats=formats.NAMES,
        accepted_images=formats.ACCEPT,
    )
    app.jinja_env.filters.update(
        percent=percent,
        file_size=file_size,
        format_name=format_name,
        format_datetime=format_datetime,
        summary=summary,
        counts_line=counts_line,
        opinions_line=opinions_line,
        quality_sentence=quality_sentence,
        quality_words=quality_words,
        format_share=format_share,
        format_interval=format_interval,
        format_age=format_age,
        format_hours=format_hours,
    )


def specimen_warning(specimen: str) -> str:
    """Say that installed models are not validated for a kind of specimen; empty where they are."""
    models = not_validated_for(current_app.config["LEUKOSCOPE"].weights_dir, specimen)
    return format_not_validated(specimen, models)


def percent(probability: float) -> str:
    """Format a probability (0..1) as whole per cent, never rounded to certainty."""
    if probability < 0.01:
        return gettext("under %(share)s", share=format_percent(0.01))
    if probability > 0.99:
        return gettext("over %(share)s", share=format_percent(0.99))
    return format_percent(probability)


def format_age(time: datetime) -> str:
    """Write how long ago something was, as "5 min", "3 h", "12 d" or "9 weeks"."""
    minutes = max(0, int((utc_now() - time).total_seconds()) // 60)
    if minutes < 60:
        return gettext("%(number)s min", number=minutes)
    if minutes < 2 * DAY_MINUTES:
        return gettext("%(number)s h", number=minutes // 60)
    days = minutes // DAY_MINUTES
    if days < 28:
        return gettext("%(number)s d", number=days)
    return gettext("%(number)s weeks", number=days // 7)


def format_hours(hours: float | None) -> str:
    """Write a span of time, as "45 min", "5.2 h" or "3.1 d"; a dash for None."""
    if hours is None:
        return "–"
    if hours < 1:
        return gettext("%(number)s min", number=format_number(60 * hours))
    if hours < 48:
        return gettext("%(number)s h", number=format_number(hours, 1))
    return gettext("%(number)s d", number=format_number(hours / 24, 1))


def file_size(count: int) -> str:
    """Format a number of bytes."""
    if count < 1024:
        return gettext("%(number)s bytes", number=count)
    if count < 1024**2:
        return gettext("%(number)s kB", number=format_number(count / 1024))
    if count < 1024**3:
        return gettext("%(number)s MB", number=_short(count / 1024**2))
    return gettext("%(number)s GB", number=_short(count / 1024**3))


def _short(number: float) -> str:
    return localize(f"{number:.1f}".removesuffix(".0"))


def format_name(key: str) -> str:
    """Name the format of a kept file as people write it."""
    known = formats.BY_KEY.get(key)
    return known.name if known else key


def summary(analysis: Analysis) -> str:
    """Summarise a finding in a few words, beside the word of its result."""
    if analysis.counts is not None:
        return opinions_summary(read_opinions(analysis.counts), image_quality(analysis))
    if analysis.probability is None:
        return quality_sentence(cell_finding(analysis)) or ""
    return gettext("Probability of ALL blast: %(percent)s", percent=percent(analysis.probability))


def counts_line(analysis: Analysis) -> str:
    """Say how many blasts a field has."""
    return opinions_line(read_opinions(analysis.counts)) if analysis.counts else ""


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


def opinions_summary(opinions: Opinions, quality: Quality | None = None) -> str:
    """Summarise the blasts of a field, with what is wrong with the image."""
    if quality and quality.not_readable:
        return gettext("Nothing counted: %(quality_words)s", quality_words=quality_words(quality))
    doubt = f"{DOUBTFUL.word}: {quality_words(quality)}" if quality and quality.doubtful else ""
    return ". ".join(filter(None, (opinions_line(opinions), doubt)))


def opinions_line(opinions: Opinions) -> str:
    """Say how many blasts a field has, by both networks where they differ; empty without cells."""
    share = opinions.share
    if not share.white_cells:
        return ""
    uncertain = gettext(", %(number)s uncertain", number=share.uncertain) if share.uncertain else ""
    if not opinions.differ:
        counted = gettext(
            "Blasts: %(blasts)s of %(white_cells)s white cells",
            blasts=share.blasts,
            white_cells=share.white_cells,
        )
        return f"{counted}{uncertain}"
    namer, other = NAMERS[opinions.named_by], NAMERS[OTHER[opinions.named_by]]
    blasts = ngettext("%(num)s blast", "%(num)s blasts", share.blasts)
    counted = gettext(
        "%(namer)s: %(blasts)s of %(white_cells)s",
        namer=upper_first(namer),
        blasts=blasts,
        white_cells=share.white_cells,
    )
    return f"{counted}{uncertain}; {lower_first(other)}: {opinions.other}"


def result_text(result: str, quality: Quality | None = None) -> ResultText:
    """Return the text of a result; it looks uncertain where no blast is in a doubtful image."""
    text = RESULT_TEXTS[result]
    if quality is None or not quality.doubtful or text.tone != "neutral":
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
        "word": str(text.word),
        "icon": text.icon,
        "tone": text.tone,
        "summary": sentence,
    }
