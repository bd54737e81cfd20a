"""The document that describes the API, and the application that makes it from the views."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NoReturn

from flask import Flask
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.info import Info
from flask_openapi3.models.tag import Tag
from flask_openapi3.openapi import OpenAPI
from pydantic import BaseModel, ValidationError

from pages.common.problems import MIMETYPE, ProblemError

PREFIX = "/api/v1"
TOKEN = "token"  # noqa: S105  the name of the scheme
VERSION = "1.0.0"

DESCRIPTION = (
    "What scanners, laboratory systems and scripts do with Leukoscope. A token of a person's "
    "account opens it, within that person's role and team. Cases are signed by people in their "
    "browser, and nowhere here. Leukoscope assists a qualified reader. It does not diagnose."
)
INVALID = "The request is not as the description says: see “errors”."


class FieldError(BaseModel):
    """One invalid value of a request: its place, and why it is refused."""

    where: str
    why: str


class Problem(BaseModel):
    """An error (RFC 9457); `errors` where single values are refused."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldError] | None = None


def init_app(app: Flask) -> None:
    """Let the library tell what is wrong with a request in our own form."""
    # Where it looks, in an application of its own kind.
    vars(app)["validation_error_callback"] = _refuse


def describe(blueprints: Iterable[APIBlueprint]) -> dict[str, Any]:
    """Return the document of these resources."""
    # An application that serves nothing: of the library's own, each view would be described.
    describer = OpenAPI(
        __name__,
        info=Info(title="Leukoscope", version=VERSION, description=DESCRIPTION),
        security_schemes={TOKEN: {"type": "http", "scheme": "bearer"}},
        validation_error_model=Problem,
        # Its pages bring inline scripts, which our policy refuses.
        doc_ui=False,
    )
    for blueprint in blueprints:
        describer.register_api(blueprint)
    return describer.api_doc


def make_blueprint(name: str, import_name: str, prefix: str, description: str) -> APIBlueprint:
    """Make the blueprint of a resource.

    Args:
        name: of the resource.
        import_name: of its module.
        prefix: of its addresses, behind that of the API.
        description: of the resource.
    """
    return APIBlueprint(
        f"api_{name}",
        import_name,
        url_prefix=f"{PREFIX}{prefix}",
        abp_tags=[Tag(name=name, description=description)],
        abp_security=[{TOKEN: []}],
        abp_responses=problems(401, 403, 404, 422, 429, 500, 503),
        operation_id_callback=_operation_id,
    )


def problems(*codes: int) -> dict[Any, Any]:
    """Declare that an operation may end in these errors."""
    content = {MIMETYPE: {"schema": {"$ref": f"#/components/schemas/{Problem.__name__}"}}}
    return {code: {"content": content} for code in codes}


def files(*mimetypes: str) -> dict[Any, Any]:
    """Declare that an operation answers with a file of one of these types."""
    return {200: {"content": {mimetype: {"schema": _schema(mimetype)} for mimetype in mimetypes}}}


def _schema(mimetype: str) -> dict[str, str]:
    if mimetype.endswith("json"):
        return {"type": "object"}
    return {"type": "string", "format": "binary"}


def _operation_id(*, bp_name: str, name: str, path: str, method: str) -> str:
    return f"{bp_name.removeprefix('api_')}_{name}"


def _refuse(error: ValidationError) -> NoReturn:
    wrong = [
        {"where": ".".join(map(str, one["loc"])), "why": one["msg"]}
        for one in error.errors(include_url=False, include_context=False, include_input=False)
    ]
    raise ProblemError(422, INVALID, errors=wrong)
