"""Keep threads of the server free for pages while images are read."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from flask import Flask, current_app

from services.turns import Turns
from settings import Settings

READ_AT_ONCE = 2
"""Requests that ask a network at the same time: one uses all cores anyway."""

LONGEST_WAIT = 10
"""Seconds that such a request waits for its turn before it is answered 503."""

Given = ParamSpec("Given")
Returned = TypeVar("Returned")


def init_app(app: Flask, settings: Settings) -> None:
    """Let half of the server's threads read images, or wait to; the others serve pages."""
    running = min(READ_AT_ONCE, max(1, settings.threads // 2))
    waiting = settings.threads // 2 - running
    app.extensions["leukoscope_turns"] = Turns(running, LONGEST_WAIT, max(0, waiting))


def wait_for_workers(app: Flask, settings: Settings) -> None:
    """Let half of the server's threads wait for workers, which have the networks."""
    app.extensions["leukoscope_turns"] = Turns(max(1, settings.threads // 2), LONGEST_WAIT, 0)


def get_turns() -> Turns:
    """Return the turns of this installation's server."""
    return current_app.extensions["leukoscope_turns"]


def takes_a_turn(view: Callable[Given, Returned]) -> Callable[Given, Returned]:
    """Run a view that asks a network in its turn; raises `BusyError` without one."""

    @wraps(view)
    def in_turn(*args: Given.args, **kwargs: Given.kwargs) -> Returned:
        with get_turns().turn():
            return view(*args, **kwargs)

    return in_turn
