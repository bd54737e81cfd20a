"""Identifiers in addresses, in the form in which they are made."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

Id = Annotated[str, Field(pattern="^[0-9a-f]{32}$")]
CellId = Annotated[
    str,
    Field(
        pattern=r"^[0-9a-f]{32}\.([0-9]{1,6}|d[0-9a-f]{8})$",
        description="The analysis and the number of the cell in it, or “d” and eight hexadecimal "
        "digits of one that a person drew.",
    ),
]


class AnalysisPath(BaseModel):
    """The address of an analysis."""

    analysis_id: Id


class BatchPath(BaseModel):
    """The address of a batch."""

    batch_id: Id


class CasePath(BaseModel):
    """The address of a case."""

    case_id: Id


class CellPath(CasePath):
    """The address of a cell in a case."""

    cell_id: CellId
