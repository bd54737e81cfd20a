"""Where weights are made, before they are published: a folder that nothing serves."""

from __future__ import annotations

import shutil
from pathlib import Path

from models.manifest import MANIFEST
from models.versions import ACTIVE
from training.data import PROJECT, DataError

STAGED = PROJECT / "runs" / "staged"
"""Folder with a folder of each model."""


def new_stage(folder: Path) -> None:
    """Make an empty folder for new weights, in place of those that were staged before.

    Raises:
        DataError: The folder is published, or holds something else.
    """
    check_staged(folder)
    if folder.exists() and any(folder.iterdir()) and not (folder / MANIFEST).is_file():
        raise DataError(f"{folder} holds no weights, and is not emptied. Stage in another folder.")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


def check_staged(folder: Path) -> None:
    """Check that weights may be changed; raises DataError where they are published."""
    if (folder.resolve().parent / ACTIVE).exists():
        raise DataError(
            f"{folder} is published, and published weights stay as they are. Work on a staged "
            "copy (--staged), and publish it under a version of its own."
        )
