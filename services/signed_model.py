"""What all values have that are signed: kept and hashed as JSON."""

from __future__ import annotations

from typing import Any, TypeAlias

from pydantic import BaseModel, ConfigDict

Number: TypeAlias = int | float
"""A number that keeps its JSON form: the first signatures hash "10" and "10.0" as they stand."""


class SignedModel(BaseModel):
    """A value that never changes; an unknown field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def serialize(self) -> dict[str, Any]:
        """Return the value as JSON takes it; `model_validate` reads it back."""
        return self.model_dump(mode="json", by_alias=True)
