"""Review of a case: every white cell, with the models' proposal and people's reviews.

Findings and reviews are rows that nobody changes; what a cell is called now is worked out from
both, here.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from core.geometry import Box, clipped, ends_at_edge
from core.ids import is_id
from core.taxonomy import (
    ARTEFACT,
    BLAST,
    BUILT_IN,
    CLASS_OF_KIND,
    DETECTED,
    ERYTHROBLAST,
    NOT_A_CELL,
    REVIEWED,
    UNCLASSIFIED,
    WBC,
    CellClasses,
)
from models.findings import ALL_BLAST, UNCERTAIN, Detection
from records import exclusive_transaction
from records.analyses import analyses
from records.analyses.analyses import Analysis, AnalysisKind
from records.audit.audit import Event
from records.cases import cases, reviews, signatures
from records.cases.blinding import sight_of
from records.cases.cases import Case
from records.cases.reviews import Review
from services.analyses.findings import (
    BlastShare,
    WhiteCell,
    field_findings,
    image_quality,
    most_suspicious_first,
    suspicion,
)
from services.audit.audit import note
from services.cases.blinding import has_signed, in_force
from services.cases.cases import CLOSED, about_case
from services.laboratory.classes import cell_classes
from services.language import lazy_gettext

SMALLEST_BOX = 4
"""Least side in pixels of a cell that a person draws."""

LIKELY = 0.5
"""Least probability of a kind at which it is proposed."""

SET_ASIDE = (ERYTHROBLAST, ARTEFACT)
"""Classes that the detector takes for white cells and the classifier does not."""

LOCKED = lazy_gettext("This case is signed. Amend it to change anything.")
UNKNOWN_CELL = lazy_gettext("This cell is no longer in the case. Reload the page.")
UNKNOWN_LABEL = lazy_gettext("There is no cell class of this name.")
RETIRED_LABEL = lazy_gettext("This cell class is retired. Choose another one.")
BOX_OUTSIDE = lazy_gettext("The drawn cell is outside the field or too small. Draw it again.")
BOX_OF_FOUND = lazy_gettext("The box of a detected cell cannot change. Draw a new cell instead.")
NOT_A_KEY = lazy_gettext("Each review needs a key of 32 hexadecimal digits.")
NOTHING_TO_UNDO = lazy_gettext("You have nothing left to undo.")
REVIEWED_SINCE = lazy_gettext(
    "Somebody has reviewed this cell since. Reload the page before you undo."
)
NOT_YOURS = lazy_gettext("You can undo only your own reviews. You can review this cell yourself.")
TAKEN_KEY = lazy_gettext("This review has the key of another one. Reload the page.")
SIGNED_BLIND = lazy_gettext(
    "You have signed your differential. It stays as it is until the other reviewer has signed."
)
CONFLICT = lazy_gettext("Somebody else has named this cell since you saw it.")
ONE_BY_ONE = lazy_gettext("Blasts and cells on which the models disagree are confirmed one by one.")

_DRAWN = re.compile(r"d[0-9a-f]{8}")


class LeftOut(StrEnum):
    """Why a cell is reviewed and yet not part of what is counted of the smear."""

    EDGE = "edge"
    SINGLE = "single_image"


def cell_name(image: int, cell_id: str) -> str:
    """Name a cell for people, as "2.12": its image's number in the case and its own, from 1.

    One that a person drew has what its id ends with.
    """
    number = cell_id.partition(".")[2]
    return f"{image}.{int(number) + 1 if number.isdecimal() else number}"


class ReviewError(Exception):
    """A review cannot be kept; the text is a sentence for the person who sent it."""


@dataclass(frozen=True)
class Clash:
    """An entry whose cell somebody else has named since its author saw it: `key`, `review`."""

    key: str
    review: Review


class ConflictError(ReviewError):
    """Colleagues have named cells differently since the author of these entries saw them."""

    def __init__(self, clashes: Sequence[Clash]) -> None:
        super().__init__(CONFLICT)
        self.clashes = tuple(clashes)


class LockedError(ReviewError):
    """The case is signed, so that none can be kept."""

    def __init__(self) -> None:
        super().__init__(LOCKED)


@dataclass(frozen=True)
class Entry:
    """What a person says of a cell: `cell` is its id, `key` makes sure that it is kept once.

    `box` (x1, y1, x2, y2 in pixels of the upright file) only for the first word on a drawn cell.
    `bulk` where the same act named several cells. `based_on` is the id of the review that they saw
    when they said it, None where they saw none.
    """

    key: str
    cell: str
    label: str
    box: Box | None = None
    bulk: bool = False
    based_on: int | None = None


@dataclass(frozen=True)
class Cell:
    """A white cell of a case as it stands; probabilities in 0..1, None where not asked.

    `id` is "<analysis>.<number>", with "d" and eight hexadecimal digits for a drawn one. `number`
    is its place on the sheet of cells of its field, `box` x1, y1, x2, y2 in pixels of the upright
    file. `proposed` is what the models call it, `label` what it is called now: until somebody has
    confirmed it, a white cell of a proposed kind counts as unclassified. It is a `candidate` where
    the models do not count it, `counted` if they do or somebody has named it. `blast` is the
    detector's probability of a blast, `probability` the one that decides whether the models call it
    one, `kind_probability` the classifier's of the `kind` that it takes it for. `review`
    is the standing review, which says who named it and when. `at_edge`
    tells that the picture's edge may cut it, `left_out` why it is not counted, if so.
    """

    id: str
    analysis_id: str
    number: int | None
    box: Box
    proposed: str | None
    label: str
    candidate: bool = False
    blast: float | None = None
    classifier_probability: float | None = None
    classifier_label: str | None = None
    probability: float | None = None
    disagreed: bool = False
    kind: str | None = None
    kind_probability: float | None = None
    at_edge: bool = False
    left_out: LeftOut | None = None
    review: Review | None = None

    @property
    def alone(self) -> bool:
        """Whether what the models propose must be confirmed for this cell by itself."""
        return not self.seen and (BLAST in (self.proposed, self.label) or self.disagreed)

    @property
    def counted(self) -> bool:
        """Whether it is part of what is counted now."""
        return self.seen or not self.candidate

    @property
    def seen(self) -> bool:
        """Whether a person has reviewed it."""
        return self.review is not None

    @property
    def kept(self) -> bool:
        """Whether its last review said that it is what it was called already."""
        return self.review is not None and self.review.label_before == self.label

    @property
    def by(self) -> str | None:
        """The name of who named it last."""
        return self.review and self.review.reviewer.name

    @property
    def at(self) -> datetime | None:
        """When it was named last."""
        return self.review and self.review.at


@dataclass(frozen=True)
class Counts:
    """Cells by label, of these `classes`.

    The `white` ones are those of the differential, the others stand beside them.
    """

    labels: dict[str, int]
    classes: CellClasses = BUILT_IN

    @property
    def white(self) -> int:
        """White cells of the differential."""
        return sum(self.labels[label] for label in self.classes.white)

    @property
    def blasts(self) -> BlastShare:
        """Blasts among them, with their interval."""
        return BlastShare(self.labels[BLAST], self.white)

    def per_100(self, label: str) -> float | None:
        """Return cells of a class to every hundred white cells; None without white cells."""
        return 100 * self.labels[label] / self.white if self.white else None


@dataclass(frozen=True)
class Differential:
    """What models and reviewers count in a smear.

    Attributes:
        models: All cells, as proposed.
        reviewers: The cells that a person named, and no others.
        reviewed: How many cells a person named, counted or left out.
        total: How many there are to name.
        left_out: How many of these are no part of either count, and why.
    """

    models: Counts
    reviewers: Counts
    reviewed: int
    total: int
    left_out: dict[LeftOut, int]

    @property
    def set_aside(self) -> int:
        """Cells that count as white in their fields, and that models propose as something else."""
        return sum(self.models.labels[label] for label in SET_ASIDE)

    @property
    def complete(self) -> bool:
        """Whether every cell is reviewed: before that a share of reviewers says nothing."""
        return self.reviewed == self.total


@dataclass(frozen=True)
class ImageInCase:
    """An image as a part of its case.

    Attributes:
        number: Its number there, from 1.
        cells: Its cells as they stand.
        classes: Those that they can have.
    """

    number: int
    cells: list[Cell]
    classes: CellClasses

    @property
    def by_number(self) -> dict[int | None, Cell]:
        """The cells by their place on the sheet of cells of their field."""
        return {cell.number: cell for cell in self.cells if cell.number is not None}

    @property
    def progress(self) -> Differential:
        """How far its review is."""
        return differential(self.cells, self.classes)

    @property
    def next(self) -> Cell | None:
        """The cell to begin with: the first that nobody reviewed, else the first."""
        counted = [cell for cell in self.cells if cell.counted]
        unseen = (cell for cell in counted if not cell.seen)
        return next(unseen, next(iter(counted), None))


def image_in_case(analysis: Analysis, account_id: str) -> ImageInCase | None:
    """Return an image as part of its case, for a person; None where it is in none."""
    if analysis.case is None:
        return None
    cells = cells_of_image(analysis.case, analysis, account_id)
    return ImageInCase(analyses.number_in_case(analysis), cells, cell_classes())


def cells_of(
    case: Case, kept: Iterable[Analysis] | None = None, account_id: str | None = None
) -> list[Cell]:
    """Return all white cells of a case as they stand for a person, the most suspicious first.

    Its analyses are read, which is long for fields, unless all of them are given as `kept`. While a
    case is read blind, they stand for everybody as they say themselves, and for nobody in
    particular (None) as if none was reviewed.
    """
    if kept is None:
        kept = analyses.of_case(case.id)
    return _cells(kept, _history(case, account_id), case.leave_out_edge)


def cells_of_image(case: Case, analysis: Analysis, account_id: str | None = None) -> list[Cell]:
    """Return the cells of one image of a case as `cells_of` does."""
    history = _history(case, account_id, [analysis.id])
    return _cells([analysis], history, case.leave_out_edge)


def _history(
    case: Case, account_id: str | None, among: Collection[str] | None = None
) -> list[Review]:
    """Return the reviews that count for a person, of these analyses or of all."""
    history = reviews.of_case(case.id, among, sight_of(case, account_id))
    return in_force(case, history, account_id)


def proposed_cells(analysis: Analysis) -> list[Cell]:
    """Return the white cells of an analysis as its models see them, the most suspicious first."""
    return [cell for _, cell in _proposals(analysis)]


def record(case: Case, reviewer_id: str, entries: Sequence[Entry]) -> list[Review]:
    """Keep what a person says of cells: all of it, or nothing; again what is kept already.

    Raises `LockedError` for a signed case, `ConflictError` where a colleague has named a cell since
    and differently, `ReviewError` for an unknown cell or label, or a box that cannot be.
    """
    keys = [entry.key for entry in entries]
    with exclusive_transaction():
        kept = _kept(case, reviewer_id, keys)
        new = _once(entry for entry in entries if entry.key not in kept)
        if new:
            check_open(case, reviewer_id)
            added = _reviews(case, reviewer_id, new)
            reviews.add(added)
            _note(Event.CORRECTION, case, added)
    kept = reviews.with_keys(keys)
    return [kept[key] for key in keys]


def undo(case: Case, reviewer_id: str, key: str, review_id: int | None = None) -> Review:
    """Take a review back, the person's last one unless another is named.

    The cell is called again what it was before. Raises `LockedError` for a signed case,
    `ReviewError` where it is somebody else's or not the last word on its cell, or there is none.
    """
    with exclusive_transaction():
        if not _kept(case, reviewer_id, [key]):
            check_open(case, reviewer_id)
            review = _to_undo(_history(case, reviewer_id), reviewer_id, review_id)
            added = _taking_back(review, key)
            reviews.add([added])
            _note(Event.UNDO, case, [added])
    return reviews.with_keys([key])[key]


def history_of(case: Case, cell_id: str, account_id: str | None = None) -> list[Review]:
    """Return all reviews of a cell that a person sees, oldest first."""
    return reviews.of_cell(case.id, cell_id, sight_of(case, account_id))


def count_of(case: Case, account_id: str | None = None) -> int:
    """Count the reviews of a case that a person sees."""
    return reviews.count_of(case.id, sight_of(case, account_id))


def holds_cell(case: Case, cell_id: str, account_id: str | None = None) -> bool:
    """Return whether a case has a cell of this id now, for a person."""
    touched = {cell_id.partition(".")[0]}
    fields, history = analyses.of_case(case.id, touched), _history(case, account_id, touched)
    present = _cells(fields, history, case.leave_out_edge)
    return any(cell.id == cell_id for cell in present)


def differential(cells: Iterable[Cell], classes: CellClasses) -> Differential:
    """Count the cells of a case by the classes that they can have."""
    cells = list(cells)
    counted = [cell for cell in cells if cell.counted]
    smear = [cell for cell in cells if cell.left_out is None]
    left_out = Counter(cell.left_out for cell in counted)
    return Differential(
        models=_counts(
            (cell.proposed for cell in smear if cell.proposed and not cell.candidate), BUILT_IN
        ),
        reviewers=_counts((cell.label for cell in smear if cell.seen), classes),
        reviewed=sum(cell.seen for cell in counted),
        total=len(counted),
        left_out={reason: left_out[reason] for reason in LeftOut},
    )


def _cells(
    kept: Iterable[Analysis], history: Iterable[Review], leave_out_edge: bool = False
) -> list[Cell]:
    """Return the cells of these analyses as reviewed; drawn ones come first."""
    kept = list(kept)
    proposals = [pair for analysis in kept for pair in _proposals(analysis)]
    proposals.sort(key=lambda pair: pair[0], reverse=True)
    history = list(history)
    standing = _standing(history)
    boxes = {one.cell_id: one.box for one in history if one.box and one.cell_id in standing}
    frames = {analysis.id: _frame(analysis) for analysis in kept}
    drawn = [_drawn(box, standing[cell_id], frames) for cell_id, box in boxes.items()]
    cells = [*drawn, *(_as_reviewed(cell, standing.get(cell.id)) for _, cell in proposals)]
    return [_without_edge(cell) for cell in cells] if leave_out_edge else cells


def _without_edge(cell: Cell) -> Cell:
    cut = cell.at_edge and cell.left_out is None
    return replace(cell, left_out=LeftOut.EDGE) if cut else cell


def _frame(analysis: Analysis) -> Box:
    """Return the edges of what was read of an image."""
    quality = image_quality(analysis)
    whole = (0.0, 0.0, float(analysis.width), float(analysis.height))
    return (quality and quality.cropped) or whole


def _counts(labels: Iterable[str], classes: CellClasses) -> Counts:
    counts = Counter(labels)
    return Counts({label: counts[label] for label in classes.codes}, classes)


def _proposals(analysis: Analysis) -> list[tuple[tuple[bool, float], Cell]]:
    """Return the white cells of an image, each with how suspicious it is."""
    if analysis.kind == AnalysisKind.CLASSIFICATION:
        return [_of_cell_image(analysis)]
    white = most_suspicious_first(field_findings(analysis, REVIEWED))
    return [(suspicion(one), _of_field(analysis, one)) for one in white]


def _of_field(analysis: Analysis, one: WhiteCell) -> Cell:
    detection = one.found
    label = DETECTED[detection.label if one.counted else WBC].proposes or UNCLASSIFIED
    proposed = _kind(detection) if one.counted and label == UNCLASSIFIED else label
    return Cell(
        id=f"{analysis.id}.{one.number}",
        analysis_id=analysis.id,
        number=one.number,
        box=detection.box,
        proposed=proposed,
        label=label,
        candidate=not one.counted,
        blast=detection.blast,
        classifier_probability=detection.classifier_probability,
        classifier_label=detection.classifier_label,
        probability=one.probability,
        disagreed=one.disagreed,
        kind=detection.kind,
        kind_probability=detection.kind_probability,
        at_edge=one.at_edge,
    )


def _kind(detection: Detection) -> str:
    """Propose a class for a white cell that is no blast: what may be one gets none."""
    likely = (detection.kind_probability or 0.0) >= LIKELY
    if not likely or detection.classifier_label in (UNCERTAIN, ALL_BLAST):
        return UNCLASSIFIED
    return CLASS_OF_KIND.get(detection.kind or "", UNCLASSIFIED)


def _of_cell_image(analysis: Analysis) -> tuple[tuple[bool, float], Cell]:
    """Return its one cell; one of no usable image does not count."""
    called = analysis.finding.get("label")
    is_blast = called == ALL_BLAST
    proposed = BLAST if is_blast else UNCLASSIFIED
    cell = Cell(
        id=f"{analysis.id}.0",
        analysis_id=analysis.id,
        number=0,
        box=_window(analysis),
        proposed=proposed,
        label=proposed,
        candidate=called is None,
        classifier_probability=analysis.probability,
        classifier_label=called,
        probability=analysis.probability,
        left_out=LeftOut.SINGLE,
    )
    return (is_blast, analysis.probability or 0.0), cell


def _window(analysis: Analysis) -> Box:
    """Return the analysed square of a cell image, as far as it lies inside."""
    window = analysis.finding.get("window") or (0.0, 0.0, analysis.width, analysis.height)
    return clipped(window, analysis.width, analysis.height)


def _standing(history: Iterable[Review]) -> dict[str, Review]:
    """Return the last review of each cell that was not undone, by the cell's id."""
    history = list(history)
    taken_back = {review.undoes for review in history}
    return {
        review.cell_id: review
        for review in history
        if review.undoes is None and review.id not in taken_back
    }


