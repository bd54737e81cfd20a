"""ZIPs of images that are read entry by entry, kept until all of their images are taken."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, select
from sqlalchemy.orm import Mapped, mapped_column

from records import Model, UtcDateTime, db, transaction, utc_now
from records.storage.stored_files import UPLOADS, StoredFile


class UploadedArchive(Model):
    """A ZIP as one person sent it, in the store of uploads; nobody else reads it."""

    __tablename__ = "archives"
    __table_args__ = (Index("ix_archives_owner_id_created_at", "owner_id", "created_at"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    owner_id: Mapped[str] = mapped_column(ForeignKey("accounts.id", ondelete="RESTRICT"))
    upload_name: Mapped[str] = mapped_column(StoredFile(UPLOADS))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)


def add(archive: UploadedArchive) -> None:
    """Keep a new archive."""
    with transaction():
        db.session.add(archive)


def find(owner_id: str, archive_id: str) -> UploadedArchive | None:
    """Find the owner's archive of this id; None for somebody else's."""
    return db.session.scalar(select(UploadedArchive).filter_by(owner_id=owner_id, id=archive_id))


def of_owner(owner_id: str) -> list[UploadedArchive]:
    """Return the owner's archives, newest first."""
    wanted = select(UploadedArchive).filter_by(owner_id=owner_id)
    newest = wanted.order_by(UploadedArchive.created_at.desc(), UploadedArchive.id)
    return list(db.session.scalars(newest))


def older_than(time: datetime) -> list[UploadedArchive]:
    """Return everybody's archives that came before this time."""
    return list(
        db.session.scalars(select(UploadedArchive).where(UploadedArchive.created_at < time))
    )


def remove(archive: UploadedArchive) -> None:
    """Remove the row; the file is the caller's to remove."""
    with transaction():
        db.session.delete(archive)
