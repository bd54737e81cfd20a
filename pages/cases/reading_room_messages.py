"""What the script of the reading room sends, as JSON."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from services.cases.cell_notes import LONGEST_COMMENT

MOST_AT_ONCE = 500
"""Corrections that one request may bring; the script sends fewer."""

_TYPED = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$"
"""Text without control characters but tabs and line ends."""

Code = Annotated[str, Field(strict=True, pattern=r"^[\x00-\x7f]*$")]
Edge = Annotated[float, Field(strict=True, allow_inf_nan=False)]


class Message(BaseModel):
    """A request of the script: `reader` is the id of the account whose corrections these are."""

    model_config = ConfigDict(strict=True)

    reader: str
    entries: Annotated[list[object], Field(min_length=1, max_length=MOST_AT_ONCE)]


class SentReview(BaseModel):
    """What a person says of a cell: see `services.cases.review.Entry`."""

    key: Code
    cell: Code
    label: Code
    box: tuple[Edge, Edge, Edge, Edge] | None = None
    bulk: Annotated[bool, Field(strict=True)] = False
    based_on: Annotated[int | None, Field(strict=True)] = None


class SentUndo(BaseModel):
    """A review to take back, named by its key."""

    key: Code
    undoes: Code


class SentComment(BaseModel):
    """A comment on a cell."""

    key: Code
    text: Annotated[str, Field(strict=True, max_length=LONGEST_COMMENT + 1, pattern=_TYPED)]


class SentAttribute(BaseModel):
    """What a person says of an attribute of a cell's form."""

    key: Code
    attribute: Code
    value: Code
