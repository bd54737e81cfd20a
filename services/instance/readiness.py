"""Whether this server can do its work: database, schema, networks or workers, disk, images."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable
from enum import StrEnum
from threading import Lock

from sqlalchemy.exc import SQLAlchemyError

from models.installed import InstalledModels
from records import opening, workers
from records.storage.image_store import UndecryptableError
from settings import Settings

log = logging.getLogger(__name__)

LEAST_FREE = 256 * 1024**2
"""Bytes without which the next uploads may find no room; slides leave more than this free."""


SECONDS_APART = 5.0
"""Between two questions to the image store."""


class State(StrEnum):
    """What a check found, in one word that tells nothing of the installation."""

    OK = "ok"
    FAILED = "failed"
    OLDER = "older"
    NEWER = "newer"
    MISSING = "missing"
    FULL = "full"
    NONE = "none"
    UNDECRYPTABLE = "undecryptable"


Checks = dict[str, State]

WORKERS = "workers"


class StoreProbe:
    """Asks the image store whether it answers, at most every `SECONDS_APART`, once at a time.

    Anybody may ask for readiness as often as they like; a store counts and bills requests.
    """

    def __init__(
        self, check: Callable[[], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Set up.

        Args:
            check: Raises `UndecryptableError` where the images cannot be decrypted, and another
                `OSError` where the store cannot be used.
            clock: Gives seconds.
        """
        self._check = check
        self._clock = clock
        self._asking = Lock()
        self._asked: float | None = None
        self._state = State.OK

    def state(self) -> State:
        """Return what the store said last, which is some seconds old at the most."""
        # Who comes while another one waits for the answer has that of before.
        if self._asking.acquire(blocking=False):
            try:
                self._look()
            finally:
                self._asking.release()
        return self._state

    def _look(self) -> None:
        now = self._clock()
        if self._asked is not None and now - self._asked < SECONDS_APART:
            return
        try:
            self._check()
            self._state = State.OK
        except UndecryptableError:
            # The log says already which key is missing.
            self._state = State.UNDECRYPTABLE
        except OSError as error:
            self._state = State.FAILED
            log.warning("%s", error)
        self._asked = self._clock()


def check(
    settings: Settings,
    models: InstalledModels | None,
    images: StoreProbe | None = None,
    *,
    elsewhere: bool,
) -> Checks:
    """Check what serving needs; an application context of the database is needed.

    Args:
        settings: Of the installation.
        models: The networks, if this process knows them.
        images: Asks the image store, where a bucket has the images or a key encrypts them.
        elsewhere: Whether other processes have the networks, and do the background work.

    Returns:
        The state of `database`, `schema`, `disk`, of `networks` or `workers`, and of `images` where
        `images` is given.
    """
    database, schema = _database()
    checks = {"database": database, "schema": schema}
    if elsewhere:
        checks[WORKERS] = _workers() if database is State.OK else State.FAILED
    else:
        checks["networks"] = State.OK if models and models.loaded else State.MISSING
    checks["disk"] = _disk(settings)
    return checks | ({"images": images.state()} if images else {})


def is_ready(checks: Checks) -> bool:
    """Return whether all that was checked is as it must be.

    Without workers a server still serves, and keeps what is to be done: else all would be taken out
    of service while the only worker starts anew. Beside others it also serves on the schema of the
    version that takes its place: migrations leave servers of the version before working.
    """
    bearable = {WORKERS: set(State), "schema": {State.NEWER}} if WORKERS in checks else {}
    return all(
        state is State.OK or state in bearable.get(name, ()) for name, state in checks.items()
    )


def _database() -> tuple[State, State]:
    """Ask the database for its schema."""
    try:
        present = opening.schema()
    except SQLAlchemyError:
        return State.FAILED, State.FAILED
    if present == opening.newest_schema():
        return State.OK, State.OK
    return State.OK, State.NEWER if opening.unknown_revision(present) else State.OLDER


def _workers() -> State:
    """Tell whether any process does background work."""
    try:
        return State.OK if workers.living() else State.NONE
    except SQLAlchemyError:
        return State.FAILED


def _disk(settings: Settings) -> State:
    try:
        free = shutil.disk_usage(settings.instance_dir).free
    except OSError:
        return State.FAILED
    return State.OK if free >= LEAST_FREE else State.FULL
