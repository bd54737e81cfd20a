"""Where the files of a store are: below its folder, under a name that was made there."""

from __future__ import annotations

import re
from pathlib import Path


def place_of(name: str, made: re.Pattern[str], root: Path) -> Path:
    """Return where a name is kept, existing or not.

    Args:
        name: Perhaps taken from a person.
        made: Matches the whole of every name that the store makes.
        root: Folder of the store.

    Raises:
        ValueError: The name was not made there.
    """
    if not made.fullmatch(name):
        raise ValueError(f"not a name of the store {root.name}")
    return root / name[:2] / name
