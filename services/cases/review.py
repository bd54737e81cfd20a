"""Review of a case: every white cell, with the models' proposal and people's reviews.

Findings and reviews are rows that nobody changes; what a cell is called now is worked out from
both, here.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from core.geometry import Box, clipped
from core.taxonomy import (
    BLAST,
    CLASS_CODES,
    DETECTED,
    DIFFERENTIAL,
    ERYTHROBLAST,
    NOT_A_CELL,
    REVIEWED,
    UNCLASSIFIED,
    WBC,
)
from models.findings import ALL_BLAST
from records import exclusive_transaction
from records.analyses import analyses
from records.analyses.analyses import Analysis, AnalysisKind
from records.audit.audit import Event
from records.cases import reviews, signatures
from records.cases.cases import Case
from records.cases.reviews import Review
from services.analyses.findings import (
    BlastShare,
    WhiteCell,
    field_findings,
    most_suspicious_first,
    suspicion,
)
from services.audit.audit import note
from services.cases.cases import about_case

SMALLEST_BOX = 4
"""Least side in pixels of a cell that a person draws."""

LOCKED = "This case is signed. Amend it to change anything."
UNKNOWN_CELL = "This cell is no longer in the case. Reload the page."
UNKNOWN_LABEL = "There is no cell class of this name."
BOX_OUTSIDE = "The drawn cell is outside the field or too small. Draw it again."
BOX_OF_FOUND = "The box of a detected cell cannot change. Draw a new cell instead."
NOT_A_KEY = "Each review needs a key of 32 hexadecimal digits."
NOTHING_TO_UNDO = "You have nothing left to undo."
REVIEWED_SINCE = "Somebody has reviewed this cell since. Reload the page before you undo."
NOT_YOURS = "You can undo only your own reviews. You can review this cell yourself."
TAKEN_KEY = "This review has the key of another one. Reload the page."

_KEY = re.compile(r"[0-9a-f]{32}")
_DRAWN = re.compile(r"d[0-9a-f]{8}")


class ReviewError(Exception):
    """A review cannot be kept; the text is a sentence for the person who sent it."""


class LockedError(ReviewError):
    """The case is signed, so that none can be kept."""

    def __init__(self) -> None:
        super().__init__(LOCKED)


@dataclass(frozen=True)
class Entry:
    """What a person says of a cell: `cell` is its id, `key` makes sure that it is kept once.

    `box` (x1, y1, x2, y2 in pixels of the upright file) only for the first word on a drawn cell.
    """

    key: str
    cell: str
    label: str
    box: Box | None = None


@dataclass(frozen=True)
class Cell:
    """A white cell of a case as it stands; probabilities in 0..1, None where not asked.

    `id` is "<analysis>.<number>", with "d" and eight hexadecimal digits for a drawn one. `number`
    is its place on the sheet of cells of its field, `box` x1, y1, x2, y2 in pixels of the upright
    file. `proposed` is what the models call it, `label` what it is called now. It is
    a `candidate` where the models do not count it, `counted` if they do or somebody has named it.
    `blast` is the detector's probability of a blast, `probability` the one that decides what the
    models call it. `review` is the standing review, which says who named it and when.
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
    review: Review | None = None

    @property
    def counted(self) -> bool:
        """Whether it is part of what is counted now."""
        return self.seen or not self.candidate

    @property
    def seen(self) -> bool:
        """Whether a person has reviewed it."""
        return self.review is not None

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
    """Cells by label; `white` are those of the differential, erythroblasts stand beside them."""

    labels: dict[str, int]

    @property
    def white(self) -> int:
        """White cells of the differential."""
        return sum(self.labels[label] for label in DIFFERENTIAL)

    @property
    def blasts(self) -> BlastShare:
        """Blasts among them, with their interval."""
        return BlastShare(self.labels[BLAST], self.white)

    @property
    def erythroblasts_per_100(self) -> float | None:
        """Erythroblasts to every hundred white cells; None without white cells."""
        return 100 * self.labels[ERYTHROBLAST] / self.white if self.white else None


@dataclass(frozen=True)
class Differential:
    """What models and reviewers count in the same cells, and how many of these were reviewed."""

    models: Counts
    reviewers: Counts
    reviewed: int
    total: int


def cells_of(case: Case, kept: Iterable[Analysis] | None = None) -> list[Cell]:
    """Return all white cells of a case as they stand, the most suspicious first.

    Its analyses are read, which is long for fields, unless all of them are given as `kept`.
    """
    if kept is None:
        kept = analyses.of_case(case.id)
    return _cells(kept, reviews.of_case(case.id))


def record(case: Case, reviewer_id: str, entries: Sequence[Entry]) -> list[Review]:
    """Keep what a person says of cells: all of it, or nothing; again what is kept already.

    Raises `LockedError` for a signed case, `ReviewError` for an unknown cell or label, or a box
    that cannot be.
    """
    keys = [entry.key for entry in entries]
    with exclusive_transaction():
        kept = _kept(case, reviewer_id, keys)
        new = _once(entry for entry in entries if entry.key not in kept)
        if new:
            _check_open(case)
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
            _check_open(case)
            review = _to_undo(reviews.of_case(case.id), reviewer_id, review_id)
            added = _taking_back(review, key)
            reviews.add([added])
            _note(Event.UNDO, case, [added])
    return reviews.with_keys([key])[key]


