"""Parts of a report for people as text: the same in the PDF and on the page that is printed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from core.taxonomy import (
    ARTEFACT,
    BLAST,
    ERYTHROBLAST,
    NOT_A_CELL,
    PLATELET,
    RBC,
    SMUDGE,
    CellClasses,
)
from models.detector.operating_point import WHITE
from models.findings import DETECTOR_BLAST
from services.analyses.findings import USUAL_DIFFERENTIAL, format_interval, format_share
from services.cases.snapshot import Agreement, CaseSnapshot, CellSnapshot, Disagreement
from services.formatting import PRIORITY_NAMES, SPECIMEN_NAMES, class_texts
from services.laboratory.letterhead import ReferenceRange
from services.laboratory.ranges import Position, position_of
from services.language import format_date, format_number, gettext, lazy_gettext, ngettext
from services.reports.contents import ReportContents
from services.reports.formatting import SAW, format_left_out, format_range

UNKNOWN, NOT_STATED = "–", lazy_gettext("not stated")
BESIDE = {
    ERYTHROBLAST: lazy_gettext("Erythroblasts (NRBC)"),
    SMUDGE: lazy_gettext("Smudge cells"),
    ARTEFACT: lazy_gettext("Artefacts"),
    NOT_A_CELL: lazy_gettext("Not a cell"),
}
"""What stands beside the white cells, before own classes; the first two per 100 of them."""

THRESHOLD_NAMES = {
    WHITE: lazy_gettext("white cell"),
    RBC: lazy_gettext("red cell"),
    PLATELET: lazy_gettext("platelet"),
    BLAST: lazy_gettext("blast"),
    DETECTOR_BLAST: lazy_gettext("blast (detector)"),
}
"""What has a threshold of its own; versions signed before may have others."""

CELLS_NOTE = lazy_gettext(
    "Blasts in the models’ order of suspicion, typical cells of the other classes. Under each: "
    "class, image and cell, blast probability (detector · classifier)."
)
POSITION_NAMES = {
    Position.LOW: lazy_gettext("Low"),
    Position.HIGH: lazy_gettext("High"),
    Position.WITHIN: "",
}


@dataclass(frozen=True)
class DifferentialLine:
    """A line of the differential as text, empty or `UNKNOWN` where nothing is to be said.

    Attributes:
        name: of the class.
        count: of the reviewers.
        share: in percent, or per 100 white cells.
        usual: the reference range.
        outside: a word where the share is outside of it.
        models: their count.
        total: whether it is the sum of the lines above.
    """

    name: str
    count: str
    share: str
    models: str
    usual: str = ""
    outside: str = ""
    total: bool = False


def specimen_facts(snapshot: CaseSnapshot) -> list[tuple[str, str]]:
    """Return what is known of the specimen: an even number of names with values."""
    of = snapshot.specimen
    return [
        (gettext("Case (pseudonym)"), of.pseudonym),
        (gettext("Accession number"), of.accession or NOT_STATED),
        (gettext("Specimen"), SPECIMEN_NAMES[of.kind]),
        (gettext("Collected on"), _day(of.collected_on)),
        (gettext("Stain"), of.stain or NOT_STATED),
        (gettext("Magnification"), of.magnification or NOT_STATED),
        (gettext("Images analysed"), str(len(snapshot.images))),
        (gettext("Cells reviewed"), _of(snapshot.reviewed, snapshot.total)),
        (gettext("Priority"), PRIORITY_NAMES[of.priority] if of.priority else NOT_STATED),
        (gettext("Version"), str(snapshot.version)),
    ]


def remarks(snapshot: CaseSnapshot) -> list[str]:
    """Return what people wrote of the case."""
    reason, notes = snapshot.amended_because, snapshot.specimen.notes
    amended = [gettext("Reason for amendment: %(reason)s", reason=reason)] if reason else []
    return [*amended, *([gettext("Notes: %(notes)s", notes=notes)] if notes else [])]


def models_sentence(snapshot: CaseSnapshot) -> str:
    """Say what the models count."""
    tally = snapshot.by_models
    if tally.share is None:
        return gettext("Models: no white cells.")
    blasts = gettext(
        "%(blasts)s of %(white)s white cells", blasts=tally.blasts.blasts, white=tally.white
    )
    interval = format_interval(tally.blasts)
    return gettext(
        "Models: blasts %(share)s, %(blasts)s (95%% CI %(interval)s).",
        share=format_share(tally.share),
        blasts=blasts,
        interval=interval,
    )


def differential(contents: ReportContents) -> Iterator[DifferentialLine]:
    """Yield the white cells by class, their sum, and what stands beside them."""
    snapshot, ranges = contents.snapshot, reference_ranges(contents)
    names = class_texts(snapshot.classes)
    for label in snapshot.classes.white:
        count, share = _by_reviewers(snapshot, label)
        yield DifferentialLine(
            name=names[label],
            count=count,
            share=share,
            models=_by_models(snapshot, label),
            usual=format_range(ranges[label]) if label in ranges else "",
            outside=_outside(snapshot, label, ranges),
        )
    reviewed = str(snapshot.by_reviewers.white) if snapshot.reviewed else UNKNOWN
    models = str(snapshot.by_models.white)
    yield DifferentialLine(gettext("White cells"), reviewed, "", models, total=True)
    beside = {one.code: one.name for one in snapshot.classes.own if not one.differential}
    for label, name in {**BESIDE, **beside}.items():
        count, _ = _by_reviewers(snapshot, label)
        models = _by_models(snapshot, label)
        yield DifferentialLine(name, count, _per_100(snapshot, label), models)


def reference_ranges(contents: ReportContents) -> Mapping[str, ReferenceRange]:
    """Return the ranges of the laboratory, by code of the class."""
    return contents.laboratory.ranges if contents.laboratory else {}


def ranges_sentence(contents: ReportContents) -> str:
    """Say whom the ranges are for; empty where there are none."""
    if not reference_ranges(contents) or contents.laboratory is None:
        return ""
    source = contents.laboratory.ranges_source.rstrip(".") or gettext("as set by the laboratory")
    return gettext("Reference ranges, in percent of white cells: %(source)s.", source=source)


def reading_note(contents: ReportContents) -> str:
    """Say how the counts are to be read."""
    note = gettext(
        "The models’ column has the class proposed for each cell; a white cell without one is "
        "unclassified. The reviewer’s column has reviewed cells only. 95% CI (Wilson), assuming "
        "independent cells."
    )
    if contents.snapshot.by_reviewers.white < USUAL_DIFFERENTIAL:
        few = gettext(
            "Fewer than %(number)s white cells: interpret with caution.",
            number=USUAL_DIFFERENTIAL,
        )
        note = f"{note} {few}"
    return " ".join(filter(None, (note, format_left_out(contents.snapshot.left_out))))


def kappa_sentence(agreement: Agreement) -> str:
    """Say how far two reviewers agree."""
    if not agreement.cells:
        return gettext("Cohen’s kappa is not defined: no cell was classified by both reviewers.")
    kappa = gettext("not defined") if agreement.kappa is None else format_number(agreement.kappa, 2)
    cells = ngettext("%(num)s cell", "%(num)s cells", agreement.cells)
    return gettext(
        "Cohen’s kappa over %(cells)s classified by both reviewers: %(kappa)s. Classes "
        "taken over from another person are left out. %(blind)s",
        cells=cells,
        kappa=kappa,
        blind=SAW[agreement.blind],
    )


def differences_sentence(agreement: Agreement, classes: CellClasses) -> str:
    """List the cells on which two reviewers differ, with what was decided."""
    names = class_texts(classes)
    if not agreement.disagreements:
        return gettext("No differences.")
    readers = (
        gettext("first / second reviewer → decision")
        if agreement.blind
        else gettext("first / second reviewer")
    )
    listed = "; ".join(
        gettext("cell %(name)s", name=one.cell)
        + f": {_label(one.first, names)} / {_label(one.second, names)}{_decision(one, names)}"
        for one in agreement.disagreements
    )
    return gettext("Differences (%(readers)s): %(listed)s.", readers=readers, listed=listed)


def _decision(one: Disagreement, names: Mapping[str, str]) -> str:
    return f" → {_label(one.decided, names)}" if one.decided else ""


def _label(label: str | None, names: Mapping[str, str]) -> str:
    return str(names[label]) if label else gettext("not drawn")


def format_thresholds(snapshot: CaseSnapshot) -> str:
    """Say which thresholds the images were read with."""
    return "; ".join(sorted({_thresholds(image.thresholds) for image in snapshot.images} - {""}))


def cell_standing(cell: CellSnapshot) -> list[str]:
    """Say what keeps a cell that is shown from the counts, if anything does."""
    said = (
        "" if cell.seen else gettext("not reviewed"),
        gettext("not counted") if cell.left_out else "",
    )
    return [*filter(None, said)]


def format_opinions(cell: CellSnapshot) -> str:
    """Write the blast probabilities of detector and classifier."""
    shares = (cell.blast, cell.second)
    return " · ".join(UNKNOWN if one is None else format_share(one) for one in shares)


def _day(iso: str | None) -> str:
    return format_date(date.fromisoformat(iso)) if iso else NOT_STATED


def _outside(snapshot: CaseSnapshot, label: str, ranges: Mapping[str, ReferenceRange]) -> str:
    tally = snapshot.by_reviewers
    if not (snapshot.reviewed and snapshot.complete and tally.white):
        return ""
    return POSITION_NAMES[position_of(100 * tally.count(label) / tally.white, label, ranges)]


def _per_100(snapshot: CaseSnapshot, label: str) -> str:
    per_100 = snapshot.by_reviewers.per_100(label)
    reported = label in snapshot.classes.reported
    known = per_100 is not None and snapshot.complete and snapshot.reviewed and reported
    return _ratio(per_100) if known and per_100 is not None else ""


def _by_reviewers(snapshot: CaseSnapshot, label: str) -> tuple[str, str]:
    """Return count of a class, once anybody has reviewed a cell, and share, once all are."""
    tally = snapshot.by_reviewers
    if not snapshot.reviewed:
        return UNKNOWN, UNKNOWN
    count = tally.count(label)
    known = snapshot.complete and tally.white
    return str(count), format_share(count / tally.white) if known else UNKNOWN


def _by_models(snapshot: CaseSnapshot, label: str) -> str:
    count = snapshot.by_models.proposed(label)
    return UNKNOWN if count is None else str(count)


def _of(part: int, whole: int) -> str:
    return gettext("%(part)s of %(whole)s", part=part, whole=whole)


def _ratio(per_100: float) -> str:
    return gettext("%(ratio)s per 100 WBC", ratio=format_number(per_100, 1))


def _thresholds(thresholds: Mapping[str, float]) -> str:
    return ", ".join(
        f"{THRESHOLD_NAMES.get(name, name)} ≥ {format_share(value)}"
        for name, value in thresholds.items()
    )
