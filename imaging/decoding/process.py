"""Decoding in a process of its own: all that a file can crash, exhaust or hold up."""

from __future__ import annotations

import atexit
import json
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from io import BufferedReader
from typing import Any, cast

import numpy as np

from imaging.decoding.bounds import ImageLimits
from imaging.decoding.errors import DAMAGED, TOO_SLOW, ImageError
from imaging.decoding.render import Reading, Rgb
from imaging.processes import ROOT, child_environment, end_process

AT_ONCE = 2
"""Files decoded at the same time; a huge one takes gigabytes."""

MAX_SECONDS = 90
"""Seconds that one file may take; the worst that is allowed takes a third of it."""

MAX_HEADER = 2**20
COMMAND = (sys.executable, "-m", "imaging.decoding.worker")


class _Worker:
    """One running process and its two pipes."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603 our own module
            COMMAND,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=ROOT,
            env=child_environment(),
        )

    def ask(self, request: dict[str, Any], data: bytes) -> tuple[dict[str, Any], Rgb | None]:
        """Send one file and wait for the answer.

        Raises:
            ImageError: If it takes too long, or ends the process.
        """
        late = threading.Event()
        timer = threading.Timer(MAX_SECONDS, self._end_late, [late])
        timer.start()
        try:
            return self._exchange(request, data)
        except (OSError, ValueError, EOFError) as error:
            raise ImageError(TOO_SLOW if late.is_set() else DAMAGED) from error
        finally:
            timer.cancel()

    def end(self) -> None:
        """End the process, and wait until it is gone."""
        end_process(self._process)

    def _end_late(self, late: threading.Event) -> None:
        late.set()
        self._process.kill()

    def _exchange(self, request: dict[str, Any], data: bytes) -> tuple[dict[str, Any], Rgb | None]:
        requests, answers = self._process.stdin, self._process.stdout
        if requests is None or answers is None:
            raise EOFError
        requests.write(json.dumps(request).encode() + b"\n")
        requests.write(data)
        requests.flush()
        line = answers.readline(MAX_HEADER)
        if not line.endswith(b"\n"):
            raise EOFError
        answer = json.loads(line)
        shape = answer.get("shape")
        return answer, _pixels(
            cast(BufferedReader, answers), shape, request["max_pixels"]
        ) if shape else None


class _Workers:
    """Running processes that wait for the next file."""

    def __init__(self) -> None:
        self._slots = threading.BoundedSemaphore(AT_ONCE)
        self._idle: list[_Worker] = []
        self._lock = threading.Lock()

    @contextmanager
    def borrowed(self) -> Generator[_Worker]:
        """Lend a process; one that failed is ended, and the next file gets a new one."""
        with self._slots:
            with self._lock:
                worker = self._idle.pop() if self._idle else None
            worker = worker or _Worker()
            try:
                yield worker
            except BaseException:
                worker.end()
                raise
            with self._lock:
                self._idle.append(worker)

    def end(self) -> None:
        """End all that wait."""
        with self._lock:
            idle, self._idle = self._idle, []
        for worker in idle:
            worker.end()


_workers = _Workers()
atexit.register(_workers.end)


def check_isolated(data: bytes, file_format: str, limits: ImageLimits) -> None:
    """Check the header of a file in another process.

    Raises:
        ImageError: If it is refused.
    """
    _ask("check", data, file_format, limits)


def decode_isolated(
    data: bytes, file_format: str, limits: ImageLimits
) -> tuple[Rgb, Reading, tuple[str, ...]]:
    """Decode a file in another process.

    Returns:
        As `render.render` does.

    Raises:
        ImageError: If it is refused, or if it crashes, exhausts or holds up that process.
    """
    answer, rgb = _ask("read", data, file_format, limits)
    if rgb is None:
        raise ImageError(DAMAGED)
    return rgb, Reading(**answer["reading"]), tuple(answer["notes"])


def _ask(
    task: str, data: bytes, file_format: str, limits: ImageLimits
) -> tuple[dict[str, Any], Rgb | None]:
    request = {
        "task": task,
        "format": file_format,
        "bytes": len(data),
        "max_bytes": limits.max_bytes,
        "max_pixels": limits.max_pixels,
    }
    with _workers.borrowed() as worker:
        answer, rgb = worker.ask(request, data)
    if "error" in answer:
        raise ImageError(answer["error"])
    return answer, rgb


def _pixels(answers: BufferedReader, shape: list[int], max_pixels: int) -> Rgb:
    height, width, channels = shape
    if channels != 3 or not 0 < height * width <= max_pixels:
        raise ValueError(shape)
    rgb = np.empty((height, width, 3), np.uint8)
    view = rgb.data.cast("B")
    filled = 0
    while filled < len(view):
        got = answers.readinto(view[filled:])
        if not got:
            raise EOFError
        filled += got
    return rgb
