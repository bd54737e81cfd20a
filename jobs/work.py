"""Define background work: kinds of tasks, their progress and their errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from records.tasks import Table

Progress = Callable[[int, int], None]
"""Called with the steps done and their total; raises `Interrupted` when the task is to end."""


class Interrupted(Exception):  # noqa: N818  nothing is wrong
    """The server stops, or nobody wants the task any more: leave everything as it was."""


class QueueFullError(Exception):
    """So many tasks wait that no further one is taken; the text is a sentence."""


class TaskError(Exception):
    """A task cannot be done; the text is a sentence for the person who asked for it."""


class Work(Protocol):
    """One kind of task: the table that asks for it, and what is done about a row of it.

    A process works on at most `at_once` rows at the same time, and looks for the next one every
    `poll_seconds`: each look takes some milliseconds, also of an idle processor.
    """

    at_once: int
    poll_seconds: float

    @property
    def table(self) -> Table:
        """The table."""
        ...

    def run(self, task_id: str, progress: Progress) -> dict[str, Any]:
        """Do it, and give what the row is to keep; raises `TaskError` or `Interrupted`.

        It is called again for the same row where an earlier call failed or its process ended.
        """
        ...

    def discard(self, made: dict[str, Any]) -> None:
        """Throw away what `run` made and its row does not keep."""
        ...
