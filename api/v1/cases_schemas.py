"""Cases as programs see them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from api.v1.common.answers import Tagged
from core.texts import clean
from records.cases.cases import (
    ACCESSION_LENGTH,
    MAGNIFICATION_LENGTH,
    NOTES_LENGTH,
    PSEUDONYM_LENGTH,
    STAIN_LENGTH,
    Priority,
)
from records.cases.cases import Case as KeptCase
from records.cases.states import CaseState
from records.worklist.worklist import Counts as KeptCounts
from services.cases.cases import Details
from services.cases.review import Differential as Counted
from services.cases.review import LeftOut

Specimen = Literal["blood", "marrow"]
"""Kinds of specimen: `records.cases.cases.SPECIMENS`."""

TYPED = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$"
"""Text without control characters but tabs and line ends."""

TEXTS = {"pseudonym", "accession", "stain", "magnification", "notes"}
EARLIEST, LATEST = date(2000, 1, 1), date(2999, 12, 31)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def _day(value: object) -> object:
    """Refuse what pydantic would take for a day besides "2026-03-31"."""
    if not (isinstance(value, str) and _DAY.fullmatch(value)) and value is not None:
        raise ValueError("send a day such as 2026-03-31")
    return value


Text = Annotated[str, Field(strict=True, pattern=TYPED)]
Yes = Annotated[bool, Field(strict=True)]
Day = Annotated[date, BeforeValidator(_day), Field(ge=EARLIEST, le=LATEST)]


class NewCase(BaseModel):
    """Describe a specimen, under the rules of the new-case page."""

    model_config = ConfigDict(extra="forbid")

    pseudonym: Text = Field(
        min_length=1,
        max_length=PSEUDONYM_LENGTH,
        description="A code that does not identify the patient: no names, birth dates or numbers.",
    )
    checked: Yes = Field(
        False,
        description="Whether somebody has checked that it identifies nobody; asked where it looks "
        "like a name or number.",
    )
    specimen: Specimen
    accession: Text = Field("", max_length=ACCESSION_LENGTH)
    priority: Priority = Priority.ROUTINE
    stain: Text = Field("", max_length=STAIN_LENGTH)
    magnification: Text = Field("", max_length=MAGNIFICATION_LENGTH)
    collected_on: Day | None = None
    notes: Text = Field("", max_length=NOTES_LENGTH)
    leukopenia: Yes = False
    leave_out_edge: Yes = False

    @property
    def details(self) -> Details:
        """Return the details without invisible characters and repeated spaces."""
        said = self.model_dump(exclude={"checked"})
        texts = {name: clean(text) for name, text in said.items() if name in TEXTS}
        return Details(**{**said, **texts})


class Counts(BaseModel):
    """Count what a case holds, as on the worklist; blasts are the models' count."""

    fields: int
    cell_images: int
    cells: int
    reviewed: int
    white_cells: int
    blasts: int


class Case(Tagged):
    """One specimen of one patient, under a pseudonym."""

    id: str
    pseudonym: str
    accession: str
    priority: Priority
    specimen: Specimen
    stain: str
    magnification: str
    collected_on: date | None
    notes: str
    leukopenia: bool
    leave_out_edge: bool
    blind: bool
    state: CaseState
    created_at: datetime
    owner: str
    assignee: str | None
    closed_at: datetime | None
    archived_at: datetime | None
    counts: Counts


class Differential(BaseModel):
    """Cells by class, as the models propose and as people named them, and how far review is."""

    models: dict[str, int]
    reviewers: dict[str, int]
    reviewed: int
    total: int
    left_out: dict[LeftOut, int] = Field(description="Cells that are in neither count, and why.")


class CaseDetail(Case):
    """A case with its images and its differential."""

    version: int = Field(description="The present one; a case that was amended has several.")
    analyses: list[str] = Field(description="Ids of its images, oldest first.")
    waiting: list[str] = Field(description="Ids of its fields that are not read.")
    differential: Differential


class Cases(BaseModel):
    """A part of the cases, newest first; `next` is the cursor of the next part."""

    items: list[Case]
    next: str | None


def describe(case: KeptCase, state: CaseState, counts: KeptCounts) -> Case:
    """Describe a case."""
    return Case(**members(case, state, counts))


def members(case: KeptCase, state: CaseState, counts: KeptCounts) -> dict[str, Any]:
    """Return what is said of any case."""
    own = ("id", "pseudonym", "accession", "priority", "specimen", "stain", "magnification")
    more = ("collected_on", "notes", "leukopenia", "leave_out_edge", "blind", "created_at")
    dates = ("closed_at", "archived_at")
    return {
        **{name: getattr(case, name) for name in (*own, *more, *dates)},
        "state": state,
        "owner": case.owner.name,
        "assignee": case.assignee and case.assignee.name,
        "counts": {name: getattr(counts, name) for name in Counts.model_fields},
    }


def differential(counted: Counted) -> Differential:
    """Describe a differential."""
    return Differential(
        models=_counted(counted.models.labels),
        reviewers=_counted(counted.reviewers.labels),
        reviewed=counted.reviewed,
        total=counted.total,
        left_out=counted.left_out,
    )


def _counted(labels: Mapping[str, int]) -> dict[str, int]:
    return {label: count for label, count in labels.items() if count}
