"""The lock of an instance: one process at a time serves it or restores into it."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from settings import SettingsError

LOCK, HOLDER = "server.lock", "server.json"

IN_USE = (
    "{} is in use by {}. Two processes would read the same fields and keep them twice. "
    "Stop that one first."
)
UNKNOWN = "another process, which has not written its name yet"


@dataclass(frozen=True)
class Holder:
    """Who holds the lock: a process, the computer that runs it, and since when."""

    pid: int
    host: str
    since: str

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}, since {self.since}"


@contextmanager
def held(instance_dir: Path) -> Generator[None]:
    """Hold the lock of an instance; the folder is made if it is missing.

    The operating system frees the lock when the process ends, however it ends.

    Raises:
        SettingsError: another process holds the lock, or the folder cannot be written.
    """
    lock = FileLock(instance_dir / LOCK, thread_local=False, mode=0o600)
    try:
        instance_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock.acquire(blocking=False)
        _write_holder(instance_dir / HOLDER)
    except Timeout:
        raise SettingsError(IN_USE.format(instance_dir, _holder(instance_dir / HOLDER))) from None
    except OSError as error:
        lock.release()
        raise SettingsError(f"{instance_dir} cannot be used: {error.strerror}.") from error
    try:
        yield
    finally:
        lock.release()


def _write_holder(path: Path) -> None:
    """Write who holds the lock, in a file of its own: attempts to lock may empty the lock file."""
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
