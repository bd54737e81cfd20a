"""Long lists in parts: `limit`, and a cursor that names where the next part begins."""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime
from urllib.parse import urlencode

from flask import Response, request
from pydantic import BaseModel, Field

from pages.common.problems import ProblemError
from records.pagination import Place

USUAL, MOST = 50, 200
BAD_CURSOR = "This cursor leads nowhere. Begin the list anew without one."


class Part(BaseModel):
    """Choose a page of a list."""

    limit: int = Field(USUAL, ge=1, le=MOST, description="Entries at the most.")
    cursor: str | None = Field(
        None, max_length=200, description="`next` of the part before; none for the first."
    )

    @property
    def place(self) -> Place | None:
        """Behind which row this part begins; None for the first. Raises `ProblemError`."""
        if self.cursor is None:
            return None
        try:
            at, row_id = decoded(self.cursor).split(" ")
            return Place(datetime.fromisoformat(at).astimezone(UTC), row_id)
        except (ValueError, OverflowError):
            raise bad_cursor() from None


def cursor_of(place: Place) -> str:
    """Make the cursor of the part that begins behind a row."""
    return encoded(f"{place.at.isoformat()} {place.id}")


def encoded(text: str) -> str:
    """Make a cursor of what it stands for."""
    return urlsafe_b64encode(text.encode()).decode()


def decoded(cursor: str) -> str:
    """Read a cursor; raises `ProblemError`."""
    try:
        return urlsafe_b64decode(cursor.encode()).decode()
    except (binascii.Error, ValueError):
        raise bad_cursor() from None


def bad_cursor() -> ProblemError:
    """Return the error of a cursor that names nothing."""
    return ProblemError(422, BAD_CURSOR, errors=[{"where": "cursor", "why": BAD_CURSOR}])


def with_next(response: Response, cursor: str | None) -> Response:
    """Name the address of the next part, if there is one, in the header `Link` (RFC 8288)."""
    if cursor is not None:
        query = urlencode({**request.args.to_dict(), "cursor": cursor})
        response.headers["Link"] = f'<{request.base_url}?{query}>; rel="next"'
    return response
