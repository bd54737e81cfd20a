"""The time and the learning rate at which a published network is trained on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from training.cells.train import rate_at
from training.data import DataError


@dataclass(frozen=True)
class Pace:
    """Bounds of training a network on.

    Attributes:
        steps: At most.
        batch: Pictures a step.
        rate: Learning rate of what is published.
        seed: Of all that is drawn.
        seconds: At most; the step that is begun is finished.
    """

    steps: int
    batch: int
    rate: float
    seed: int
    seconds: float


def paced(pace: Pace, clock: Callable[[], float] = time.monotonic) -> Iterator[tuple[int, float]]:
    """Yield the number of each step and its learning rate.

    It falls with the steps, or faster where the time runs out first.

    Raises:
        DataError: No step fits into the time.
    """
    if pace.seconds <= 0:
        raise DataError(
            "No time is left to train in. Give more --minutes, or measure on fewer open images."
        )
    start, step = clock(), 0
    while (done := max(step / pace.steps, (clock() - start) / pace.seconds)) < 1:
        yield step, rate_at(round(done * pace.steps), pace.steps, pace.rate)
        step += 1
