"""Files of whole slides on disk: a folder for each, under a generated name."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from core.ids import new_id
from records.storage.names import place_of

ARRIVING = "arriving.part"
"""The file of a slide while it arrives."""

_NAME = re.compile(r"[0-9a-f]{32}\.slide")


class SlideStore:
    """Keeps slides under `root`; a name is made here and never taken from a person."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def create(self) -> str:
        """Make the folder of a slide that is to arrive, and give its new name."""
        name = f"{new_id()}.slide"
        self.folder(name).mkdir(parents=True, mode=0o700)
        self.arriving(name).touch(mode=0o600)
        return name

    def folder(self, name: str) -> Path:
        """Return where the files of a slide are, existing or not.

        Raises:
            ValueError: the name was not made here.
        """
        return place_of(name, _NAME, self._root)

    def arriving(self, name: str) -> Path:
        """Return the file of a slide while it arrives."""
        return self.folder(name) / ARRIVING

    def free_bytes(self) -> int:
        """Return how much room the disk has."""
        self._root.mkdir(parents=True, exist_ok=True, mode=0o700)
        return shutil.disk_usage(self._root).free

    def files_of(self, name: str) -> list[Path]:
        """Return the files of a slide."""
        return sorted(path for path in self.folder(name).rglob("*") if path.is_file())

    def delete(self, name: str) -> None:
        """Remove a slide; one that is already gone is no error."""
        if self.folder(name).exists():
            shutil.rmtree(self.folder(name))

    def files(self) -> Iterator[tuple[str, Path]]:
        """Yield every file that is kept, with the name of its slide."""
        for folder in self._root.glob("??/*"):
            if _NAME.fullmatch(folder.name):
                yield from ((folder.name, path) for path in self.files_of(folder.name))
