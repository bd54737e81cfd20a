"""Analyses: one uploaded image each, with what a model found in it. Findings are never edited."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, Select, String, func, or_, select
from sqlalchemy.orm import Mapped, aliased, defer, joinedload, mapped_column, relationship

from records import Model, UtcDateTime, code_type, db, pagination, transaction, utc_now
from records.accounts.accounts import Account, new_id, team_of_owner
from records.accounts.teams import Team
from records.analyses import explanations
from records.cases.cases import Case
from records.faults import GoneError
from records.pagination import Page, Place
from records.storage.stored_files import IMAGES, StoredFile


class AnalysisKind(StrEnum):
    """How an image was analysed: as one cell, or as a field of cells."""

    CLASSIFICATION = "classification"
    DETECTION = "detection"


ALL_BLAST, NORMAL, UNCERTAIN, NOT_USABLE = "all_blast", "normal", "uncertain", "not_usable"
BLASTS, UNCERTAIN_CELLS, NO_BLASTS = "blasts", "uncertain_cells", "no_blasts"
NO_WHITE_CELLS = "no_white_cells"
NOT_READABLE = "not_readable"

UNREAD = (NOT_USABLE, NOT_READABLE)
"""Results of images in which nothing was counted because of their quality."""

RESULTS: dict[AnalysisKind, tuple[str, ...]] = {
    AnalysisKind.CLASSIFICATION: (ALL_BLAST, NORMAL, UNCERTAIN, NOT_USABLE),
    AnalysisKind.DETECTION: (
        BLASTS,
        UNCERTAIN_CELLS,
        NO_BLASTS,
        NO_WHITE_CELLS,
        NOT_READABLE,
    ),
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
    image's quality (None in those of before), `counts` what lists tell of a field
    (`services.analyses.findings.field_counts`; None of a cell image), and the `…_name` columns name
    files of the image store.
    """

    __tablename__ = "analyses"
    __table_args__ = (
        CheckConstraint("kind IN ('classification', 'detection')", name="kind"),
        Index("ix_analyses_team_id_created_at", "team_id", "created_at"),
        Index("ix_analyses_team_id_sha256", "team_id", "sha256"),
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
    counts: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
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


_OF_NO_DEMO = or_(
    Analysis.case_id.is_(None), Analysis.case_id.not_in(select(Case.id).where(Case.demo))
)


def find(owner_id: str, analysis_id: str, kind: str | None = None) -> Analysis | None:
    """Find the owner's analysis of this id (and kind); None for somebody else's."""
    wanted = select(Analysis).where(Analysis.id == analysis_id, Analysis.owner_id == owner_id)
    return db.session.scalar(wanted.where(Analysis.kind == kind) if kind else wanted)


def find_in_team(team_id: str, analysis_id: str, kind: str | None = None) -> Analysis | None:
    """Find the team's analysis of this id (and kind); None for another team's."""
    wanted = select(Analysis).where(Analysis.id == analysis_id, Analysis.team_id == team_id)
    return db.session.scalar(wanted.where(Analysis.kind == kind) if kind else wanted)


def in_team(team_id: str, analysis_ids: Iterable[str]) -> dict[str, Analysis]:
    """Return the team's analyses of these ids, by id; findings are not read until asked for."""
    wanted = select(Analysis).where(Analysis.team_id == team_id, Analysis.id.in_(analysis_ids))
    return {one.id: one for one in db.session.scalars(wanted.options(defer(Analysis.finding)))}


def files_of_case(case_id: str) -> set[str]:
    """Return the SHA-256 of the images of a case."""
    return set(db.session.scalars(select(Analysis.sha256).filter_by(case_id=case_id)))


def get(analysis_id: str) -> Analysis:
    """Return the analysis of this id, whoever's it is: for background work."""
    return db.session.get_one(Analysis, analysis_id)


def of_case(case_id: str, among: Collection[str] | None = None) -> list[Analysis]:
    """Return the analyses of a case, oldest first; only those `among` these ids."""
    wanted = select(Analysis).filter_by(case_id=case_id)
    if among is not None:
        wanted = wanted.where(Analysis.id.in_(among))
    return list(db.session.scalars(wanted.order_by(Analysis.created_at, Analysis.id)))


def ids_of_case(case_id: str | None) -> list[str]:
    """Return the ids of the analyses of a case, oldest first, without reading them."""
    wanted = select(Analysis.id).filter_by(case_id=case_id)
    return list(db.session.scalars(wanted.order_by(Analysis.created_at, Analysis.id)))


def number_in_case(analysis: Analysis) -> int:
    """Return the number of an analysis in its case, oldest first, from 1."""
    ids = ids_of_case(analysis.case_id)
    if analysis.id not in ids:
        raise GoneError(Analysis.__name__)
    return ids.index(analysis.id) + 1


def of_batch(team_id: str, batch_id: str, kind: AnalysisKind) -> list[Analysis]:
    """Return the team's analyses of one kind that were sent together, oldest first."""
    wanted = select(Analysis).filter_by(team_id=team_id, batch_id=batch_id, kind=kind)
    return list(db.session.scalars(wanted.order_by(Analysis.created_at, Analysis.id)))


def of_files(team_id: str, kind: AnalysisKind, hashes: Collection[str]) -> list[Analysis]:
    """Return the team's analyses of one kind of files of these SHA-256, oldest first.

    Their owners come along; their findings are not read until asked for.
    """
    wanted = (
        select(Analysis)
        .where(Analysis.team_id == team_id, Analysis.kind == kind, Analysis.sha256.in_(hashes))
        .where(_OF_NO_DEMO)
    )
    wanted = wanted.options(defer(Analysis.finding), joinedload(Analysis.owner))
    return list(db.session.scalars(wanted.order_by(Analysis.created_at, Analysis.id)))


def free_of(team_id: str, analysis_ids: Iterable[str]) -> list[Analysis]:
    """Return the team's analyses, of these ids, that are in no case."""
    wanted = select(Analysis).filter_by(team_id=team_id, case_id=None)
    return list(db.session.scalars(wanted.where(Analysis.id.in_(list(analysis_ids)))))


def all_ids() -> set[str]:
    """Return the ids of all analyses, whoever's they are."""
    return set(db.session.scalars(select(Analysis.id)))


def newest_image() -> str | None:
    """Return the name of the image that was analysed last, whoever's it is; None if there is none.

    It is sought team by team: an index has the newest of each, however many there are.
    """
    one = aliased(Analysis)
    newest = select(func.max(one.created_at)).where(one.team_id == Team.id)
    wanted = (
        select(Analysis.image_name)
        .join(Team, Analysis.team_id == Team.id)
        .where(Analysis.created_at == newest.correlate(Team).scalar_subquery())
        .order_by(Analysis.created_at.desc())
    )
    return db.session.scalar(wanted.limit(1))


def any_of(team_id: str) -> bool:
    """Return whether the team has any analysis outside of demo cases."""
    wanted = select(Analysis.id).where(Analysis.team_id == team_id, _OF_NO_DEMO)
    return db.session.scalar(wanted.limit(1)) is not None


def page_of(team_id: str, filters: Filters, number: int, size: int) -> Page[Analysis]:
    """Return one page of the team's analyses, newest first; without those of demo cases.

    A number out of range gives the nearest page.

    Their owners and cases come along; their findings, which are long for fields, are not read until
    asked for.
    """
    wanted = select(Analysis).where(Analysis.team_id == team_id, _OF_NO_DEMO)
    wanted = _filtered(wanted, filters)
    wanted = wanted.options(
        defer(Analysis.finding), joinedload(Analysis.owner), joinedload(Analysis.case)
    )
    return pagination.page_of(
        wanted.order_by(Analysis.created_at.desc(), Analysis.id), number, size
    )


def behind(team_id: str, filters: Filters, place: Place | None, size: int) -> list[Analysis]:
    """Return so many of the team's analyses behind a place, newest first, as `page_of` does."""
    wanted = select(Analysis).where(Analysis.team_id == team_id, _OF_NO_DEMO)
    wanted = _filtered(wanted, filters).options(defer(Analysis.finding), joinedload(Analysis.owner))
    return pagination.newest_behind(wanted, Analysis.created_at, Analysis.id, place, size)


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