def _as_reviewed(cell: Cell, review: Review | None) -> Cell:
    return cell if review is None else replace(cell, label=review.label, review=review)


def _drawn(edges: Sequence[float], review: Review, frames: Mapping[str, Box]) -> Cell:
    """Make the cell that a person drew with their first review of it."""
    left, top, right, bottom = edges
    box, frame = (left, top, right, bottom), frames.get(review.analysis_id)
    return Cell(
        id=review.cell_id,
        analysis_id=review.analysis_id,
        number=None,
        box=box,
        proposed=None,
        label=review.label,
        at_edge=frame is not None and ends_at_edge(box, frame),
        review=review,
    )


def _once(entries: Iterable[Entry]) -> list[Entry]:
    """Keep the first of the entries with the same key."""
    return list({entry.key: entry for entry in reversed(list(entries))}.values())[::-1]


def _kept(case: Case, reviewer_id: str, keys: Sequence[str]) -> dict[str, Review]:
    """Return what this person kept before under these keys."""
    if not all(map(is_id, keys)):
        raise ReviewError(NOT_A_KEY)
    kept = reviews.with_keys(keys)
    if any((one.case_id, one.reviewer_id) != (case.id, reviewer_id) for one in kept.values()):
        raise ReviewError(TAKEN_KEY)
    return kept


