"""The published versions of a model: `weights/<model>/<version>/`, and which one is active."""

from __future__ import annotations

import re
from pathlib import Path

from models.manifest import MANIFEST, WeightsError, remedy

ACTIVE = "active"
"""The pointer: a file of one line with the version that is served."""

_NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]*")
_LONGEST_NAME = 100


def active_folder(weights: Path, model: str) -> Path:
    """Find the folder of the version that is served.

    Args:
        weights: Folder of all models.
        model: "classifier" or "detector".

    Raises:
        WeightsError: The pointer is missing or unreadable, or names no version of this model.
    """
    pointer = weights / model / ACTIVE
    try:
        with pointer.open(encoding="utf-8") as stream:
            name = stream.read(_LONGEST_NAME + 1).strip()
    except FileNotFoundError:
        raise WeightsError(_without_pointer(weights / model)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise WeightsError(f"{pointer} cannot be read ({error}); {remedy(model)}") from error
    if not _is_name(name):
        raise WeightsError(
            f"{pointer} must name a folder beside it, and says “{name}”; {remedy(model)}"
        )
    folder = weights / model / name
    if not folder.is_dir():
        raise WeightsError(
            f"{pointer} names version {name}, but {folder} is missing; {remedy(model)}"
        )
    return folder


def _without_pointer(model_folder: Path) -> str:
    pointer = model_folder / ACTIVE
    if (model_folder / MANIFEST).exists():
        return (
            f"{pointer} is missing: {model_folder} has the layout of before each version had its "
            f"own folder. Move all that is in it to {model_folder / 'VERSION'} and write VERSION "
            f"into {pointer}, with the version that {MANIFEST} states in place of VERSION."
        )
    return f"{pointer} is missing; {remedy(model_folder.name)}"


def version_folder(model_folder: Path, version: str) -> Path:
    """Return the folder of a version, whether it is there or not.

    Raises:
        WeightsError: It is no name of a version: it is empty, or would lead out of the folder.
    """
    if not _is_name(version):
        raise WeightsError(
            f"“{version}” is no name of a version in {model_folder}: letters, digits, dots, "
            "hyphens and underscores are allowed, as in 2026.11.29-1."
        )
    return model_folder / version


def versions(model_folder: Path) -> tuple[str, ...]:
    """List the versions on disk, in the order of their names."""
    if not model_folder.is_dir():
        return ()
    names = (path.name for path in model_folder.iterdir() if path.is_dir())
    return tuple(sorted(filter(_is_name, names)))


def activate(model_folder: Path, version: str) -> None:
    """Serve a version from the next start on; whoever reads the pointer sees the old or the new.

    Raises:
        WeightsError: There is no such version.
    """
    if not version_folder(model_folder, version).is_dir():
        there = ", ".join(versions(model_folder)) or "none"
        raise WeightsError(f"{model_folder} has no version {version}. It has: {there}.")
    draft = model_folder / f".{ACTIVE}"
    draft.write_text(f"{version}\n", encoding="utf-8")
    draft.replace(model_folder / ACTIVE)


def _is_name(text: str) -> bool:
    """Tell whether a text can name a version: it leads nowhere but into its folder."""
    return len(text) <= _LONGEST_NAME and _NAME.fullmatch(text) is not None
