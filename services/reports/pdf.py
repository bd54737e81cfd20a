"""The report as PDF: one to three pages of A4."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from functools import partial
from html import escape
from importlib.resources import files
from typing import Any

from reportlab.lib.colors import Color, HexColor, white
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    Flowable,
    Image,
    PageBreak,
    Paragraph,
    SimpleDocTemplate,
    Spacer,
    Table,
)

from core.taxonomy import CLASS_NAMES, DIFFERENTIAL, ERYTHROBLAST
from services.analyses.findings import USUAL_DIFFERENTIAL, format_interval, format_share
from services.cases.snapshot import Agreement, CaseSnapshot, CellSnapshot, Tally
from services.formatting import SPECIMEN_NAMES, format_datetime
from services.reports.contents import ASSISTS, ReportContents, SignatureLine, most_suspicious
from services.reports.formatting import (
    SIGNER_NAMES,
    STATUS_NAMES,
    format_later_version,
    format_model,
    format_warnings,
)

FONT, BOLD = "SourceSansPro", "SourceSansPro-Semibold"
UNSIGNED = "UNSIGNED"
UNKNOWN = "–"
THRESHOLD_NAMES = {"white": "white cell", "rbc": "red cell"}
NO_GLYPH = "\u25a0"
NOT_PRINTED = f"{NO_GLYPH} replaces a character that this font lacks. The JSON report has it."

INK, MUTED, LINE = HexColor("#211c2b"), HexColor("#5f5870"), HexColor("#ddd7e6")
ACCENT, PALE, DANGER = HexColor("#5b3b8c"), HexColor("#f1ecf9"), HexColor("#a4262c")
MARGIN, WIDTH = 18 * mm, A4[0] - 36 * mm
FRAME = 6
"""Points of padding that reportlab adds to the margins of a page."""

GRID = 5
PICTURE = 30 * mm

BODY = ParagraphStyle("body", fontName=FONT, fontSize=9.5, leading=12.5, textColor=INK)
SMALL = ParagraphStyle("small", BODY, fontSize=8, leading=10, textColor=MUTED)
CODE = ParagraphStyle("code", SMALL, fontSize=7, leading=9, wordWrap="CJK")
TITLE = ParagraphStyle("title", BODY, fontName=BOLD, fontSize=19, leading=23)
HEADING = ParagraphStyle(
    "heading", BODY, fontName=BOLD, fontSize=11, leading=14, textColor=ACCENT, spaceBefore=8
)
LARGE = ParagraphStyle("large", BODY, fontName=BOLD, fontSize=20, leading=24)
RIGHT = ParagraphStyle("right", BODY, alignment=2)
STATUS = ParagraphStyle("status", RIGHT, fontName=BOLD, textColor=ACCENT)
WARNING = ParagraphStyle("warning", STATUS, textColor=DANGER)
ALERT = ParagraphStyle("alert", BODY, fontName=BOLD, textColor=DANGER)
MIDDLE = ParagraphStyle(
    "middle", SMALL, alignment=1, textColor=INK, rightIndent=WIDTH / GRID - PICTURE
)

Rows = Sequence[Sequence[str | Flowable]]


def as_pdf(contents: ReportContents, pictures: Mapping[str, bytes]) -> bytes:
    """Write the report, with a picture (JPEG) of each most suspicious cell by its id.

    A cell without a picture keeps its place. Unsigned, every page carries a watermark.
    """
    _register_fonts()
    buffer = io.BytesIO()
    title = f"{contents.snapshot.specimen.pseudonym}, version {contents.snapshot.version}"
    pages = SimpleDocTemplate(
        buffer,
        pagesize=A4,
        leftMargin=MARGIN - FRAME,
        rightMargin=MARGIN - FRAME,
        topMargin=16 * mm,
        bottomMargin=26 * mm,
        title=f"Leukoscope report: {title}",
        author="Leukoscope",
        lang="en",
    )
    story = [*_first_page(contents), *_cells_page(contents, pictures), *_provenance(contents)]
    pages.build(story, canvasmaker=partial(_Pages, contents=contents))
    return buffer.getvalue()


class _Pages(Canvas):
    """Adds foot and watermark to each page once the number of pages is known."""

    def __init__(
        self,
        *args: Any,  # noqa: ANN401  reportlab's
        contents: ReportContents,
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        super().__init__(*args, **kwargs)
        self._contents = contents
        self._kept: list[dict[str, Any]] = []

    def showPage(self) -> None:  # noqa: N802  reportlab's name
        self._kept.append(dict(self.__dict__))
        self._startPage()  # pyright: ignore[reportAttributeAccessIssue]  the stubs lack it

    def save(self) -> None:
        for page in self._kept:
            self.__dict__.update(page)
            self._foot(len(self._kept))
            if not self._contents.signed:
                self._watermark()
            super().showPage()
        super().save()

    def _foot(self, pages: int) -> None:
        snapshot = self._contents.snapshot
        self.setStrokeColor(LINE)
        self.line(MARGIN, 21 * mm, A4[0] - MARGIN, 21 * mm)
        self.setFillColor(DANGER)
        self.setFont(BOLD, 9)
        self.drawRightString(A4[0] - MARGIN, 22.5 * mm, format_later_version(self._contents.later))
        self.setFillColor(ACCENT)
        self.drawString(MARGIN, 16.5 * mm, ASSISTS)
        self.setFillColor(MUTED)
        self.setFont(FONT, 8)
        at = f"Page {self.getPageNumber()} of {pages}"
        self.drawRightString(A4[0] - MARGIN, 16.5 * mm, at)
        about = f"Case {_printable(snapshot.specimen.pseudonym)}, version {snapshot.version}"
        self.drawString(
            MARGIN, 12.5 * mm, f"{about}. Printed {format_datetime(self._contents.made_at)}."
        )
        self.setFont(FONT, 7)
        self.drawString(MARGIN, 9 * mm, f"SHA-256 of the contents: {self._contents.sha256}")

    def _watermark(self) -> None:
        self.saveState()
        self.setFillColor(Color(*DANGER.rgb(), alpha=0.13))
        self.setFont(BOLD, 96)
        self.translate(A4[0] / 2, A4[1] / 2)
        self.rotate(52)
        self.drawCentredString(0, -30, UNSIGNED)
        self.restoreState()


def _register_fonts() -> None:
    """Register Source Sans Pro (SIL OFL): Latin, Greek and Cyrillic."""
    folder = files("font_source_sans_pro") / "files"
    known = pdfmetrics.getRegisteredFontNames()
    for name, file in ((FONT, "SourceSansPro-Regular"), (BOLD, "SourceSansPro-Semibold")):
        if name not in known:
            pdfmetrics.registerFont(TTFont(name, str(folder / f"{file}.ttf")))


def _first_page(contents: ReportContents) -> list[Flowable]:
    return [
        *_head(contents),
        _specimen(contents),
        *_remarks(contents),
        Paragraph("Blasts among white cells", HEADING),
        _shares(contents),
        Paragraph("Differential", HEADING),
        _differential(contents),
        _text(_reading_note(contents), SMALL),
        Paragraph("Conclusion", HEADING),
        *_lines(_conclusions(contents)),
        *_signatures(contents.signatures),
        *_agreement(contents.agreement),
    ]


def _provenance(contents: ReportContents) -> list[Flowable]:
    note = [_text(NOT_PRINTED, SMALL)] if _unprintable(contents) else []
    return [Paragraph("Models", HEADING), _models(contents), *note]


def _head(contents: ReportContents) -> list[Flowable]:
    snapshot = contents.snapshot
    status = f"{STATUS_NAMES[contents.status]}<br/>Version {snapshot.version}"
    style = STATUS if contents.signed else WARNING
    state = [Paragraph(status, style), Paragraph(format_later_version(contents.later), WARNING)]
    row = [Paragraph("Blood film review", TITLE), state]
    return [Table([row], [WIDTH * 0.72, WIDTH * 0.28], style=_PLAIN), Spacer(0, 3 * mm)]


def _specimen(contents: ReportContents) -> Flowable:
    of, snapshot = contents.snapshot.specimen, contents.snapshot
    values = [
        ("Case (pseudonym)", of.pseudonym),
        ("Specimen", SPECIMEN_NAMES[of.kind]),
        ("Collected on", of.collected_on or "not stated"),
        ("Stain", of.stain or "not stated"),
        ("Magnification", of.magnification or "not stated"),
        ("Images analysed", str(len(snapshot.images))),
        ("Cells reviewed", f"{snapshot.reviewed} of {snapshot.total}"),
        ("Version", str(snapshot.version)),
    ]
    pairs = [[_text(name, SMALL), _text(value)] for name, value in values]
    rows = [[*pairs[row], *pairs[row + 1]] for row in range(0, len(pairs), 2)]
    return Table(rows, [WIDTH * part for part in (0.17, 0.33, 0.17, 0.33)], style=_BOXED)


def _remarks(contents: ReportContents) -> list[Flowable]:
    """List warnings and what people wrote.

    As paragraphs: those go on over pages, a row of a table cannot.
    """
    reason, notes = contents.snapshot.amended_because, contents.snapshot.specimen.notes
    texts = [f"Reason for amendment: {reason}"] if reason else []
    texts += [f"Notes: {notes}"] if notes else []
    warnings = [_text(warning, ALERT) for warning in format_warnings(contents.snapshot)]
    return [Spacer(0, 1.5 * mm), *warnings, *(line for text in texts for line in _lines(text))]


def _shares(contents: ReportContents) -> Flowable:
    snapshot = contents.snapshot
    unreviewed = [_text("Reviewer", SMALL), _text("Not reviewed", LARGE)]
    reviewed = _share("Reviewer", snapshot.by_reviewers) if snapshot.reviewed else unreviewed
    proposed = _share("Models", snapshot.by_models)
    return Table([[reviewed, proposed]], [WIDTH / 2] * 2, style=_BOXED)


def _share(name: str, tally: Tally) -> list[Flowable]:
    if tally.share is None:
        return [_text(name, SMALL), _text("No white cells", LARGE)]
    interval = f"95% CI {format_interval(tally.blasts)}"
    return [
        _text(name, SMALL),
        _text(format_share(tally.share), LARGE),
        _text(f"{tally.blasts.blasts} of {tally.white} white cells; {interval}", SMALL),
    ]


def _differential(contents: ReportContents) -> Flowable:
    snapshot = contents.snapshot
    head = ["Class", "Reviewer", "Percentage", "Models"]
    rows: list[list[Flowable]] = [[_bold(word) for word in head]]
    for label in DIFFERENTIAL:
        counts = (*_by_reviewers(snapshot, label), str(snapshot.by_models.count(label)))
        rows.append([_text(CLASS_NAMES[label]), *(_text(count) for count in counts)])
    rows.append([_bold("White cells"), *_sums(snapshot)])
    rows.append(_erythroblasts(snapshot))
    return Table(rows, [WIDTH * part for part in (0.46, 0.18, 0.18, 0.18)], style=_LINED)


def _by_reviewers(snapshot: CaseSnapshot, label: str) -> tuple[str, str]:
    """Return count and share of a class, once anybody has reviewed a cell."""
    tally = snapshot.by_reviewers
    if not snapshot.reviewed:
        return UNKNOWN, UNKNOWN
    count = tally.count(label)
    return str(count), format_share(count / tally.white) if tally.white else UNKNOWN


def _sums(snapshot: CaseSnapshot) -> list[Flowable]:
    reviewed = str(snapshot.by_reviewers.white) if snapshot.reviewed else UNKNOWN
    return [_bold(reviewed), _text(""), _bold(str(snapshot.by_models.white))]


def _erythroblasts(snapshot: CaseSnapshot) -> list[Flowable]:
    count, _ = _by_reviewers(snapshot, ERYTHROBLAST)
    per_100 = snapshot.by_reviewers.erythroblasts_per_100
    ratio = "" if per_100 is None or not snapshot.reviewed else f"{per_100:.1f} per 100 WBC"
    return [_text(f"{CLASS_NAMES[ERYTHROBLAST]}s (NRBC)"), _text(count), _text(ratio), _text("")]


def _reading_note(contents: ReportContents) -> str:
    note = (
        "The models only separate blasts from other white cells, which they leave unclassified. "
        "Cells without review count as the models propose. 95% CI (Wilson), assuming independent "
        "cells."
    )
    if contents.snapshot.by_reviewers.white < USUAL_DIFFERENTIAL:
        note += f" Fewer than {USUAL_DIFFERENTIAL} white cells: interpret with caution."
    return note


def _conclusions(contents: ReportContents) -> str:
    if not contents.signatures:
        return "None. This version is not signed."
    if len(contents.signatures) == 1:
        return contents.conclusion
    return "\n".join(f"{one.reader}: {one.conclusion}" for one in contents.signatures)


def _signatures(signed: Sequence[SignatureLine]) -> list[Flowable]:
    if not signed:
        return []
    rows = [
        [
            _bold(f"{one.reader}"),
            _text(f"{SIGNER_NAMES[one.role]}, {format_datetime(one.at)}"),
            _text(one.sha256, CODE),
        ]
        for one in signed
    ]
    head = Paragraph("Signatures", HEADING)
    return [head, Table(rows, [WIDTH * part for part in (0.17, 0.31, 0.52)], style=_LINED)]


def _agreement(agreement: Agreement | None) -> list[Flowable]:
    if agreement is None:
        return []
    listed = "; ".join(
        f"cell {one.cell}: {_label(one.first)} / {_label(one.second)}"
        for one in agreement.disagreements
    )
    differ = f"Differences (first / second reviewer): {listed}." if listed else "No differences."
    return [
        Paragraph("Agreement of the two reviewers", HEADING),
        _text(_kappa(agreement)),
        _text(differ, SMALL),
    ]


def _kappa(agreement: Agreement) -> str:
    if not agreement.cells:
        return "Cohen’s kappa is not defined: no cell was classified by both reviewers."
    kappa = "not defined" if agreement.kappa is None else f"{agreement.kappa:.2f}"
    cells = "1 cell" if agreement.cells == 1 else f"{agreement.cells} cells"
    return (
        f"Cohen’s kappa over {cells} classified by both reviewers: {kappa}. Classes taken over "
        "from another person are left out. The second reviewer saw the classes of the first."
    )


def _label(label: str | None) -> str:
    return CLASS_NAMES[label] if label else "not drawn"


def _models(contents: ReportContents) -> Flowable:
    snapshot = contents.snapshot
    rows = [[_bold(word) for word in ("Model", "Version", "SHA-256 of the weights")]]
    for used in snapshot.models:
        hashes = "<br/>".join(f"{name}: {value}" for name, value in used.files.items())
        hashes = hashes or "unknown: another version is installed now"
        rows.append([_text(format_model(used)), _text(used.version), Paragraph(hashes, CODE)])
    thresholds = sorted({_thresholds(image.thresholds) for image in snapshot.images} - {""})
    if thresholds:
        rows.append([_text("Thresholds"), _text(""), _text("; ".join(thresholds), SMALL)])
    return Table(rows, [WIDTH * part for part in (0.15, 0.2, 0.65)], style=_LINED)


def _thresholds(thresholds: Mapping[str, float]) -> str:
    return ", ".join(
        f"{THRESHOLD_NAMES.get(name, name)} ≥ {format_share(value)}"
        for name, value in thresholds.items()
    )


def _cells_page(contents: ReportContents, pictures: Mapping[str, bytes]) -> list[Flowable]:
    cells = most_suspicious(contents.snapshot)
    if not cells:
        return []
    shown = [_cell(cell, pictures.get(cell.id)) for cell in cells]
    shown += [[]] * (-len(shown) % GRID)
    rows = [shown[row : row + GRID] for row in range(0, len(shown), GRID)]
    total = contents.snapshot.total
    note = (
        f"{len(cells)} of {total} counted cells: the reviewer’s blasts first, then by the models’ "
        "suspicion. Under each: class, image and cell, blast probability (detector · classifier)."
    )
    return [
        PageBreak(),
        Paragraph("Most suspicious cells", TITLE),
        Spacer(0, 2 * mm),
        _text(note, SMALL),
        Spacer(0, 3 * mm),
        Table(rows, [WIDTH / GRID] * GRID, style=_PLAIN),
    ]


def _cell(cell: CellSnapshot, picture: bytes | None) -> list[Flowable]:
    opinions = " · ".join(_probability(one) for one in (cell.blast, cell.second))
    seen = "" if cell.seen else " (not reviewed)"
    shown = Image(io.BytesIO(picture), PICTURE, PICTURE) if picture else _no_picture()
    return [
        shown,
        Paragraph(f'<font name="{BOLD}">{CLASS_NAMES[cell.label]}</font>{seen}', MIDDLE),
        _text(f"Cell {cell.name}", MIDDLE),
        _text(opinions, MIDDLE),
        Spacer(0, 3 * mm),
    ]


def _no_picture() -> Flowable:
    style = [("BOX", (0, 0), (-1, -1), 0.5, LINE), ("VALIGN", (0, 0), (-1, -1), "MIDDLE")]
    text = _text("No picture", ParagraphStyle("none", SMALL, alignment=1))
    return Table([[text]], [PICTURE], [PICTURE], style=style, hAlign="LEFT")


def _probability(probability: float | None) -> str:
    return UNKNOWN if probability is None else format_share(probability)


def _text(text: str, style: ParagraphStyle = BODY) -> Paragraph:
    """Make a paragraph of plain text."""
    return Paragraph(escape(_printable(text)), style)


def _lines(text: str) -> list[Paragraph]:
    """Make a paragraph of each line: many lines in one take reportlab minutes."""
    return [_text(line) for line in re.sub(r"\n{3,}", "\n\n", text).split("\n")]


def _bold(text: str) -> Paragraph:
    return _text(text, ParagraphStyle("bold", BODY, fontName=BOLD))


def _printable(text: str) -> str:
    """Replace every character that the font does not have by a box."""
    face = pdfmetrics.getFont(FONT).face  # pyright: ignore[reportAttributeAccessIssue]  as above
    glyphs = face.charToGlyph
    return "".join(one if one in "\r\n\t" or ord(one) in glyphs else NO_GLYPH for one in text)


def _unprintable(contents: ReportContents) -> bool:
    of = contents.snapshot.specimen
    texts = [of.pseudonym, of.stain, of.magnification, of.notes]
    texts += [contents.snapshot.amended_because or ""]
    texts += [text for one in contents.signatures for text in (one.reader, one.conclusion)]
    return any(_printable(text) != text for text in texts)


_LEFT = [("LEFTPADDING", (0, 0), (-1, -1), 0), ("RIGHTPADDING", (0, 0), (-1, -1), 0)]
_TOP = [("VALIGN", (0, 0), (-1, -1), "TOP")]
_PLAIN = [*_LEFT, *_TOP]
_BOXED = [*_TOP, ("BACKGROUND", (0, 0), (-1, -1), PALE), ("INNERGRID", (0, 0), (-1, -1), 2, white)]
_LINED = [
    *_TOP,
    ("LINEBELOW", (0, 0), (-1, -1), 0.4, LINE),
    ("TOPPADDING", (0, 0), (-1, -1), 1.5),
    ("BOTTOMPADDING", (0, 0), (-1, -1), 2.5),
]