def _reviews(case: Case, reviewer_id: str, entries: Sequence[Entry]) -> list[Review]:
    """Make the rows of these entries.

    Of two on one cell the second begins where the first ends.
    """
    touched = {entry.cell.partition(".")[0] for entry in entries}
    fields = {analysis.id: analysis for analysis in analyses.of_case(case.id, touched)}
    present = _cells(fields.values(), _history(case, reviewer_id, fields))
    cells = {cell.id: cell for cell in present}
    _check_unchanged(entries, cells, reviewer_id)
    labels = {cell.id: cell.label for cell in present}
    made, classes = [], cell_classes()
    for entry in entries:
        _check_label(entry, labels, classes)
        _check(entry, cells, fields, labels)
        analysis_id, _, cell = entry.cell.partition(".")
        made.append(
            Review(
                key=entry.key,
                case_id=case.id,
                analysis_id=analysis_id,
                cell=cell,
                label_before=labels.get(entry.cell),
                label=entry.label,
                box=entry.box and list(entry.box),
                bulk=entry.bulk,
                reviewer_id=reviewer_id,
            )
        )
        labels[entry.cell] = entry.label
    return made


def _check_label(entry: Entry, labels: Mapping[str, str], classes: CellClasses) -> None:
    if entry.label not in classes.codes:
        raise ReviewError(UNKNOWN_LABEL)
    given = {one.code for one in classes.given}
    # What has a retired class already may keep it.
    if entry.label not in given and entry.label != labels.get(entry.cell):
        raise ReviewError(RETIRED_LABEL)


