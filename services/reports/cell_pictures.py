"""Pictures of the cells that a report shows, cut from the kept images."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from records.analyses import analyses
from services.analyses.analysis import Analyst
from services.analyses.pictures import encode_jpeg, tile
from services.cases.snapshot import CaseSnapshot, CellSnapshot
from services.reports.contents import shown_blasts, shown_others


def pictures_of(snapshot: CaseSnapshot, analyst: Analyst) -> dict[str, bytes]:
    """Cut JPEGs of cells, by their ids; those whose image is gone are left out.

    Each image is decoded once, however many of its cells are wanted.
    """
    by_image: dict[str, list[CellSnapshot]] = defaultdict(list)
    for cell in (*shown_blasts(snapshot), *shown_others(snapshot)):
        by_image[cell.id.partition(".")[0]].append(cell)
    return {
        name: picture
        for image, cells in by_image.items()
        for name, picture in _cut(image, cells, analyst).items()
    }


def _cut(image: str, cells: Sequence[CellSnapshot], analyst: Analyst) -> dict[str, bytes]:
    try:
        sheet = analyst.cut_cells(analyses.get(image), [cell.box for cell in cells])
    except FileNotFoundError:
        return {}
    return {
        cell.id: encode_jpeg(tile(sheet, place), quality=90) for place, cell in enumerate(cells)
    }
