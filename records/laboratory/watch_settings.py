"""What administrators set for the watch of a team: each change is a row, and rows stay."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Date, ForeignKey, Index, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from records import Model, UtcDateTime, db, utc_now
from records.append_only import make_append_only
from records.cases.cases import Case


class WatchSettings(Model):
    """All settings of a team as somebody left them; the newest row holds.

    The limits of the charts come from the days from `baseline_from` on, None for the first one, up
    to `baseline_until`, None for as many as are usual. `slide_id` is the case of the QC slide, of
    whose white cells, at least `least_white`, `low` to `high` percent should be blasts; all four
    are None where no slide is named.
    """

    __tablename__ = "watch_settings"
    __table_args__ = (
        Index("ix_watch_settings_team_id", "team_id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    author_id: Mapped[str] = mapped_column(ForeignKey("accounts.id", ondelete="RESTRICT"))
    team_id: Mapped[str] = mapped_column(ForeignKey("teams.id", ondelete="RESTRICT"))
    baseline_from: Mapped[date | None] = mapped_column(Date)
    baseline_until: Mapped[date | None] = mapped_column(Date)
    slide_id: Mapped[str | None] = mapped_column(ForeignKey("cases.id", ondelete="RESTRICT"))
    low: Mapped[float | None]
    high: Mapped[float | None]
    least_white: Mapped[int | None]

    slide: Mapped[Case | None] = relationship()


make_append_only(WatchSettings, "id")


def newest(team_id: str) -> WatchSettings | None:
    """Return the settings of a team that hold; None while nobody has made any."""
    wanted = select(WatchSettings).filter_by(team_id=team_id)
    return db.session.scalar(wanted.order_by(WatchSettings.id.desc()).limit(1))


def slide_named_at(team_id: str, slide_id: str) -> datetime | None:
    """Return since when a case has been the team's QC slide without a break."""
    rows = select(WatchSettings.at, WatchSettings.slide_id).filter_by(team_id=team_id)
    since = None
    for at, named in db.session.execute(rows.order_by(WatchSettings.id.desc())):
        if named != slide_id:
            break
        since = at
    return since


def add(settings: WatchSettings) -> None:
    """Add settings, not yet committed."""
    db.session.add(settings)
    db.session.flush()
