"""One process at a time may serve an instance, or restore into it: whoever holds its lock."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from settings import SettingsError

LOCK, HOLDER = "server.lock", "server.json"
FILES = (LOCK, HOLDER)
"""Files of an instance that belong to the running process and to no backup."""

IN_USE = (
    "{} is in use by {}. Two at a time would read the same fields and keep them twice: end that one "
    "first."
)
UNKNOWN = "another process, which has not yet said its name"


@dataclass(frozen=True)
class Holder:
    """Who holds the lock: a process, the computer on which it runs, and since when."""

    pid: int
    host: str
    since: str

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}, since {self.since}"


@contextmanager
def held(instance_dir: Path) -> Iterator[None]:
    """Hold the lock of an instance, which is made if missing; the system frees it with the process.

    Raises:
        SettingsError: another process holds it, which the sentence names, or it cannot be made.
    """
    lock = FileLock(instance_dir / LOCK, thread_local=False, mode=0o600)
    try:
        instance_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock.acquire(blocking=False)
        _sign(instance_dir / HOLDER)
    except Timeout:
        raise SettingsError(IN_USE.format(instance_dir, _holder(instance_dir / HOLDER))) from None
    except OSError as error:
        raise SettingsError(f"{instance_dir} cannot be used: {error.strerror}.") from error
    try:
        yield
    finally:
        lock.release()


def _sign(path: Path) -> None:
    """Write down who holds the lock, beside it: the lock itself is emptied by whoever tries it."""
    now = datetime.now(UTC).strftime("%d %b %Y, %H:%M UTC")
    draft = path.with_suffix(f".{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(asdict(Holder(os.getpid(), socket.gethostname(), now))))
    draft.replace(path)


def _holder(path: Path) -> Holder | str:
    try:
        return Holder(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        return UNKNOWN
