"""What is checked before a case is signed: codes and values, no sentences."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from pydantic import Field

from core.coding import MARROW
from core.taxonomy import BLAST, UNCLASSIFIED
from models.findings import Verdict
from services.cases.review import Cell
from services.cases.snapshot import CaseSnapshot, CellSnapshot
from services.signed_model import Number, SignedModel

MOST_UNCLASSIFIED = 0.05
"""Share of unclassified cells among the white ones from which on a reason is asked."""

OLDEST = date(1900, 1, 1)
"""No specimen is older."""

FURTHEST_EAST = timedelta(hours=14)
"""How far local dates may be ahead of UTC."""


class CheckCode(StrEnum):
    """What is checked."""

    REVIEW = "review"
    IMAGES = "images"
    DATES = "dates"
    WHITE_CELLS = "white_cells"
    BLASTS = "blasts"
    UNCLASSIFIED = "unclassified"
    DISAGREEMENTS = "disagreements"
    SPECIMEN = "specimen"
    DUPLICATES = "duplicates"
    PSEUDONYM = "pseudonym"


class CheckStatus(StrEnum):
    """What a check comes to; the worst first. A warning takes a reason, a block takes none."""

    BLOCKING = "blocking"
    WARNING = "warning"
    OK = "ok"


class DateIssue(StrEnum):
    """Why a date of collection cannot be."""

    IN_FUTURE = "in_future"
    TOO_OLD = "too_old"
    AFTER_IMAGE = "after_image"


class Check(SignedModel):
    """One check and what it found.

    Attributes:
        code: What is checked.
        status: What it comes to.
        count: How many do not pass; of white cells, how many there are.
        total: Of how many.
        limit: The most or the least that passes; None where nothing is measured.
        items: Which do not pass: numbers of images, names of cells, models, cases or dates.
    """

    code: CheckCode
    status: CheckStatus
    count: int = 0
    total: int = 0
    limit: Number | None = None
    items: tuple[str, ...] = ()


class SignedCheck(Check):
    """A check as it was signed; a warning with the reason that the reviewer gave."""

    reason: str | None = Field(default=None, exclude_if=lambda reason: reason is None)

    @property
    def unsigned(self) -> Check:
        """The check alone."""
        return Check.model_validate(self.model_dump(exclude={"reason"}))


@dataclass(frozen=True)
class AtLeast:
    """White cells that a differential counts at the least.

    The defaults are of ICSH: Int. J. Lab. Hematol. 37 (2015) 287 for blood, 30 (2008) 349 for bone
    marrow.
    """

    blood: int = 200
    leukopenia: int = 100
    marrow: int = 500

    def of(self, specimen: str, leukopenia: bool) -> int:
        """Return how many a kind of specimen needs."""
        if specimen == MARROW:
            return self.marrow
        return self.leukopenia if leukopenia else self.blood


@dataclass(frozen=True)
class Facts:
    """All that the checks look at.

    Attributes:
        snapshot: The case as it would be signed.
        cells: All its cells as they stand.
        missing: Ids of the cells that the person must still review.
        at_least: White cells that are needed.
        collected_on: The date of collection, where it is known.
        first_image: When the first image arrived.
        now: The present.
        namesakes: Ids of other open cases of the team with the same pseudonym.
    """

    snapshot: CaseSnapshot
    cells: Sequence[Cell]
    missing: Collection[str]
    at_least: int
    collected_on: date | None
    first_image: datetime | None
    now: datetime
    namesakes: tuple[str, ...] = ()


def checks_of(facts: Facts) -> tuple[Check, ...]:
    """Return all checks of a case, the worst first."""
    order = list(CheckStatus)
    checks = [check(facts) for check in _CHECKS]
    return tuple(sorted(checks, key=lambda check: order.index(check.status)))


def unresolved(cells: Iterable[Cell]) -> list[Cell]:
    """Return the cells about whose blasts somebody must still decide, or say that it is so.

    The networks disagree until a person names the cell by itself. Where a person's name differs
    from the models' about a blast, it stands once somebody keeps it.
    """
    return [cell for cell in cells if cell.counted and (_open_to_networks(cell) or _differs(cell))]


def _open_to_networks(cell: Cell) -> bool:
    return cell.disagreed and (cell.review is None or cell.review.bulk)


def _differs(cell: Cell) -> bool:
    return _against_models(cell) and not cell.kept


def _against_models(cell: Cell) -> bool:
    if cell.review is None or cell.proposed is None:
        return False
    return (cell.proposed == BLAST) != (cell.label == BLAST)


def _review(facts: Facts) -> Check:
    count = len(facts.missing)
    status = CheckStatus.BLOCKING if count else CheckStatus.OK
    return Check(code=CheckCode.REVIEW, status=status, count=count, total=facts.snapshot.total)


def _images(facts: Facts) -> Check:
    white = facts.snapshot.classes.white
    counting = {cell.image for cell in facts.snapshot.cells if _counts(cell, white)}
    verdicts = {one.number: one.quality.verdict for one in facts.snapshot.images if one.quality}
    bad = [number for number, verdict in verdicts.items() if verdict != Verdict.READABLE]
    blocking = [one for one in bad if one in counting and verdicts[one] == Verdict.NOT_READABLE]
    return Check(
        code=CheckCode.IMAGES,
        status=CheckStatus.BLOCKING if blocking else _warns(bad),
        count=len(blocking or bad),
        total=len(facts.snapshot.images),
        items=tuple(map(str, blocking or bad)),
    )


def _counts(cell: CellSnapshot, white: Collection[str]) -> bool:
    return cell.counted and cell.left_out is None and cell.label in white


def _dates(facts: Facts) -> Check:
    issues = tuple(_date_issues(facts))
    status = CheckStatus.BLOCKING if issues else CheckStatus.OK
    return Check(code=CheckCode.DATES, status=status, count=len(issues), items=issues)


def _date_issues(facts: Facts) -> list[DateIssue]:
    collected = facts.collected_on
    if collected is None:
        return []
    if collected > _latest_date(facts.now):
        return [DateIssue.IN_FUTURE]
    if collected < OLDEST:
        return [DateIssue.TOO_OLD]
    late = facts.first_image is not None and collected > _latest_date(facts.first_image)
    return [DateIssue.AFTER_IMAGE] if late else []


def _latest_date(at: datetime) -> date:
    return (at + FURTHEST_EAST).date()


def _white_cells(facts: Facts) -> Check:
    white = facts.snapshot.by_reviewers.white
    few = CheckStatus.WARNING if facts.snapshot.total else CheckStatus.BLOCKING
    return Check(
        code=CheckCode.WHITE_CELLS,
        status=few if white < facts.at_least else CheckStatus.OK,
        count=white,
        total=facts.snapshot.total,
        limit=facts.at_least,
    )


def _blasts(facts: Facts) -> Check:
    blasts = [cell for cell in facts.cells if cell.counted and BLAST in (cell.proposed, cell.label)]
    unseen = sum(cell.review is None for cell in blasts)
    bulk = sum(cell.review is not None and cell.review.bulk for cell in blasts)
    return Check(
        code=CheckCode.BLASTS,
        status=CheckStatus.BLOCKING if unseen else _warns(bulk),
        count=unseen or bulk,
        total=len(blasts),
    )


def _unclassified(facts: Facts) -> Check:
    tally = facts.snapshot.by_reviewers
    count = tally.count(UNCLASSIFIED)
    return Check(
        code=CheckCode.UNCLASSIFIED,
        status=_warns(count > MOST_UNCLASSIFIED * tally.white),
        count=count,
        total=tally.white,
        limit=MOST_UNCLASSIFIED,
    )


def _disagreements(facts: Facts) -> Check:
    names = {cell.id: cell.name for cell in facts.snapshot.cells}
    left = unresolved(facts.cells)
    total = sum(cell.counted and (cell.disagreed or _against_models(cell)) for cell in facts.cells)
    return Check(
        code=CheckCode.DISAGREEMENTS,
        status=_warns(left),
        count=len(left),
        total=total,
        items=tuple(names[cell.id] for cell in left),
    )


def _specimen(facts: Facts) -> Check:
    return _listed(CheckCode.SPECIMEN, sorted(facts.snapshot.not_validated))


def _duplicates(facts: Facts) -> Check:
    return _listed(CheckCode.DUPLICATES, [str(number) for number in facts.snapshot.duplicates])


def _pseudonym(facts: Facts) -> Check:
    return _listed(CheckCode.PSEUDONYM, facts.namesakes)


def _listed(code: CheckCode, items: Sequence[str]) -> Check:
    return Check(code=code, status=_warns(items), count=len(items), items=tuple(items))


def _warns(wrong: object) -> CheckStatus:
    return CheckStatus.WARNING if wrong else CheckStatus.OK


_CHECKS: tuple[Callable[[Facts], Check], ...] = (
    _review,
    _images,
    _dates,
    _white_cells,
    _blasts,
    _unclassified,
    _disagreements,
    _specimen,
    _duplicates,
    _pseudonym,
)
