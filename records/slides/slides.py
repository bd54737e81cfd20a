"""Whole slides: one uploaded file each, of which areas are read as fields."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, String, event, func, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.folding import fold
from records import Model, UtcDateTime, db, pagination, utc_now
from records.accounts.accounts import Account, new_id, team_of_owner
from records.cases.cases import Case
from records.pagination import Page
from records.storage.stored_files import SLIDES, StoredFile

FILE_NAME_LENGTH = 120


class Slide(Model):
    """One slide as one person uploaded it; it belongs to the team in which they were then.

    `info` is what the file says of itself (`imaging.slides.slide.SlideInfo`), None until all of it
    has arrived; `sha256` is of the file as uploaded. `folder_name` names a folder of the store. The
    slide goes with its case.
    """

    __tablename__ = "slides"
    __table_args__ = (Index("ix_slides_team_id_created_at", "team_id", "created_at"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    owner_id: Mapped[str] = mapped_column(ForeignKey("accounts.id", ondelete="RESTRICT"))
    team_id: Mapped[str] = mapped_column(
        ForeignKey("teams.id", ondelete="RESTRICT"), default=team_of_owner
    )
    case_id: Mapped[str | None] = mapped_column(
        ForeignKey("cases.id", ondelete="CASCADE"), index=True
    )
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    file_name: Mapped[str] = mapped_column(String(FILE_NAME_LENGTH))
    folded_name: Mapped[str] = mapped_column(String(4 * FILE_NAME_LENGTH), default="")
    file_bytes: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str | None] = mapped_column(String(64))
    info: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    folder_name: Mapped[str] = mapped_column(StoredFile(SLIDES))

    owner: Mapped[Account] = relationship()
    case: Mapped[Case | None] = relationship()


@event.listens_for(Slide, "before_insert")
def _fold_name(_mapper: object, _connection: object, slide: Slide) -> None:
    slide.folded_name = fold(slide.file_name)


def add(slide: Slide) -> None:
    """Add a slide, not yet committed."""
    db.session.add(slide)
    db.session.flush()


def remove(slide: Slide) -> None:
    """Remove a slide, not yet committed; the areas that were read of it stay."""
    db.session.delete(slide)
    db.session.flush()


def get(slide_id: str) -> Slide:
    """Return the slide of this id, whoever's it is: for background work."""
    return db.session.get_one(Slide, slide_id)


def find_in_team(team_id: str, slide_id: str) -> Slide | None:
    """Find the team's slide of this id; None for another team's."""
    return db.session.scalar(select(Slide).filter_by(team_id=team_id, id=slide_id))


def page_of(team_id: str, number: int, size: int) -> Page[Slide]:
    """Return one page of the team's slides that have arrived, newest first."""
    wanted = select(Slide).where(Slide.team_id == team_id, Slide.info.is_not(None))
    return pagination.page_of(wanted.order_by(Slide.created_at.desc(), Slide.id), number, size)


def of_case(case_id: str) -> list[Slide]:
    """Return the slides of a case that have arrived, oldest first."""
    wanted = select(Slide).where(Slide.case_id == case_id, Slide.info.is_not(None))
    return list(db.session.scalars(wanted.order_by(Slide.created_at, Slide.id)))


def same_in_case(slide: Slide, sha256: str) -> Slide | None:
    """Find another slide of the same case, or of none, whose file is the same."""
    wanted = select(Slide).filter_by(team_id=slide.team_id, case_id=slide.case_id, sha256=sha256)
    return db.session.scalar(wanted.where(Slide.id != slide.id).limit(1))


def arriving_of(owner_id: str) -> int:
    """Count the owner's slides that have not arrived."""
    wanted = select(func.count()).select_from(Slide)
    return db.session.scalar(wanted.where(Slide.owner_id == owner_id, Slide.info.is_(None))) or 0


def arriving_since(before: datetime) -> list[Slide]:
    """Return the slides, whoever's they are, whose upload began before a time and has not ended."""
    wanted = select(Slide).where(Slide.info.is_(None), Slide.created_at < before)
    return list(db.session.scalars(wanted))
