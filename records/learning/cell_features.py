"""Features of the white cells of a field, kept so that a head can be fitted to them at once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from sqlalchemy import ForeignKey, LargeBinary, String, delete, func, or_, select, update
from sqlalchemy.orm import Mapped, mapped_column

from records import Model, db, transaction
from records.learning.heads import VERSION_LENGTH


class Source(NamedTuple):
    """Versions of the networks that something is kept of, and of the form in which it is kept."""

    classifier: str
    embedder: str
    layout: int


class CellFeatures(Model):
    """What two networks say of the cells of one field; `contents` is theirs alone.

    They go with the field. Those of another source are replaced when the field is read again.
    """

    __tablename__ = "cell_features"

    analysis_id: Mapped[str] = mapped_column(
        ForeignKey("analyses.id", ondelete="CASCADE"), primary_key=True
    )
    classifier: Mapped[str] = mapped_column(String(VERSION_LENGTH))
    embedder: Mapped[str] = mapped_column(String(VERSION_LENGTH))
    layout: Mapped[int]
    contents: Mapped[bytes] = mapped_column(LargeBinary)


def find(analysis_id: str, source: Source) -> bytes | None:
    """Find what is kept of the cells of a field from this source."""
    wanted = select(CellFeatures.contents).filter_by(analysis_id=analysis_id, **source._asdict())
    return db.session.scalar(wanted)


def any_contents(analysis_id: str) -> bytes | None:
    """Return what is kept of the cells of a field, whatever its source."""
    return db.session.scalar(select(CellFeatures.contents).filter_by(analysis_id=analysis_id))


def keep(analysis_id: str, source: Source, contents: bytes) -> None:
    """Keep what networks say of a field's cells, in place of others' words; not yet committed."""
    db.session.merge(CellFeatures(analysis_id=analysis_id, contents=contents, **source._asdict()))


def replace(analysis_id: str, source: Source, contents: bytes) -> None:
    """Replace what is kept of the cells of a field; nothing happens where nothing is any more."""
    changed = update(CellFeatures).filter_by(analysis_id=analysis_id)
    with transaction():
        db.session.execute(changed.values(contents=contents, **source._asdict()))


def remove(analysis_ids: Collection[str]) -> None:
    """Keep nothing of the cells of these fields any more; not yet committed."""
    db.session.execute(delete(CellFeatures).where(CellFeatures.analysis_id.in_(analysis_ids)))


def of_other_sources(source: Source) -> Sequence[str]:
    """Return the ids of the fields of whose cells something of another source is kept."""
    others = (getattr(CellFeatures, name) != value for name, value in source._asdict().items())
    wanted = select(CellFeatures.analysis_id).where(or_(*others))
    return db.session.scalars(wanted.order_by(CellFeatures.analysis_id)).all()


def any_kept() -> bool:
    """Return whether anything is kept."""
    return bool(db.session.scalar(select(func.count()).select_from(CellFeatures)))
