"""What monitoring follows of an installation: its queues, its cells, its disk."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from records import tasks
from records.worklist import summaries
from settings import DATABASE, Settings


@dataclass(frozen=True)
class Measures:
    """One look at an installation; sizes in bytes.

    Attributes:
        tasks: how many tasks there are, by table and state.
        white_cells: those of the differentials of all analyses that are kept.
    """

    tasks: dict[tuple[str, str], int]
    white_cells: int
    database_bytes: int
    disk_bytes: int
    free_bytes: int


def measure(settings: Settings) -> Measures:
    """Look; an application context of the database is needed."""
    disk = shutil.disk_usage(settings.instance_dir)
    return Measures(
        tasks=tasks.counts(),
        white_cells=summaries.white_cells(),
        database_bytes=sum(map(_size, _database_files(settings))),
        disk_bytes=disk.total,
        free_bytes=disk.free,
    )


def _database_files(settings: Settings) -> tuple[Path, Path]:
    """Return the database, and beside it what SQLite has not moved into it yet."""
    folder = settings.instance_dir
    return folder / DATABASE, folder / f"{DATABASE}-wal"


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
