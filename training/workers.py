"""Processes for work on images."""

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import cv2


def image_workers(
    count: int, start: Callable[..., None] | None = None, arguments: tuple[Any, ...] = ()
) -> ProcessPoolExecutor:
    """Return `count` processes with one OpenCV thread each; `start` is called first in each.

    They are started afresh: a fork of a process whose OpenCV threads have run may hang.
    """
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(count, context, _started, (start, arguments))


def _started(start: Callable[..., None] | None, arguments: tuple[Any, ...]) -> None:
    cv2.setNumThreads(1)
    if start is not None:
        start(*arguments)
