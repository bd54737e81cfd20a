"""The settings of the laboratory: each change is a row of its own, and rows stay."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, LargeBinary, String, Text, select
from sqlalchemy.orm import Mapped, mapped_column

from records import Model, UtcDateTime, db, utc_now
from records.append_only import make_append_only

NAME_LENGTH = 120


class Logo(Model):
    """A logo as the server encoded it, by the SHA-256 of this PNG.

    A logo is kept for good: signed reports name it by its hash.
    """

    __tablename__ = "laboratory_logos"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    png: Mapped[bytes] = mapped_column(LargeBinary)


class LaboratorySettings(Model):
    """All settings as somebody left them; the newest row holds.

    `ranges` has [lowest, highest] in percent of the white cells of blood by code of the class, None
    for no bound, and is NULL while nobody has saved any; `ranges_source` says of whom and from
    where they are. `phrases` are conclusions to choose from. `classes` are the laboratory's own
    classes of cells, retired ones too: objects with `code`, `name`, `loinc` (None where it has
    none), `white` and `retired`.
    """

    __tablename__ = "laboratory_settings"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    author_id: Mapped[str] = mapped_column(ForeignKey("accounts.id", ondelete="RESTRICT"))
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    contact: Mapped[str] = mapped_column(Text)
    logo: Mapped[str | None] = mapped_column(
        ForeignKey("laboratory_logos.sha256", ondelete="RESTRICT")
    )
    ranges: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    ranges_source: Mapped[str] = mapped_column(Text)
    phrases: Mapped[list[str]] = mapped_column(JSON)
    classes: Mapped[list[dict[str, Any]]] = mapped_column(JSON, server_default="[]")


make_append_only(Logo, "sha256")
make_append_only(LaboratorySettings, "id")


def newest() -> LaboratorySettings | None:
    """Return the settings that hold; None while nobody has made any."""
    wanted = select(LaboratorySettings).order_by(LaboratorySettings.id.desc()).limit(1)
    return db.session.scalar(wanted)


def add(settings: LaboratorySettings) -> None:
    """Add settings, not yet committed."""
    db.session.add(settings)
    db.session.flush()


def add_logo(sha256: str, png: bytes) -> None:
    """Add a logo unless it is there, not yet committed."""
    if db.session.get(Logo, sha256) is None:
        db.session.add(Logo(sha256=sha256, png=png))
        db.session.flush()


def find_logo(sha256: str) -> bytes | None:
    """Find the PNG of this hash."""
    return db.session.scalar(select(Logo.png).filter_by(sha256=sha256))
