"""Analyses: one uploaded image each, with what a model found in it. Findings are never edited."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, Select, String, func, select
from sqlalchemy.orm import Mapped, defer, joinedload, mapped_column, relationship

from records import Model, UtcDateTime, code_type, db, pagination, transaction, utc_now
from records.accounts.accounts import Account, new_id, team_of_owner
from records.analyses import explanations
from records.cases.cases import Case
from records.faults import GoneError
from records.pagination import Page
from records.storage.stored_files import IMAGES, StoredFile


class AnalysisKind(StrEnum):
    """How an image was analysed: as one cell, or as a field of cells."""

    CLASSIFICATION = "classification"
    DETECTION = "detection"


ALL_BLAST, NORMAL, UNCERTAIN, NOT_USABLE = "all_blast", "normal", "uncertain", "not_usable"
BLASTS, NO_BLASTS, NO_WHITE_CELLS = "blasts", "no_blasts", "no_white_cells"
NOT_READABLE = "not_readable"

UNREAD = (NOT_USABLE, NOT_READABLE)
"""Results of images in which nothing was counted because of their quality."""

RESULTS: dict[AnalysisKind, tuple[str, ...]] = {
    AnalysisKind.CLASSIFICATION: (ALL_BLAST, NORMAL, UNCERTAIN, NOT_USABLE),
    AnalysisKind.DETECTION: (BLASTS, NO_BLASTS, NO_WHITE_CELLS, NOT_READABLE),
}
"""The results that each kind of analysis can have."""

FILE_NAME_LENGTH = 120
FILE_FORMAT_LENGTH = 8


class Analysis(Model):
    """One image as one person uploaded it, and the finding; sizes in pixels of the upright file.

    It belongs to the team in which its owner was at that time, whose people all see it, and to one
    case of that team at most.
    `file_name` is for display only, `sha256` is of the bytes as uploaded (of an area of a slide, of
    its pixels), `finding` is the model's answer as JSON, `quality` a copy of its part on the
    image's quality (None in those of before), and the `…_name` columns name files of the image
    store.
    """

    __tablename__ = "analyses"
    __table_args__ = (
        CheckConstraint("kind IN ('classification', 'detection')", name="kind"),
        Index("ix_analyses_team_id_created_at", "team_id", "created_at"),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    owner_id: Mapped[str] = mapped_column(ForeignKey("accounts.id", ondelete="RESTRICT"))
    team_id: Mapped[str] = mapped_column(
        ForeignKey("teams.id", ondelete="RESTRICT"), default=team_of_owner
    )
    batch_id: Mapped[str] = mapped_column(String(32), index=True)
    case_id: Mapped[str | None] = mapped_column(
        ForeignKey("cases.id", ondelete="RESTRICT"), index=True
    )
    kind: Mapped[AnalysisKind] = mapped_column(code_type(AnalysisKind, 16))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)

    file_name: Mapped[str] = mapped_column(String(FILE_NAME_LENGTH))
    file_format: Mapped[str] = mapped_column(String(FILE_FORMAT_LENGTH))
    file_bytes: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64))
    width: Mapped[int]
    height: Mapped[int]
    notes: Mapped[list[str]] = mapped_column(JSON)

    result: Mapped[str] = mapped_column(String(16))
    probability: Mapped[float | None]
    finding: Mapped[dict[str, Any]] = mapped_column(JSON)
    quality: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    model_version: Mapped[str] = mapped_column(String(64))

    image_name: Mapped[str] = mapped_column(StoredFile(IMAGES))
    thumbnail_name: Mapped[str] = mapped_column(StoredFile(IMAGES))
    display_name: Mapped[str | None] = mapped_column(StoredFile(IMAGES))
    cells_name: Mapped[str | None] = mapped_column(StoredFile(IMAGES))

    owner: Mapped[Account] = relationship()
    case: Mapped[Case | None] = relationship()

    @property
    def image_names(self) -> tuple[str, ...]:
        """Every file that the image store keeps for this analysis."""
        names = (self.image_name, self.thumbnail_name, self.display_name, self.cells_name)
        return tuple(name for name in names if name)


@dataclass(frozen=True)
class Filters:
    """What to look for; None does not restrict. `since` is included, `before` is not."""

    kind: str | None = None
    result: str | None = None
    since: datetime | None = None
    before: datetime | None = None
    batch_id: str | None = None
    owner_id: str | None = None
    in_no_case: bool = False


@dataclass(frozen=True)
class BatchPlace:
    """Where an analysis stands among those uploaded together, counted from 1."""

    number: int
    total: int
    previous: str | None
    next: str | None


def find(owner_id: str, analysis_id: str, kind: str | None = None) -> Analysis | None:
    """Find the owner's analysis of this id (and kind); None for somebody else's."""
    wanted = select(Analysis).where(Analysis.id == analysis_id, Analysis.owner_id == owner_id)
    return db.session.scalar(wanted.where(Analysis.kind == kind) if kind else wanted)


def find_in_team(team_id: str, analysis_id: str, kind: str | None = None) -> Analysis | None:
    """Find the team's analysis of this id (and kind); None for another team's."""
    wanted = select(Analysis).where(Analysis.id == analysis_id, Analysis.team_id == team_id)
    return db.session.scalar(wanted.where(Analysis.kind == kind) if kind else wanted)


def get(analysis_id: str) -> Analysis:
    """Return the analysis of this id, whoever's it is: for background work."""
    return db.session.get_one(Analysis, analysis_id)


