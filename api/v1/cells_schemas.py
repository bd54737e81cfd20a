"""Cells of cases as programs see them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from api.v1.common.answers import Tagged
from records.cases.reviews import Review as KeptReview
from services.cases.review import Cell as KeptCell
from services.cases.review import LeftOut, cell_name

Edge = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=0, le=1_000_000)]
Box = Annotated[list[Edge], Field(min_length=4, max_length=4)]


class NewReview(BaseModel):
    """Classify a cell; one drawn by hand also needs its box."""

    model_config = ConfigDict(extra="forbid")

    label: str = Field(strict=True, max_length=24, description="The code of the class.")
    box: Box | None = Field(
        None, description="x1, y1, x2, y2 in pixels, only for a new cell that nobody found."
    )
    bulk: Annotated[bool, Field(strict=True)] = Field(
        False, description="Whether the same act names several cells."
    )
    based_on: Annotated[int, Field(strict=True, ge=1)] | None = Field(
        None, description="The id of the review that stood when this was said, without If-Match."
    )


class Review(BaseModel):
    """Show one review of a cell; a review that `undoes` another restores the earlier label."""

    id: int
    label: str
    label_before: str | None
    by: str
    at: datetime
    bulk: bool = Field(description="Whether the same act named several cells.")
    undoes: int | None


class Cell(Tagged):
    """A white cell of a case: what the models propose, and what people made of it."""

    id: str
    analysis_id: str
    name: str = Field(description="As people read it: the number of the image and of the cell.")
    box: list[float] = Field(
        description="x1, y1, x2, y2 in pixels of the upright image.", min_length=4, max_length=4
    )
    proposed: str | None = Field(description="The class that the models propose.")
    label: str = Field(description="The class that it has now.")
    counted: bool
    candidate: bool = Field(description="Whether it is below the models' threshold.")
    left_out: LeftOut | None = Field(description="Why it is in no count, if it is not.")
    at_edge: bool
    disagreed: bool = Field(description="Whether the networks disagree about a blast.")
    probability: float | None = Field(description="Of a blast, 0 to 1: what decides the proposal.")
    detector_probability: float | None
    classifier_probability: float | None
    kind: str | None = Field(description="The kind that the classifier takes it for.")
    kind_probability: float | None
    review: Review | None = Field(description="The one that stands.")


class CellDetail(Cell):
    """A cell with all that people said of it, oldest first."""

    reviews: list[Review]


class Cells(Tagged):
    """A part of the cells, the most suspicious first; `next` is the cursor of the next part."""

    items: list[Cell]
    next: str | None
    locked: bool = Field(description="Whether the case is signed, so that no cell can be named.")


def members(cell: KeptCell, image: int) -> dict[str, Any]:
    """Return what is said of any cell; `image` is the number of its image in the case."""
    same = ("id", "analysis_id", "proposed", "label", "counted", "candidate", "left_out")
    found = ("at_edge", "disagreed", "probability", "classifier_probability", "kind")
    return {
        **{name: getattr(cell, name) for name in (*same, *found, "kind_probability")},
        "name": cell_name(image, cell.id),
        "box": list(cell.box),
        "detector_probability": cell.blast,
        "review": cell.review and review(cell.review),
    }


def review(kept: KeptReview) -> Review:
    """Describe a review."""
    return Review(
        id=kept.id,
        label=kept.label,
        label_before=kept.label_before,
        by=kept.reviewer.name,
        at=kept.at,
        bulk=kept.bulk,
        undoes=kept.undoes,
    )
