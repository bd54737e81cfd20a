"""What each view asks of a request, declared at the view: `@requires(Role.READER)`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import ParamSpec, TypeVar

from flask import Flask, current_app

from records.accounts.accounts import Role
from records.accounts.api_tokens import Scope
from records.audit.audit import Event

P = ParamSpec("P")
R = TypeVar("R")

FORM_BYTES = 1024 * 1024
"""The largest body of a view that declares no other."""


class Audience(Enum):
    """Who may use a view that asks for no role."""

    ANYBODY = auto()
    SIGNED_IN = auto()
    ADMINISTRATORS = auto()
    REVIEWERS_AND_ADMINISTRATORS = auto()


class Look(Enum):
    """A part of a result: a look of its own only for somebody who did not open the result."""

    PICTURE = auto()


Need = Role | Audience


@dataclass(frozen=True)
class Requirement:
    """What one view asks of a request.

    Attributes:
        need: who may use it.
        audit: what the audit trail notes when it succeeds; None where it notes nothing, or the
            service does.
        max_bytes: the largest body; None for as much as the server takes at all.
        polled: whether a script asks it again and again, which is no sign of the person.
        scope: what a program's token must be for; None for a page, which takes no token.
    """

    need: Need
    audit: Event | Look | None = None
    max_bytes: int | None = FORM_BYTES
    polled: bool = False
    scope: Scope | None = None


LIBRARIES = {
    "static": Requirement(Audience.ANYBODY),
    "bootstrap.static": Requirement(Audience.ANYBODY),
}
"""Views that are not ours, by endpoint."""

_NAME = "leukoscope_requirement"


def requires(
    need: Need,
    audit: Event | Look | None = None,
    max_bytes: int | None = FORM_BYTES,
    polled: bool = False,
    scope: Scope | None = None,
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Declare what a view asks of a request; a view without this is refused to everybody.

    Example:
        >>> @blueprint.get("/<case_id>")
        ... @requires(Role.VIEWER, audit=Event.VIEW)
        ... def show(case_id: str) -> str: ...
    """
    requirement = Requirement(need, audit, max_bytes, polled, scope)

    def declare(view: Callable[P, R]) -> Callable[P, R]:
        # Decorators that wrap the view copy this, as functools.wraps does.
        vars(view)[_NAME] = requirement
        return view

    return declare


def requirement_of(endpoint: str | None, app: Flask | None = None) -> Requirement | None:
    """Return what the view of an endpoint declares, None where it declares nothing."""
    if endpoint is None:
        return None
    view = (app or current_app).view_functions.get(endpoint)
    declared = getattr(view, _NAME, None)
    return declared if isinstance(declared, Requirement) else LIBRARIES.get(endpoint)
