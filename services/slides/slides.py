"""Slides that are here: shown in tiles, put into cases, read in areas, deleted."""

from __future__ import annotations

from imaging.images import RgbImage
from imaging.slides.deep_zoom import DeepZoom
from imaging.slides.monolayer import Proposal, propose
from imaging.slides.processes import SlideProcesses
from imaging.slides.slide import SlideInfo
from jobs.work import Progress
from records import exclusive_transaction
from records.analyses import analyses, field_tasks
from records.analyses.slide_areas import SlideArea
from records.audit.audit import Event
from records.cases import cases
from records.cases.cases import Case
from records.cases.signatures import locked
from records.slides import slides
from records.slides.slides import Slide
from records.storage.slide_store import SlideStore
from services.audit.audit import note
from services.cases.cases import CaseError, check_open, check_real
from services.language import gettext, lazy_gettext
from services.slides.about import about_slide

SIGNED_SLIDE = lazy_gettext("This slide belongs to the signed case “{}” and must be kept.")
IN_A_CASE = lazy_gettext("This slide belongs to a case already. Reload the page.")
BEING_READ = lazy_gettext(
    "Areas of this slide are being read. Wait until they are done, or cancel them."
)


class Slides:
    """The slides of an installation; as `AreaReader`, their pixels."""

    def __init__(self, store: SlideStore, processes: SlideProcesses) -> None:
        self._store = store
        self._processes = processes

    def tile(self, slide: Slide, level: int, column: int, row: int) -> bytes:
        """Return a tile as JPEG.

        Raises:
            LookupError: There is none of this level, column and row.
            SlideError: It cannot be read.
        """
        info = info_of(slide)
        # Before a process is started for nothing.
        DeepZoom(info.width, info.height).tile(level, column, row)
        with self._processes.using(self._store.folder(slide.folder_name)) as process:
            return process.tile(level, column, row)

    def pixels(self, area: SlideArea, progress: Progress) -> tuple[RgbImage, str]:
        """Read an area at full size: see `AreaReader`."""
        slide = area.slide
        if slide is None:
            raise FileNotFoundError(gettext("the slide of this area is gone"))
        # How long the models will take is not known yet.
        unknown: Progress = lambda done, total: progress(0, total)  # noqa: E731
        with self._processes.using(self._store.folder(slide.folder_name)) as process:
            rgb = process.region(area.box, area.width, area.height, unknown)
        return rgb, info_of(slide).format

    def propose(self, slide: Slide, max_pixels: int) -> list[Proposal]:
        """Look for areas of the monolayer, best first; raises `SlideError`."""
        with self._processes.using(self._store.folder(slide.folder_name)) as process:
            return propose(process.region, process.info, max_pixels)

    def put(self, slide: Slide, case: Case) -> None:
        """Put a slide that is in no case into one, with what was read of it; raises `CaseError`."""
        with exclusive_transaction(slide, case):
            check_open(case.id)
            check_real(case)
            if slide.case_id:
                raise CaseError(IN_A_CASE)
            slide.case_id = case.id
            tasks = field_tasks.of_slide(slide.id)
            if any(task.under_way for task in tasks):
                raise CaseError(BEING_READ)
            for task in tasks:
                task.case_id = case.id
            moved = analyses.free_of(case.team_id, [task.id for task in tasks])
            for analysis in moved:
                analysis.case_id = case.id
            kept = [analysis.id for analysis in moved]
            note(Event.SLIDE_CASE, about_slide(slide), case=case.id, analyses=kept)

    def delete(self, slide: Slide) -> None:
        """Remove a slide and its files; what was read of it stays. Raises `CaseError`."""
        with exclusive_transaction(slide):
            check_deletable(slide)
            note(Event.SLIDE_DELETE, about_slide(slide), sha256=slide.sha256, case=slide.case_id)
            slides.remove(slide)
            self._processes.forget(self._store.folder(slide.folder_name))
            self._store.delete(slide.folder_name)


def info_of(slide: Slide) -> SlideInfo:
    """Return what the file of a slide that has arrived says of itself."""
    return SlideInfo.from_dict(slide.info or {})


def check_deletable(slide: Slide) -> None:
    """Raise `CaseError` if a slide must be kept: its case is signed, or it is being read."""
    if slide.case_id and locked(slide.case_id):
        raise CaseError(SIGNED_SLIDE.format(cases.get(slide.case_id).pseudonym))
    if any(task.under_way for task in field_tasks.of_slide(slide.id)):
        raise CaseError(BEING_READ)
