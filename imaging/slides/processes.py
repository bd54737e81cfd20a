"""Slides read in processes of their own, which a hostile file may end or hold up."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from imaging.images import RgbImage
from imaging.processes import ROOT, child_environment, end_process
from imaging.slides.deep_zoom import DeepZoom
from imaging.slides.slide import DAMAGED, MAX_PIXELS, SlideError, SlideInfo

log = logging.getLogger(__name__)

SECONDS = 20.0
"""Longest time for one answer; a tile of a good slide takes a twentieth of a second."""

OPEN_AT_ONCE = 3
"""Slides that are open at the same time, the last ones used."""

MAX_FAILURES = 3
"""Times that a slide may end its process before it is not opened any more."""


class SlideProcess:
    """One slide in a process of its own. Safe to use from many threads, which take turns.

    Raises:
        SlideError: The slide cannot be opened.
    """

    def __init__(self, folder: Path, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._process = subprocess.Popen(  # noqa: S603  our own module
            [sys.executable, "-m", "imaging.slides.worker", str(folder)],
            cwd=ROOT,
            env=child_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        try:
            self.info = SlideInfo.from_dict(json.loads(self._within(self._receive)))
        except BaseException:
            self.close()
            raise

    @property
    def pid(self) -> int:
        """The id of the process."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    def tile(self, level: int, column: int, row: int) -> bytes:
        """Return a tile of `DeepZoom` as JPEG.

        Raises:
            LookupError: There is none of this level, column and row.
            SlideError: It cannot be read.
        """
        tile = DeepZoom(self.info.width, self.info.height).tile(level, column, row)
        return self._ask(tile.box, tile.width, tile.height, jpeg=True)

    def region(
        self,
        box: tuple[int, int, int, int],
        width: int,
        height: int,
        progress: Callable[[int, int], None] | None = None,
    ) -> RgbImage:
        """Return a part of the slide at any size: see `read_scaled`.

        Args:
            box: The part.
            width: Wanted, in pixels.
            height: Likewise.
            progress: Is told the rows read and their number; what it raises ends the reading.

        Raises:
            SlideError: It lies outside, or cannot be read.
        """
        rgb = np.empty((height, width, 3), np.uint8)
        rows = max(1, MAX_PIXELS // 4 // width)
        for top in range(0, height, rows):
            bottom = min(height, top + rows)
            band = (box[0], _between(box, top / height), box[2], _between(box, bottom / height))
            content = self._ask(band, width, bottom - top, jpeg=False)
            rgb[top:bottom] = np.frombuffer(content, np.uint8).reshape(bottom - top, width, 3)
            if progress:
                progress(bottom, height)
        return rgb

    def close(self) -> None:
        """End the process."""
        end_process(self._process)

    def _ask(self, box: tuple[int, ...], width: int, height: int, jpeg: bool) -> bytes:
        request = json.dumps({"box": box, "size": [width, height], "jpeg": jpeg}).encode()

        def exchange() -> bytes:
            stdin = self._process.stdin
            if stdin is None:
                raise SlideError(DAMAGED)
            stdin.write(request + b"\n")
            stdin.flush()
            return self._receive()

        with self._lock:
            return self._within(exchange)

    def _within(self, act: Callable[[], bytes]) -> bytes:
        """Do something with the process, which is ended when it takes too long."""
        timer = threading.Timer(self._seconds, self._process.kill)
        timer.daemon = True
        timer.start()
        try:
            return act()
        except (OSError, ValueError) as error:
            if isinstance(error, SlideError):
                raise
            raise SlideError(DAMAGED) from error
        finally:
            timer.cancel()

    def _receive(self) -> bytes:
        stdout = self._process.stdout
        line = stdout.readline() if stdout else b""
        if not line or stdout is None:
            log.warning("The process of a slide ended, or took too long and was ended")
            # Else it may look alive for a moment more.
            self._process.kill()
            self._process.wait()
            raise SlideError(DAMAGED)
        head = json.loads(line)
        if "error" in head:
            raise SlideError(head["error"])
        content = stdout.read(head["bytes"])
        if len(content) != head["bytes"]:
            raise SlideError(DAMAGED)
        return content


class SlideProcesses:
    """The slides that are open, by their folders; the last ones used stay open."""

    def __init__(self, open_at_once: int = OPEN_AT_ONCE, seconds: float = SECONDS) -> None:
        self._most = open_at_once
        self._seconds = seconds
        self._lock = threading.Lock()
        self._open: OrderedDict[Path, SlideProcess] = OrderedDict()
        self._users: Counter[Path] = Counter()
        self._opening: dict[Path, threading.Lock] = {}
        self._failures: Counter[Path] = Counter()

    @contextmanager
    def using(self, folder: Path) -> Generator[SlideProcess]:
        """Use the slide in a folder, which is not closed meanwhile for another.

        Raises:
            SlideError: It cannot be opened, or has ended its process too often.
        """
        with self._lock:
            self._users[folder] += 1
            opening = self._opening.setdefault(folder, threading.Lock())
        try:
            with opening:
                process = self._opened(folder)
            yield process
        finally:
            with self._lock:
                self._users[folder] -= 1

    def forget(self, folder: Path) -> None:
        """Close the slide in a folder: its files are to be removed."""
        with self._lock:
            process = self._open.pop(folder, None)
            self._failures.pop(folder, None)
            self._opening.pop(folder, None)
        if process:
            process.close()

    def close(self) -> None:
        """Close all slides."""
        for folder in list(self._open):
            self.forget(folder)

    def _opened(self, folder: Path) -> SlideProcess:
        with self._lock:
            process = self._open.get(folder)
            if process and process.alive:
                self._open.move_to_end(folder)
                return process
            if process:
                self._open.pop(folder).close()
                self._failures[folder] += 1
            if self._failures[folder] >= MAX_FAILURES:
                raise SlideError(DAMAGED)
        try:
            opened = SlideProcess(folder, self._seconds)
        except SlideError:
            self._failures[folder] += 1
            raise
        with self._lock:
            self._open[folder] = opened
            self._open.move_to_end(folder)
            spare = self._spare()
        for each in spare:
            each.close()
        return opened

    def _spare(self) -> list[SlideProcess]:
        """Take out the slides that are one too many and that nobody uses, oldest first."""
        many = len(self._open) - self._most
        unused = [folder for folder in self._open if not self._users[folder]][: max(0, many)]
        return [self._open.pop(folder) for folder in unused]


def _between(box: tuple[int, int, int, int], share: float) -> int:
    """Return the y of a box at a share of its height."""
    return round(box[1] + share * (box[3] - box[1]))