def _check(
    entry: Entry, cells: dict[str, Cell], fields: dict[str, Analysis], labels: dict[str, str]
) -> None:
    if entry.box is None:
        if entry.cell not in labels:
            raise ReviewError(UNKNOWN_CELL)
        _check_bulk(entry, cells.get(entry.cell))
        return
    analysis_id, _, cell = entry.cell.partition(".")
    if analysis_id not in fields:
        raise ReviewError(UNKNOWN_CELL)
    may_be_drawn = _DRAWN.fullmatch(cell) and fields[analysis_id].kind == AnalysisKind.DETECTION
    if entry.cell in cells or not may_be_drawn:
        raise ReviewError(BOX_OF_FOUND)
    if not _lies_in(entry.box, fields[analysis_id]):
        raise ReviewError(BOX_OUTSIDE)


def _check_unchanged(entries: Sequence[Entry], cells: Mapping[str, Cell], reviewer_id: str) -> None:
    """Raise `ConflictError` where a colleague has said something else since, unseen."""
    clashes = [
        Clash(entry.key, cell.review)
        for entry in entries
        if (cell := cells.get(entry.cell)) and cell.review
        if cell.review.reviewer_id != reviewer_id
        if cell.review.id != entry.based_on and cell.label != entry.label
    ]
    if clashes:
        raise ConflictError(clashes)


