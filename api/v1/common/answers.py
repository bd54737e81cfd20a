"""Answers: JSON of a model, with a tag by which a program asks whether anything changed."""

from __future__ import annotations

import hashlib
from typing import Any

from flask import Response, request
from pydantic import BaseModel

TAG_HEADER = {
    "ETag": {
        "description": "Names this state; sent back in If-None-Match, the answer may be 304.",
        "schema": {"type": "string"},
    }
}

UNCHANGED: dict[Any, Any] = {304: {"description": "Nothing changed since the state named."}}
"""Declares that an operation knows If-None-Match."""

WITH_TAG: Any = {"openapi_extra": {"headers": TAG_HEADER}}
"""Declares, as configuration of a model, that it has a tag."""


class Tagged(BaseModel):
    """An answer that has a tag."""

    model_config = WITH_TAG


def json_of(model: BaseModel, status: int = 200) -> Response:
    """Answer with a model as JSON."""
    return Response(model.model_dump_json(), status, mimetype="application/json")


def tagged(model: BaseModel, tag: str | None = None) -> Response:
    """Answer with a model, or with 304 to who has it; its tag is the hash of it unless given."""
    response = json_of(model)
    response.set_etag(tag or hashlib.sha256(response.get_data()).hexdigest()[:32])
    return revalidated(response)


def unchanged(tag: str) -> Response | None:
    """Return the answer 304 to who has the state of this tag; else None, before work is done."""
    if not request.if_none_match.contains(tag):
        return None
    response = Response(status=304)
    response.set_etag(tag)
    return revalidated(response)


def revalidated(response: Response) -> Response:
    """Let a program keep an answer and ask whether it still holds; nobody between it and us."""
    response.cache_control.private = response.cache_control.no_cache = True
    response.make_conditional(request)
    return response
