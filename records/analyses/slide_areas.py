"""Areas of slides that are read as fields."""

from __future__ import annotations

from collections.abc import Iterable
from math import sqrt

from sqlalchemy import ForeignKey, String, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.geometry import Box
from records import Model, db
from records.slides.slides import Slide


class SlideArea(Model):
    """A part of a slide, in pixels of its largest level.

    `id` is that of the task that reads it and of the analysis that comes of that; the row goes with
    them. `micrometres` is the size of a pixel, kept here because the slide may be deleted before
    the analysis; None where the file did not tell.
    """

    __tablename__ = "slide_areas"

    id: Mapped[str] = mapped_column(
        String(32), ForeignKey("field_tasks.id", ondelete="CASCADE"), primary_key=True
    )
    slide_id: Mapped[str | None] = mapped_column(
        ForeignKey("slides.id", ondelete="SET NULL"), index=True
    )
    left: Mapped[int]
    top: Mapped[int]
    width: Mapped[int]
    height: Mapped[int]
    micrometres: Mapped[float | None]

    slide: Mapped[Slide | None] = relationship()

    @property
    def box(self) -> tuple[int, int, int, int]:
        """x1, y1, x2, y2 in pixels of the slide."""
        return self.left, self.top, self.left + self.width, self.top + self.height

    def on_slide(self, box: Box) -> Box:
        """Move a box from pixels of the area to pixels of the slide."""
        x1, y1, x2, y2 = box
        return x1 + self.left, y1 + self.top, x2 + self.left, y2 + self.top

    def diameter(self, box: Box) -> float | None:
        """Measure a cell (µm) as the square root of the area of its box."""
        x1, y1, x2, y2 = box
        return self.micrometres and self.micrometres * sqrt((x2 - x1) * (y2 - y1))


def among(analysis_ids: Iterable[str]) -> dict[str, SlideArea]:
    """Return the areas of these analyses, by their id; images that came as files have none."""
    wanted = select(SlideArea).where(SlideArea.id.in_(list(analysis_ids)))
    return {area.id: area for area in db.session.scalars(wanted)}


def find(analysis_id: str) -> SlideArea | None:
    """Find the area of which an analysis is; None for an image that came as a file."""
    return db.session.scalar(select(SlideArea).filter_by(id=analysis_id))
