"""Requests that a program may send again under the same `Idempotency-Key`."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec

from flask import Response, g, request
from flask_login import current_user
from pydantic import BaseModel, Field

from pages.common.problems import ProblemError
from services.programs import kept_answers
from services.programs.kept_answers import KEPT_FOR, KeptAnswer, OtherRequestError, UnderWayError

KEY, REPLAYED = "Idempotency-Key", "Idempotent-Replayed"
KEPT_HEADERS = ("Content-Type", "Location", "ETag")
AGAIN_SECONDS = 5

OTHER_REQUEST = (
    f"This {KEY} was sent with another request in the last {KEPT_FOR.total_seconds() // 3600:.0f} "
    "hours. Make a new key for each request."
)
OTHER_UPLOAD = (
    f"Under this {KEY}, another image or an image of another case is kept by now. Make a new key."
)
UNDER_WAY = "The same request is still being worked on. Ask again in a few seconds."

P = ParamSpec("P")


class KeyHeader(BaseModel):
    """The header by which a request that is sent again is known."""

    idempotency_key: str | None = Field(
        None,
        alias=KEY,
        min_length=8,
        max_length=128,
        pattern=r"^[\x21-\x7e]+$",
        description="The same each time that the same request is sent, for 24 hours; as a UUID or "
        "the SHA-256 of a file and its case. The answer is then the same, too.",
    )


def idempotent(view: Callable[P, Response]) -> Callable[P, Response]:
    """Do what a view does once for each key, and answer alike for a day.

    What fails is not kept: nothing was done, and the next attempt may succeed.
    """

    @wraps(view)
    def once(*args: P.args, **options: P.kwargs) -> Response:
        header = options.get("header")
        key = header.idempotency_key if isinstance(header, KeyHeader) else None
        if key is None:
            return view(*args, **options)
        if (kept := _begin(key)) is not None:
            return _again(kept)
        account_id = current_user.id
        try:
            response = view(*args, **options)
        except BaseException:
            kept_answers.abandon(account_id, key)
            raise
        headers = {
            name: response.headers[name] for name in KEPT_HEADERS if name in response.headers
        }
        kept_answers.finish(account_id, key, response.status_code, headers, response.get_data())
        return response

    return once


def derived_key(header: KeyHeader, *parts: str) -> str | None:
    """Return the id of what a request makes, the same when it is sent again; None without key."""
    key = header.idempotency_key
    return (
        None if key is None else kept_answers.answer_id(current_user.id, "\0".join((key, *parts)))
    )


def _begin(key: str) -> KeptAnswer | None:
    try:
        return kept_answers.begin(current_user.id, key, _hash_of_request())
    except OtherRequestError:
        raise ProblemError(422, OTHER_REQUEST) from None
    except UnderWayError:
        raise ProblemError(409, UNDER_WAY, {"Retry-After": str(AGAIN_SECONDS)}) from None


def _again(kept: KeptAnswer) -> Response:
    # No act, so no row of one in the audit trail.
    g.unnoted = True
    return Response(kept.body, kept.status, {**(kept.headers or {}), REPLAYED: "true"})


def _hash_of_request() -> str:
    """Hash what was sent; the parts of a form by themselves, whose boundary differs each time."""
    digest = hashlib.sha256(f"{request.method} {request.full_path}".encode())
    for part in _parts():
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()


def _parts() -> list[bytes]:
    if request.mimetype != "multipart/form-data":
        return [request.get_data()]
    texts: list[Any] = sorted(request.form.items(multi=True))
    parts = [f"{name}={value}".encode() for name, value in texts]
    for name, file in request.files.items(multi=True):
        digest = hashlib.file_digest(file.stream, "sha256")  # pyright: ignore[reportArgumentType]
        file.stream.seek(0)
        parts.append(f"{name}={file.filename}={digest.hexdigest()}".encode())
    return parts
