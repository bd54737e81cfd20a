"""Blind review: two people read a case, each for themselves, until both have signed.

Until then nobody sees what others said of it. Afterwards what the two said stands, the second over
the first, and over both what is decided then.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from records.cases import signatures
from records.cases.cases import Case
from records.cases.reviews import Review
from records.cases.signatures import FIRST_VERSION, Mark, SignatureRole


class Stage(StrEnum):
    """What a case asks of its readers.

    It is open where everybody sees everything, blind while each reads for themselves, and in
    adjudication once two have signed and differ.
    """

    OPEN = "open"
    BLIND = "blind"
    ADJUDICATION = "adjudication"


@dataclass(frozen=True)
class Course:
    """How one version of a case was read.

    Attributes:
        since: When it was opened; None for the first.
        readers: Ids of those who signed it blind, in order.
        until: When the last of them signed; None while it is blind.
        final: Whether it is signed for good.
    """

    since: datetime | None
    readers: tuple[str, ...]
    until: datetime | None
    final: bool

    @property
    def stage(self) -> Stage:
        """What it asks of its readers now."""
        if self.until is None:
            return Stage.BLIND
        return Stage.OPEN if self.final else Stage.ADJUDICATION


def stage_of(case: Case) -> Stage:
    """Return what a case asks of its readers now."""
    return courses_of(case)[-1].stage if case.blind else Stage.OPEN


def courses_of(case: Case) -> list[Course]:
    """Return how each version of a blind case was read, the first one first."""
    opened: list[datetime | None] = [None]
    opened += [one.at for one in signatures.amendments_of(case.id)]
    marks = signatures.marks_of(case.id)
    return [
        _course(since, [mark for mark in marks if mark.version == version])
        for version, since in enumerate(opened, start=FIRST_VERSION)
    ]


def _course(since: datetime | None, marks: Sequence[Mark]) -> Course:
    blind = [mark for mark in marks if mark.role != SignatureRole.ADJUDICATOR]
    ended = [mark.at for mark in marks if mark.final or mark.role == SignatureRole.SECOND]
    return Course(
        since=since,
        readers=tuple(mark.reader_id for mark in blind),
        until=min(ended, default=None),
        final=any(mark.final for mark in marks),
    )


def has_signed(case: Case, account_id: str) -> bool:
    """Return whether a person signed the present version of a case that is read blind still."""
    if not case.blind:
        return False
    present = courses_of(case)[-1]
    return present.stage is Stage.BLIND and account_id in present.readers


def in_force(case: Case, history: Iterable[Review], account_id: str | None) -> list[Review]:
    """Return the reviews of a case that count for a person, later ones over earlier ones.

    What others than its signers said of a version while it was blind never counts.
    """
    history = list(history)
    if not case.blind:
        return history
    courses = courses_of(case)
    ranked = [(_rank(one, courses, account_id), one) for one in history]
    counting = [(rank, one.id, one) for rank, one in ranked if rank is not None]
    return [one for *_, one in sorted(counting, key=lambda each: each[:2])]


def _rank(
    review: Review, courses: Sequence[Course], account_id: str | None
) -> tuple[int, int] | None:
    """Return the place of a review: its version, and in this whose it is; None for no place."""
    number = max(
        place
        for place, course in enumerate(courses)
        if course.since is None or course.since <= review.at
    )
    course = courses[number]
    if course.until is not None and review.at > course.until:
        return number, len(course.readers)
    if course.until is None:
        return (number, 0) if review.reviewer_id == account_id else None
    if review.reviewer_id not in course.readers:
        return None
    return number, course.readers.index(review.reviewer_id)
