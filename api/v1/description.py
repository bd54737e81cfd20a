"""The description of the API itself, for programs that make clients of it."""

from __future__ import annotations

from functools import cache
from typing import Any

from flask import current_app

from api.v1.common.document import describe, make_blueprint
from pages.common.requires import Audience, requires

blueprint = make_blueprint("description", __name__, "", "This description.")

SHOWN: dict[Any, Any] = {
    200: {"content": {"application/json": {"schema": {"type": "object"}}}},
}


@blueprint.get("/openapi.json", responses=SHOWN)
@requires(Audience.ANYBODY)
def document() -> dict[str, Any]:
    """Return the description of the API (OpenAPI 3.1); it needs no token."""
    return _document()


@cache
def _document() -> dict[str, Any]:
    """Make the document, which is the same as long as the program runs."""
    return describe(current_app.extensions["leukoscope_api"])
