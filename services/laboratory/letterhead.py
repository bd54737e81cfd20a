"""What the laboratory's settings put into a report: signed with it."""

from __future__ import annotations

from pydantic import Field

from services.signed_model import Number, SignedModel


class ReferenceRange(SignedModel):
    """What is usual, in percent of white cells; None for no bound."""

    low: Number | None
    high: Number | None


class Laboratory(SignedModel):
    """What the laboratory's settings put into a report.

    Attributes:
        name: Of the laboratory.
        contact: Lines of its address and telephone.
        logo: SHA-256 of the PNG, which is kept.
        ranges: Reference ranges by code of the class, for such a specimen.
        ranges_source: Of whom and from where the ranges are.
    """

    name: str = ""
    contact: str = ""
    logo: str | None = None
    ranges: dict[str, ReferenceRange] = Field(default_factory=dict)
    ranges_source: str = ""
