"""Areas of a slide that a person marks: checked, then read in the background like fields."""

from __future__ import annotations

from dataclasses import dataclass

from imaging.decoding.bounds import MAX_ELONGATION
from imaging.slides.slide import SlideInfo
from records import db, take_write_lock, transaction
from records.analyses import field_tasks
from records.analyses.field_tasks import FieldTask
from records.analyses.slide_areas import SlideArea
from records.audit.audit import Event
from records.slides.slides import Slide
from records.tasks import TaskState
from services.analyses.field_queue import FieldQueue
from services.audit.audit import note
from services.cases.cases import check_takes
from services.language import lazy_gettext
from services.slides.about import about_slide
from services.slides.slides import info_of

MIN_SIDE = 256
"""Shortest side of an area in pixels: hardly a cell is whole in a smaller one."""

OUTSIDE = lazy_gettext("The area reaches beyond the slide, which has {} × {} pixels.")
TOO_SMALL = lazy_gettext(
    "The area has {} × {} pixels; at least {} × {} are needed. Mark a larger one."
)
TOO_LARGE = lazy_gettext(
    "The area has {} × {} pixels ({:.1f} megapixels); at most {:.0f} megapixels are read at once. "
    "Mark a smaller one, or several beside each other."
)
TOO_LONG = lazy_gettext("The area has {} × {} pixels; at most {} times as long as wide is read.")
OVERLAPS = lazy_gettext(
    "The area overlaps “{}”, so cells would count twice. Mark another one, or delete that one "
    "first."
)


class AreaError(Exception):
    """An area cannot be read; the text is a sentence for the person who marked it."""


@dataclass(frozen=True)
class Marked:
    """An area as a person marked it, in pixels of the slide's largest level."""

    left: int
    top: int
    width: int
    height: int

    def meets(self, area: SlideArea) -> bool:
        """Return whether it shares pixels with another."""
        x1, y1, x2, y2 = area.box
        right, bottom = self.left + self.width, self.top + self.height
        return self.left < x2 and x1 < right and self.top < y2 and y1 < bottom


def read_area(
    queue: FieldQueue, owner_id: str, slide: Slide, marked: Marked, max_pixels: int
) -> FieldTask:
    """Let an area of a slide wait to be read.

    Raises:
        AreaError: It is too small or too large, or overlaps another.
        CaseError: The slide's case is signed.
        QueueFullError: Too many fields wait already.
    """
    info = info_of(slide)
    check(info, marked, max_pixels)
    if slide.case_id:
        check_takes(slide.team_id, slide.case_id)
    with transaction():
        # Else a colleague may mark the same meanwhile.
        take_write_lock(db.session())
        before = field_tasks.of_slide(slide.id)
        _check_free(before, marked)
        note(Event.SLIDE_AREA, about_slide(slide), **vars(marked))
        area = SlideArea(slide_id=slide.id, micrometres=info.micrometres, **vars(marked))
        name = f"{slide.file_name}, area {len(before) + 1}"
        return queue.take_area(owner_id, area, slide, name)


def check(info: SlideInfo, marked: Marked, max_pixels: int) -> None:
    """Check the size and place of an area; raises `AreaError`."""
    width, height = marked.width, marked.height
    if min(width, height) < MIN_SIDE:
        raise AreaError(TOO_SMALL.format(width, height, MIN_SIDE, MIN_SIDE))
    right, bottom = marked.left + width, marked.top + height
    if min(marked.left, marked.top) < 0 or right > info.width or bottom > info.height:
        raise AreaError(OUTSIDE.format(info.width, info.height))
    if width * height > max_pixels:
        mega = width * height / 1e6
        raise AreaError(TOO_LARGE.format(width, height, mega, max_pixels / 1e6))
    if max(width, height) > MAX_ELONGATION * min(width, height):
        raise AreaError(TOO_LONG.format(width, height, MAX_ELONGATION))


def standing(tasks: list[FieldTask]) -> list[FieldTask]:
    """Leave out the areas that nobody wants any more."""
    return [task for task in tasks if task.state != TaskState.DROPPED and task.area]


def _check_free(tasks: list[FieldTask], marked: Marked) -> None:
    for task in standing(tasks):
        if task.area and marked.meets(task.area):
            raise AreaError(OVERLAPS.format(task.file_name))
