"""Processes for work on images."""

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import cv2


def image_workers(
    count: int, start: Callable[..., None] | None = None, arguments: tuple[Any, ...] = ()
) -> ProcessPoolExecutor:
    """Return processes with one OpenCV thread each.

    They are started afresh: a fork of a process whose OpenCV threads have run may hang.

    Args:
        count: Number of processes.
        start: Called first in each, if given.
        arguments: Of `start`; they are pickled.
    """
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(count, context, _prepare, (start, arguments))


def _prepare(start: Callable[..., None] | None, arguments: tuple[Any, ...]) -> None:
    cv2.setNumThreads(1)
    if start is not None:
        start(*arguments)