def _check_bulk(entry: Entry, cell: Cell | None) -> None:
    if cell is None or not (entry.bulk and cell.alone):
        return
    if entry.label in (cell.proposed, cell.label):
        raise ReviewError(ONE_BY_ONE)


def check_open(case: Case, account_id: str) -> None:
    """Raise `ReviewError` where a person can say nothing of a case now."""
    if signatures.locked(case.id):
        raise LockedError
    if cases.is_closed(case.id):
        raise ReviewError(CLOSED)
    if has_signed(case, account_id):
        raise ReviewError(SIGNED_BLIND)


def _lies_in(box: Box, analysis: Analysis) -> bool:
    left, top, right, bottom = box
    inside = left >= 0 and top >= 0 and right <= analysis.width and bottom <= analysis.height
    return inside and min(right - left, bottom - top) >= SMALLEST_BOX


def _to_undo(history: list[Review], reviewer_id: str, review_id: int | None) -> Review:
    standing = _standing(history)
    if review_id is None:
        own = [one for one in standing.values() if one.reviewer_id == reviewer_id]
        if not own:
            raise ReviewError(NOTHING_TO_UNDO)
        return max(own, key=lambda one: one.id)
    wanted = next((one for one in history if one.id == review_id), None)
    if wanted is None or wanted.undoes is not None:
        raise ReviewError(NOTHING_TO_UNDO)
    if wanted.reviewer_id != reviewer_id:
        raise ReviewError(NOT_YOURS)
    if standing.get(wanted.cell_id) is not wanted:
        raise ReviewError(REVIEWED_SINCE)
    return wanted


def _taking_back(review: Review, key: str) -> Review:
    return Review(
        key=key,
        case_id=review.case_id,
        analysis_id=review.analysis_id,
        cell=review.cell,
        label_before=review.label,
        label=review.label_before or NOT_A_CELL,
        reviewer_id=review.reviewer_id,
        undoes=review.id,
    )


def _note(event: Event, case: Case, added: Sequence[Review]) -> None:
    """Note which cells changed, from what to what; the rows have the rest.

    Of a case that is read blind only which: whoever reads the trail may read the case as well.
    """
    if case.blind:
        note(event, about_case(case), cells=sorted({review.cell_id for review in added}))
        return
    changes: dict[str, list[str | None]] = {}
    for review in added:
        changes.setdefault(review.cell_id, [review.label_before]).append(review.label)
    note(event, about_case(case), cells=changes)
