"""The report as PDF: some two pages of A4."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from functools import partial
from html import escape
from typing import Any

from reportlab.lib.colors import Color, HexColor, white
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    Flowable,
    HRFlowable,
    Image,
    KeepTogether,
    Paragraph,
    SimpleDocTemplate,
    Spacer,
    Table,
)

from services.cases.snapshot import CellSnapshot
from services.formatting import class_texts
from services.laboratory.letterhead import Laboratory
from services.language import LazyText, format_datetime, gettext, language, lazy_gettext
from services.reports.check_sentences import format_check
from services.reports.contents import (
    ASSISTS,
    ReportContents,
    SignatureLine,
    shown_blasts,
    shown_others,
)
from services.reports.formatting import (
    STATUS_NAMES,
    format_duplicates,
    format_later_version,
    format_model,
    format_qualities,
    format_specimen,
    signer_name,
)
from services.reports.printing import (
    BOLD,
    FONT,
    NO_GLYPH,
    has_asian,
    markup,
    register_fonts,
    runs,
    texts_of,
    texts_of_signature,
    unprintable,
)
from services.reports.results import format_result
from services.reports.sections import (
    CELLS_NOTE,
    cell_standing,
    differences_sentence,
    differential,
    format_opinions,
    format_thresholds,
    kappa_sentence,
    models_sentence,
    ranges_sentence,
    reading_note,
    reference_ranges,
    remarks,
    specimen_facts,
)

UNSIGNED = LazyText(lambda: gettext("Unsigned").upper())
NOT_PRINTED = lazy_gettext(
    "%(no_glyph)s replaces a character that this font lacks. The JSON report has it.",
    no_glyph=NO_GLYPH,
)

INK, MUTED, LINE = HexColor("#211c2b"), HexColor("#5f5870"), HexColor("#ddd7e6")
ACCENT, PALE, DANGER = HexColor("#5b3b8c"), HexColor("#f1ecf9"), HexColor("#a4262c")
AMBER, AMBER_PALE = HexColor("#7a4d00"), HexColor("#fdf4e0")
MARGIN, WIDTH = 18 * mm, A4[0] - 36 * mm
FRAME = 6
"""Points of padding that reportlab adds to the margins of a page."""

GRID = 4
PICTURE = 30 * mm
LOGO = 60 * mm, 18 * mm
"""The largest width and height of a logo."""

BODY = ParagraphStyle("body", fontName=FONT, fontSize=9.5, leading=12.5, textColor=INK)
SMALL = ParagraphStyle("small", BODY, fontSize=8, leading=10, textColor=MUTED)
CODE = ParagraphStyle("code", SMALL, fontSize=7, leading=9, wordWrap="CJK")
TITLE = ParagraphStyle("title", BODY, fontName=BOLD, fontSize=19, leading=23)
HEADING = ParagraphStyle(
    "heading",
    BODY,
    fontName=BOLD,
    fontSize=11,
    leading=14,
    textColor=ACCENT,
    spaceBefore=8,
    keepWithNext=True,
)
RESULT = ParagraphStyle("result", BODY, fontName=BOLD, fontSize=13, leading=17)
RIGHT = ParagraphStyle("right", BODY, alignment=2)
SMALL_RIGHT = ParagraphStyle("small right", SMALL, alignment=2)
LABORATORY = ParagraphStyle("laboratory", RIGHT, fontName=BOLD, fontSize=12, leading=15)
STATUS = ParagraphStyle("status", RIGHT, fontName=BOLD, textColor=ACCENT)
WARNING = ParagraphStyle("warning", STATUS, textColor=DANGER)
ALERT = ParagraphStyle("alert", BODY, fontName=BOLD, textColor=DANGER)
OUTSIDE = ParagraphStyle("outside", BODY, fontName=BOLD, textColor=DANGER)
STRIP = ParagraphStyle("strip", BODY, fontName=BOLD, textColor=AMBER)
MIDDLE = ParagraphStyle(
    "middle", SMALL, alignment=1, textColor=INK, rightIndent=WIDTH / GRID - PICTURE
)

Rows = Sequence[Sequence[str | Flowable]]


def as_pdf(
    contents: ReportContents, pictures: Mapping[str, bytes], logo: bytes | None = None
) -> bytes:
    """Write the report.

    Unsigned, every page carries a watermark.

    Args:
        contents: what it says.
        pictures: a JPEG of each cell that is shown, by its id; one without keeps its place.
        logo: the PNG that the laboratory's settings name.
    """
    register_fonts()
    buffer = io.BytesIO()
    title = gettext(
        "%(pseudonym)s, version %(version)s",
        pseudonym=contents.snapshot.specimen.pseudonym,
        version=contents.snapshot.version,
    )
    pages = SimpleDocTemplate(
        buffer,
        pagesize=A4,
        leftMargin=MARGIN - FRAME,
        rightMargin=MARGIN - FRAME,
        topMargin=16 * mm,
        bottomMargin=26 * mm,
        title=gettext("Leukoscope report: %(title)s", title=title),
        author="Leukoscope",
        lang=language(),
    )
    story = [
        *_letterhead(contents.laboratory, logo),
        *_reading(contents),
        *_cells(contents, pictures),
        *_provenance(contents),
    ]
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
        self.drawString(MARGIN, 16.5 * mm, str(ASSISTS))
        self.setFillColor(MUTED)
        self.setFont(FONT, 8)
        at = gettext("Page %(number)s of %(pages)s", number=self.getPageNumber(), pages=pages)
        self.drawRightString(A4[0] - MARGIN, 16.5 * mm, at)
        about = gettext(
            "Case %(pseudonym)s, version %(version)s",
            pseudonym=snapshot.specimen.pseudonym,
            version=snapshot.version,
        )
        printed = gettext(
            "%(about)s. Printed %(time)s.",
            about=about,
            time=format_datetime(self._contents.made_at),
        )
        self._write(12.5 * mm, printed)
        self.setFont(FONT, 7)
        self.drawString(
            MARGIN,
            9 * mm,
            gettext("SHA-256 of the contents: %(sha256)s", sha256=self._contents.sha256),
        )

    def _write(self, y: float, text: str) -> None:
        """Write a line from the left margin, each run in its font."""
        x = MARGIN
        for font, run in runs(text):
            self.setFont(font, 8)
            self.drawString(x, y, run)
            x += pdfmetrics.stringWidth(run, font, 8)

    def _watermark(self) -> None:
        self.saveState()
        self.setFillColor(Color(*DANGER.rgb(), alpha=0.13))
        self.setFont(BOLD, 96)
        self.translate(A4[0] / 2, A4[1] / 2)
        self.rotate(52)
        self.drawCentredString(0, -30, str(UNSIGNED))
        self.restoreState()


def _letterhead(laboratory: Laboratory | None, logo: bytes | None) -> list[Flowable]:
    """Write name, address and logo of the laboratory, above a line."""
    if laboratory is None or not (laboratory.name or laboratory.contact or logo):
        return []
    lines = [_text(laboratory.name, LABORATORY), *_lines(laboratory.contact, SMALL_RIGHT)]
    row = [_logo(logo) if logo else "", lines]
    head = Table([row], [WIDTH * 0.45, WIDTH * 0.55], style=_PLAIN)
    return [head, HRFlowable(WIDTH, 0.8, color=ACCENT, spaceBefore=4, spaceAfter=8)]


def _logo(png: bytes) -> Flowable:
    width, height = ImageReader(io.BytesIO(png)).getSize()
    scale = min(LOGO[0] / width, LOGO[1] / height)
    return Image(io.BytesIO(png), width * scale, height * scale, hAlign="LEFT")


def _reading(contents: ReportContents) -> list[Flowable]:
    notes = ranges_sentence(contents), reading_note(contents)
    return [
        *_head(contents),
        _result(contents),
        Spacer(0, 2 * mm),
        *_not_validated(contents),
        _specimen(contents),
        *_remarks(contents),
        Paragraph(gettext("Differential"), HEADING),
        _differential(contents),
        *(_text(note, SMALL) for note in notes if note),
        Paragraph(gettext("Conclusion"), HEADING),
        *_lines(_conclusions(contents)),
        *_reasons(contents),
        *_signatures(contents.signatures),
        *_agreement(contents),
    ]


def _provenance(contents: ReportContents) -> list[Flowable]:
    note = [_text(NOT_PRINTED, SMALL)] if unprintable(_texts(contents)) else []
    return [
        *_hashes(contents.signatures),
        KeepTogether([Paragraph(gettext("Models"), HEADING), _models(contents)]),
        *note,
    ]


def _head(contents: ReportContents) -> list[Flowable]:
    snapshot = contents.snapshot
    version = gettext("Version %(number)s", number=snapshot.version)
    status = f"{STATUS_NAMES[contents.status]}<br/>{version}"
    style = STATUS if contents.signed else WARNING
    state = [Paragraph(status, style), Paragraph(format_later_version(contents.later), WARNING)]
    row = [Paragraph(gettext("Blood film review"), TITLE), state]
    return [Table([row], [WIDTH * 0.72, WIDTH * 0.28], style=_PLAIN), Spacer(0, 3 * mm)]


def _result(contents: ReportContents) -> Flowable:
    """Say what people counted, and below it the models."""
    snapshot = contents.snapshot
    sentences = [_text(format_result(snapshot), RESULT), _text(models_sentence(snapshot), SMALL)]
    return Table([[sentences]], [WIDTH], style=_RESULT)


def _specimen(contents: ReportContents) -> Flowable:
    facts = specimen_facts(contents.snapshot)
    pairs = [[_text(name, SMALL), _text(value)] for name, value in facts]
    rows = [[*pairs[row], *pairs[row + 1]] for row in range(0, len(pairs), 2)]
    return Table(rows, [WIDTH * part for part in (0.17, 0.33, 0.17, 0.33)], style=_BOXED)


def _not_validated(contents: ReportContents) -> list[Flowable]:
    """Say in a strip that the models are not for such a specimen."""
    sentence = format_specimen(contents.snapshot)
    if not sentence:
        return []
    return [Table([[_text(sentence, STRIP)]], [WIDTH], style=_STRIP), Spacer(0, 2 * mm)]


def _remarks(contents: ReportContents) -> list[Flowable]:
    """List warnings and what people wrote.

    As paragraphs: those go on over pages, a row of a table cannot.
    """
    snapshot = contents.snapshot
    warnings = [
        _text(warning, ALERT)
        for warning in (*format_duplicates(snapshot), *format_qualities(snapshot))
    ]
    lines = [line for text in remarks(snapshot) for line in _lines(text)]
    return [Spacer(0, 1.5 * mm), *warnings, *lines]


def _differential(contents: ReportContents) -> Flowable:
    """Make the table of all classes; with reference ranges where the laboratory has set any."""
    usual = bool(reference_ranges(contents))
    head = [
        gettext("Class"),
        gettext("Reviewer"),
        gettext("Percentage"),
        *([gettext("Reference"), ""] if usual else []),
        gettext("Models"),
    ]
    rows: list[list[Flowable]] = [[_bold(word) for word in head]]
    for line in differential(contents):
        write = _bold if line.total else _text
        beside = [_text(line.usual), _text(line.outside, OUTSIDE)] if usual else []
        counted = [write(line.count), _text(line.share)]
        rows.append([write(line.name), *counted, *beside, write(line.models)])
    parts = (0.32, 0.13, 0.2, 0.13, 0.1, 0.12) if usual else (0.46, 0.18, 0.18, 0.18)
    return Table(rows, [WIDTH * part for part in parts], style=_LINED)


def _conclusions(contents: ReportContents) -> str:
    if not contents.signatures:
        return gettext("None. This version is not signed.")
    if len(contents.signatures) == 1:
        return contents.conclusion
    return "\n".join(f"{one.name}: {one.conclusion}" for one in contents.signatures)


def _reasons(contents: ReportContents) -> list[Flowable]:
    """List what was signed in spite of a warning, and why."""
    lines = [
        line
        for one in contents.signatures
        for check in one.reasons
        for line in (
            _text(format_check(check, contents.snapshot)),
            *_lines(f"{one.name}: {check.reason}", SMALL),
        )
    ]
    return [Paragraph(gettext("Warnings and reasons"), HEADING), *lines] if lines else []


def _signatures(signed: Sequence[SignatureLine]) -> list[Flowable]:
    if not signed:
        return []
    rows = [
        [
            [
                _bold(one.name),
                *(
                    [_text(gettext("Account %(reader)s", reader=one.reader), SMALL)]
                    if one.full_name
                    else []
                ),
            ],
            _text(f"{signer_name(one.role, signed)}, {format_datetime(one.at)}"),
        ]
        for one in signed
    ]
    head = Paragraph(gettext("Signatures"), HEADING)
    return [KeepTogether([head, Table(rows, [WIDTH / 2] * 2, style=_LINED)])]


def _hashes(signed: Sequence[SignatureLine]) -> list[Flowable]:
    if not signed:
        return []
    rows = [[_text(one.name), _text(f"SHA-256: {one.sha256}", CODE)] for one in signed]
    table = Table(rows, [WIDTH * part for part in (0.35, 0.65)], style=_LINED)
    return [KeepTogether([Paragraph(gettext("Signatures and hashes"), HEADING), table])]


def _agreement(contents: ReportContents) -> list[Flowable]:
    agreement = contents.agreement
    if agreement is None:
        return []
    return [
        Paragraph(gettext("Agreement of the two reviewers"), HEADING),
        _text(kappa_sentence(agreement)),
        _text(differences_sentence(agreement, contents.classes), SMALL),
    ]


def _models(contents: ReportContents) -> Flowable:
    snapshot = contents.snapshot
    rows = [
        [
            _bold(word)
            for word in (gettext("Model"), gettext("Version"), gettext("SHA-256 of the weights"))
        ]
    ]
    for used in snapshot.models:
        hashes = "<br/>".join(f"{name}: {value}" for name, value in used.files.items())
        hashes = hashes or gettext("unknown: another version is installed now")
        rows.append([_text(format_model(used)), _text(used.version), Paragraph(hashes, CODE)])
    if thresholds := format_thresholds(snapshot):
        rows.append([_text(gettext("Thresholds")), _text(""), _text(thresholds, SMALL)])
    return Table(rows, [WIDTH * part for part in (0.15, 0.2, 0.65)], style=_LINED)


def _cells(contents: ReportContents, pictures: Mapping[str, bytes]) -> list[Flowable]:
    """Show blasts and typical other cells, each group below its heading."""
    snapshot = contents.snapshot
    names = class_texts(snapshot.classes)
    groups = [
        (gettext("Blasts"), shown_blasts(snapshot)),
        (gettext("Other white cells"), shown_others(snapshot)),
    ]
    shown = [
        KeepTogether([Paragraph(_heading(title, cells), HEADING), _grid(cells, pictures, names)])
        for title, cells in groups
        if cells
    ]
    return [*shown, _text(CELLS_NOTE, SMALL)] if shown else []


def _heading(title: str, cells: Sequence[CellSnapshot]) -> str:
    return gettext("%(title)s: %(cells)s shown", title=title, cells=len(cells))


def _grid(
    cells: Sequence[CellSnapshot], pictures: Mapping[str, bytes], names: Mapping[str, str]
) -> Flowable:
    shown = [_cell(cell, pictures.get(cell.id), str(names[cell.label])) for cell in cells]
    shown += [[]] * (-len(shown) % GRID)
    rows = [shown[row : row + GRID] for row in range(0, len(shown), GRID)]
    return Table(rows, [WIDTH / GRID] * GRID, style=_PLAIN)


def _cell(cell: CellSnapshot, picture: bytes | None, name: str) -> list[Flowable]:
    standing = "".join(f" ({one})" for one in cell_standing(cell))
    shown = Image(io.BytesIO(picture), PICTURE, PICTURE) if picture else _no_picture()
    return [
        shown,
        Paragraph(
            f'<font name="{BOLD}">{markup(str(name))}</font>{escape(standing)}',
            MIDDLE,
        ),
        _text(gettext("Cell %(name)s", name=cell.name), MIDDLE),
        _text(format_opinions(cell), MIDDLE),
        Spacer(0, 3 * mm),
    ]


def _no_picture() -> Flowable:
    style = [("BOX", (0, 0), (-1, -1), 0.5, LINE), ("VALIGN", (0, 0), (-1, -1), "MIDDLE")]
    text = _text(gettext("No picture"), ParagraphStyle("none", SMALL, alignment=1))
    return Table([[text]], [PICTURE], [PICTURE], style=style, hAlign="LEFT")


def _text(text: str, style: ParagraphStyle = BODY) -> Paragraph:
    """Make a paragraph of plain text."""
    # A lazy text is translated only where it is written out.
    written = str(text)
    if has_asian(written):
        style = ParagraphStyle("asian", style, wordWrap="CJK")
    return Paragraph(markup(written), style)


def _lines(text: str, style: ParagraphStyle = BODY) -> list[Paragraph]:
    """Make a paragraph of each line: many lines in one take reportlab minutes."""
    return [_text(line, style) for line in re.sub(r"\n{3,}", "\n\n", text).split("\n")]


def _bold(text: str) -> Paragraph:
    return _text(text, ParagraphStyle("bold", BODY, fontName=BOLD))


def _texts(contents: ReportContents) -> list[str]:
    """Return all texts in it that people wrote."""
    return [
        *texts_of(contents.snapshot, contents.laboratory),
        *(text for one in contents.signatures for text in texts_of_signature(one)),
    ]


_LEFT = [("LEFTPADDING", (0, 0), (-1, -1), 0), ("RIGHTPADDING", (0, 0), (-1, -1), 0)]
_TOP = [("VALIGN", (0, 0), (-1, -1), "TOP")]
_PLAIN = [*_LEFT, *_TOP]
_BOXED = [*_TOP, ("BACKGROUND", (0, 0), (-1, -1), PALE), ("INNERGRID", (0, 0), (-1, -1), 2, white)]
_RESULT = [("BACKGROUND", (0, 0), (-1, -1), PALE), ("LINEBEFORE", (0, 0), (0, -1), 3, ACCENT)]
_STRIP = [("BACKGROUND", (0, 0), (-1, -1), AMBER_PALE), ("BOX", (0, 0), (-1, -1), 0.5, AMBER)]
_LINED = [
    *_TOP,
    ("LINEBELOW", (0, 0), (-1, -1), 0.4, LINE),
    ("TOPPADDING", (0, 0), (-1, -1), 1.5),
    ("BOTTOMPADDING", (0, 0), (-1, -1), 2.5),
]
