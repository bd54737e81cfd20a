"""The field as a picture that explains itself: boxes, legend, model, and what it is not."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

from core.taxonomy import BLAST, DETECTED, DRAWING_ORDER, WHITE_CELLS
from models.findings import Detection, FieldFindings, Namer
from records.analyses.analyses import Analysis
from services.analyses.findings import (
    blast_share,
    field_findings,
    format_interval,
    format_share,
    other_share,
)
from services.formatting import quality_words

NOTICE = "Assists a qualified reader. Does not diagnose."
INK, PAPER = "#1c1a22", "#ffffff"

SMALLEST_FONT = 10.0
SMALL_SIDE = 1000
"""Fields with a shorter longer side, in pixels, are drawn enlarged: the tags need room."""


@dataclass(frozen=True)
class _Key:
    """One entry of the legend, and its width in pixels with the gap behind it."""

    colour: str
    text: str
    width: float


def annotated_png(analysis: Analysis, image: bytes, classifier: str) -> bytes:
    """Draw boxes and legend on the field's kept PNG or display JPEG; return a PNG.

    `classifier` is the name of the network that read the white cells.
    """
    findings = field_findings(analysis)
    with Image.open(io.BytesIO(image), formats=["PNG", "JPEG"]) as stored:
        field = _enlarged(stored.convert("RGB"))
    scale = field.width / findings.width
    _draw_boxes(field, findings, scale)
    lines = _lines(analysis, findings, scale, classifier)
    picture = _with_legend(field, _keys(field, findings), lines)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def _enlarged(field: Image.Image) -> Image.Image:
    """Enlarge a small field by a whole factor."""
    factor = -(-SMALL_SIDE // max(field.size))
    if factor == 1:
        return field
    return field.resize((field.width * factor, field.height * factor), Image.Resampling.BICUBIC)


def _draw_boxes(field: Image.Image, findings: FieldFindings, scale: float) -> None:
    pen = ImageDraw.Draw(field)
    for cell in sorted(findings.detections, key=lambda each: DRAWING_ORDER.index(each.label)):
        box = tuple(edge * scale for edge in cell.box)
        style = DETECTED[cell.label]
        line = max(1, round(max(field.size) / (1600 if style.quiet else 500)))
        pen.rectangle(box, outline=style.colour, width=line)
        if not style.quiet:
            _draw_tag(pen, cell, _shown_probability(findings, cell), box, field)


def _draw_tag(
    pen: ImageDraw.ImageDraw,
    cell: Detection,
    probability: float,
    box: tuple[float, ...],
    field: Image.Image,
) -> None:
    """Draw letter and probability above the upper left corner of a box, inside the picture."""
    style = DETECTED[cell.label]
    x1, y1, x2, y2 = box
    font = _font(field, 0.8, at_most=0.4 * min(x2 - x1, y2 - y1))
    text, padding = f"{style.letter} {probability:.0%}", font.size / 4
    width, height = font.getlength(text) + 2 * padding, font.size + 2 * padding
    left = max(0, min(x1, field.width - width))
    top = max(0, y1 - height)
    pen.rectangle((left, top, left + width, top + height), fill=style.colour)
    pen.text((left + padding, top + height / 2), text, fill=PAPER, font=font, anchor="lm")


def _shown_probability(findings: FieldFindings, cell: Detection) -> float:
    """Return P(blast) of a white cell that the classifier named, else the label's confidence."""
    if findings.named_by == Namer.DETECTOR or cell.label not in WHITE_CELLS:
        return cell.confidence
    probability = findings.probability(cell)
    return cell.confidence if probability is None else probability


def _keys(field: Image.Image, findings: FieldFindings) -> list[_Key]:
    font = _font(field)
    texts = [
        (style.colour, f"{style.letter} {style.plural}: {findings.counts[label]}")
        for label, style in DETECTED.items()
    ]
    return [_Key(colour, text, font.getlength(text) + 3.5 * font.size) for colour, text in texts]


def _lines(analysis: Analysis, findings: FieldFindings, scale: float, classifier: str) -> list[str]:
    return [
        *_said(findings, classifier),
        *([] if scale == 1 else [f"Drawn at {scale:.0%} of the file's size."]),
        f"Detector {analysis.model_version}, {analysis.created_at:%d %b %Y %H:%M} UTC",
        f"SHA-256 of the file {analysis.sha256[:32]}…",
        NOTICE,
    ]


def _said(findings: FieldFindings, classifier: str) -> Iterator[str]:
    """Say what each model found in the field, in a line each."""
    share, other = blast_share(findings), other_share(findings)
    quality = findings.quality
    if quality and quality.not_readable:
        yield f"Not readable: {quality_words(quality)}. Nothing was counted."
        return
    if quality and quality.doubtful:
        yield f"Doubtful image: {quality_words(quality)}. Counts may be unreliable."
    within = f" (95% interval {format_interval(share)})" if share.white_cells else ""
    yield f"Blasts: {share.blasts} of {share.white_cells} white cells{within}."
    if BLAST in findings.thresholds:
        threshold = format_share(findings.thresholds[BLAST])
        yield f"A white cell counts as a blast from a probability of {threshold}."
    if other and findings.named_by == Namer.DETECTOR:
        yield (
            f"{classifier} {findings.classifier}: ALL blasts {other.blasts}, "
            f"uncertain {other.uncertain}."
        )
    if other and findings.named_by == Namer.CLASSIFIER:
        yield f"Named by {classifier} {findings.classifier}. Uncertain: {share.uncertain}."


def _with_legend(field: Image.Image, keys: list[_Key], lines: list[str]) -> Image.Image:
    """Put a strip under the field: a swatch and a count for each label, then the lines."""
    font = _font(field)
    margin, step = font.size, font.size * 1.7
    content = max(sum(key.width for key in keys), *map(font.getlength, lines))
    width = max(field.width, round(content + 2 * margin))
    height = round(field.height + step * (len(lines) + 1) + 2 * margin)
    picture = Image.new("RGB", (width, height), PAPER)
    picture.paste(field, ((width - field.width) // 2, 0))
    pen = ImageDraw.Draw(picture)
    top = field.height + margin + step / 2
    _draw_keys(pen, keys, (margin, top), font)
    for number, line in enumerate(lines, start=1):
        pen.text((margin, top + number * step), line, fill=INK, font=font, anchor="lm")
    return picture


def _draw_keys(
    pen: ImageDraw.ImageDraw,
    keys: list[_Key],
    place: tuple[float, float],
    font: ImageFont.FreeTypeFont,
) -> None:
    left, middle = place
    half = font.size / 2
    for key in keys:
        pen.rectangle((left, middle - half, left + 2 * half, middle + half), fill=key.colour)
        pen.text((left + 3 * half, middle), key.text, fill=INK, font=font, anchor="lm")
        left += key.width


def _font(
    field: Image.Image, share: float = 1, at_most: float = math.inf
) -> ImageFont.FreeTypeFont:
    """Pillow's own font, in proportion to the field, but never too small to be read."""
    wanted = max(14, max(field.size) / 60) * share
    font = ImageFont.load_default(max(SMALLEST_FONT, min(wanted, at_most)))
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise TypeError("Pillow was built without FreeType")
    return font