def of_case(case_id: str, among: Collection[str] | None = None) -> list[Analysis]:
    """Return the analyses of a case, oldest first; only those `among` these ids."""
    wanted = select(Analysis).filter_by(case_id=case_id)
    if among is not None:
        wanted = wanted.where(Analysis.id.in_(among))
    return list(db.session.scalars(wanted.order_by(Analysis.created_at, Analysis.id)))


def free_of(team_id: str, analysis_ids: Iterable[str]) -> list[Analysis]:
    """Return the team's analyses, of these ids, that are in no case."""
    wanted = select(Analysis).filter_by(team_id=team_id, case_id=None)
    return list(db.session.scalars(wanted.where(Analysis.id.in_(list(analysis_ids)))))


def kinds_by_case(case_ids: Iterable[str]) -> dict[str, Counter[str]]:
    """Count the analyses of each kind in each of these cases, by its id."""
    counted = select(Analysis.case_id, Analysis.kind, func.count())
    wanted = counted.where(Analysis.case_id.in_(list(case_ids)))
    kinds: dict[str, Counter[str]] = defaultdict(Counter)
    for case_id, kind, number in db.session.execute(
        wanted.group_by(Analysis.case_id, Analysis.kind)
    ):
        kinds[case_id][kind] = number
    return kinds


def all_ids() -> set[str]:
    """Return the ids of all analyses, whoever's they are."""
    return set(db.session.scalars(select(Analysis.id)))


def any_of(team_id: str) -> bool:
    """Return whether the team has any analysis."""
    return db.session.scalar(select(Analysis.id).filter_by(team_id=team_id).limit(1)) is not None


def page_of(team_id: str, filters: Filters, number: int, size: int) -> Page[Analysis]:
    """Return one page of the team's analyses, newest first.

    A number out of range gives the nearest page.

    Their owners and cases come along; their findings, which are long for fields, are not read until
    asked for.
    """
    wanted = _filtered(select(Analysis).where(Analysis.team_id == team_id), filters)
    wanted = wanted.options(
        defer(Analysis.finding), joinedload(Analysis.owner), joinedload(Analysis.case)
    )
    return pagination.page_of(
        wanted.order_by(Analysis.created_at.desc(), Analysis.id), number, size
    )


def place_in_batch(analysis: Analysis) -> BatchPlace:
    """Find the place of an analysis among those of its batch, oldest first.

    Raises `GoneError` where it was deleted meanwhile.
    """
    wanted = select(Analysis.id).filter_by(
        owner_id=analysis.owner_id,
        team_id=analysis.team_id,
        batch_id=analysis.batch_id,
        kind=analysis.kind,
    )
    ids = list(db.session.scalars(wanted.order_by(Analysis.created_at, Analysis.id)))
    if analysis.id not in ids:
        raise GoneError(Analysis.__name__)
    index = ids.index(analysis.id)
    return BatchPlace(
        number=index + 1,
        total=len(ids),
        previous=ids[index - 1] if index else None,
        next=ids[index + 1] if index + 1 < len(ids) else None,
    )


def add(analysis: Analysis) -> None:
    """Keep a new analysis."""
    with transaction():
        db.session.add(analysis)


def remove(analysis: Analysis) -> tuple[str, ...]:
    """Remove the row and its explanation, not yet committed.

    Gives the names of all files that the image store keeps for it.
    """
    names = analysis.image_names
    # First, because from here on nobody can write a picture into the explanation.
    picture = explanations.remove(analysis.id)
    db.session.delete(analysis)
    db.session.flush()
    return (*names, picture) if picture else names


def _filtered(wanted: Select[tuple[Analysis]], filters: Filters) -> Select[tuple[Analysis]]:
    if filters.kind:
        wanted = wanted.where(Analysis.kind == filters.kind)
    if filters.result:
        wanted = wanted.where(Analysis.result == filters.result)
    wanted = pagination.between(wanted, Analysis.created_at, filters.since, filters.before)
    if filters.owner_id:
        wanted = wanted.where(Analysis.owner_id == filters.owner_id)
    if filters.in_no_case:
        wanted = wanted.where(Analysis.case_id.is_(None))
    if filters.batch_id:
        wanted = wanted.where(Analysis.batch_id == filters.batch_id)
    return wanted
