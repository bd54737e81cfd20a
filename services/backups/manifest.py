"""What a backup is made of, and the list in it that proves that it is whole."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from models.manifest import sha256_of
from records.audit import external_log
from records.audit.audit import Head
from records.storage.stored_files import IMAGES, SLIDES, UPLOADS
from settings import DATABASE

MANIFEST = "backup.json"
FORMAT = 1
SECRET_KEY, WEIGHTS = "secret_key", "weights"
PARTS = (DATABASE, external_log.FILE, SECRET_KEY, IMAGES, UPLOADS, SLIDES, WEIGHTS)
"""Files and folders of a backup, besides its manifest; all but the weights are an instance's."""

MOST_NAMED = 3
"""Files that a sentence names, of however many it is about."""

NO_BACKUP = "{} is no backup, or one that was not finished: {} is missing."
UNREADABLE = "{} cannot be read: the backup is damaged."
NEWER = "{} was made by a newer version of this program. Restore it with that version."
DAMAGED = "The backup {} is damaged: {}. Use another one."


class BackupError(Exception):
    """A backup cannot be made or restored; the text is a sentence for the administrator."""


@dataclass(frozen=True)
class Kept:
    """One file of a backup: SHA-256 in hexadecimal, and its size."""

    sha256: str
    bytes: int


@dataclass(frozen=True)
class Manifest:
    """What a backup says of itself.

    `schema` is the revision of its database, `head` the end of its audit trail, `missing` names
    files that rows name and the instance itself no longer had, `files` holds every other file of
    the backup by its path below it.
    """

    made_at: str
    schema: str
    head: Head
    models: dict[str, str]
    missing: tuple[str, ...]
    files: dict[str, Kept] = field(repr=False)

    def number_of(self, folder: str) -> int:
        """Count the files of one folder."""
        return sum(name.startswith(f"{folder}/") for name in self.files)


def write(folder: Path, manifest: Manifest) -> None:
    """Finish a backup: only a folder with a manifest is one."""
    draft = folder / f"{MANIFEST}.part"
    draft.touch(mode=0o600)
    draft.write_text(json.dumps({"format": FORMAT, **asdict(manifest)}, indent=1), "utf-8")
    draft.replace(folder / MANIFEST)


def read(folder: Path) -> Manifest:
    """Read what a backup says of itself; raises `BackupError`."""
    path = folder / MANIFEST
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] > FORMAT:
            raise BackupError(NEWER.format(folder))
        return _parsed(content)
    except (FileNotFoundError, NotADirectoryError):
        raise BackupError(NO_BACKUP.format(folder, MANIFEST)) from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BackupError(UNREADABLE.format(path)) from error


def check_files(folder: Path, manifest: Manifest) -> None:
    """Read every file of a backup again; raises `BackupError` naming what is not as it was."""
    present = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    _refuse(folder, "missing", manifest.files.keys() - present)
    _refuse(folder, "not in its list", present - manifest.files.keys() - {MANIFEST})
    changed = (
        name for name, kept in manifest.files.items() if sha256_of(folder / name) != kept.sha256
    )
    _refuse(folder, "changed", changed)


def _refuse(folder: Path, what: str, names: Iterable[str]) -> None:
    wrong = sorted(names)
    if wrong:
        shown = ", ".join(wrong[:MOST_NAMED])
        more = f" and {len(wrong) - MOST_NAMED} more" if len(wrong) > MOST_NAMED else ""
        verb = "is" if len(wrong) == 1 else "are"
        raise BackupError(DAMAGED.format(folder, f"{shown}{more} {verb} {what}"))


def _parsed(content: dict[str, Any]) -> Manifest:
    return Manifest(
        made_at=str(content["made_at"]),
        schema=str(content["schema"]),
        head=Head(int(content["head"]["number"]), str(content["head"]["hash"])),
        models={str(name): str(version) for name, version in content["models"].items()},
        missing=tuple(map(str, content["missing"])),
        files={_safe(name): Kept(**kept) for name, kept in content["files"].items()},
    )


def _safe(name: str) -> str:
    """Check that a path leads nowhere but into a backup; raises `ValueError`."""
    parts = PurePosixPath(name).parts
    if not parts or parts[0] not in PARTS or ".." in parts:
        raise ValueError(name)
    return name