def history_of(case: Case, cell_id: str) -> list[Review]:
    """Return all reviews of a cell, oldest first."""
    analysis_id, _, cell = cell_id.partition(".")
    return reviews.of_cell(case.id, analysis_id, cell)


def differential(cells: Iterable[Cell]) -> Differential:
    """Count the cells of a case."""
    cells = list(cells)
    counted = [cell for cell in cells if cell.counted]
    return Differential(
        models=_counts(cell.proposed for cell in cells if cell.proposed and not cell.candidate),
        reviewers=_counts(cell.label for cell in counted),
        reviewed=sum(cell.seen for cell in counted),
        total=len(counted),
    )


def _cells(kept: Iterable[Analysis], history: Iterable[Review]) -> list[Cell]:
    """Return the cells of these analyses as reviewed; drawn ones come first."""
    proposals = [pair for analysis in kept for pair in _proposals(analysis)]
    proposals.sort(key=lambda pair: pair[0], reverse=True)
    history = list(history)
    standing = _standing(history)
    boxes = {one.cell_id: one.box for one in history if one.box and one.cell_id in standing}
    drawn = [_drawn(box, standing[cell_id]) for cell_id, box in boxes.items()]
    return [*drawn, *(_as_reviewed(cell, standing.get(cell.id)) for _, cell in proposals)]


def _counts(labels: Iterable[str]) -> Counts:
    counts = Counter(labels)
    return Counts({label: counts[label] for label in CLASS_CODES})


def _proposals(analysis: Analysis) -> list[tuple[tuple[bool, float], Cell]]:
    """Return the white cells of an image, each with how suspicious it is."""
    if analysis.kind == AnalysisKind.CLASSIFICATION:
        return [_of_cell_image(analysis)]
    white = most_suspicious_first(field_findings(analysis, REVIEWED))
    return [(suspicion(one), _of_field(analysis, one)) for one in white]


def _of_field(analysis: Analysis, one: WhiteCell) -> Cell:
    detection = one.found
    proposed = DETECTED[detection.label if one.counted else WBC].proposes or UNCLASSIFIED
    return Cell(
        id=f"{analysis.id}.{one.number}",
        analysis_id=analysis.id,
        number=one.number,
        box=detection.box,
        proposed=proposed,
        label=proposed,
        candidate=not one.counted,
        blast=detection.blast,
        classifier_probability=detection.classifier_probability,
        classifier_label=detection.classifier_label,
        probability=one.probability,
        disagreed=one.disagreed,
    )


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


def _drawn(edges: Sequence[float], review: Review) -> Cell:
    """Make the cell that a person drew with their first review of it."""
    left, top, right, bottom = edges
    return Cell(
        id=review.cell_id,
        analysis_id=review.analysis_id,
        number=None,
        box=(left, top, right, bottom),
        proposed=None,
        label=review.label,
        review=review,
    )


def _once(entries: Iterable[Entry]) -> list[Entry]:
    """Keep the first of the entries with the same key."""
    return list({entry.key: entry for entry in reversed(list(entries))}.values())[::-1]


def _kept(case: Case, reviewer_id: str, keys: Sequence[str]) -> dict[str, Review]:
    """Return what this person kept before under these keys."""
    if not all(_KEY.fullmatch(key) for key in keys):
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
    present = _cells(fields.values(), reviews.of_case(case.id, fields))
    cells = {cell.id: cell for cell in present}
    labels = {cell.id: cell.label for cell in present}
    made = []
    for entry in entries:
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
                reviewer_id=reviewer_id,
            )
        )
        labels[entry.cell] = entry.label
    return made


def _check(
    entry: Entry, cells: dict[str, Cell], fields: dict[str, Analysis], labels: dict[str, str]
) -> None:
    if entry.label not in CLASS_CODES:
        raise ReviewError(UNKNOWN_LABEL)
    if entry.box is None:
        if entry.cell not in labels:
            raise ReviewError(UNKNOWN_CELL)
        return
    analysis_id, _, cell = entry.cell.partition(".")
    if analysis_id not in fields:
        raise ReviewError(UNKNOWN_CELL)
    may_be_drawn = _DRAWN.fullmatch(cell) and fields[analysis_id].kind == AnalysisKind.DETECTION
    if entry.cell in cells or not may_be_drawn:
        raise ReviewError(BOX_OF_FOUND)
    if not _lies_in(entry.box, fields[analysis_id]):
        raise ReviewError(BOX_OUTSIDE)


def _check_open(case: Case) -> None:
    if signatures.locked(case.id):
        raise LockedError


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
    """Note which cells changed, from what to what; the rows have the rest."""
    changes: dict[str, list[str | None]] = {}
    for review in added:
        changes.setdefault(review.cell_id, [review.label_before]).append(review.label)
    note(event, about_case(case), cells=changes)
