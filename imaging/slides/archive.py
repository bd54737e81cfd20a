"""A slide of several files (MRXS, DICOM) comes as a ZIP of its folder, which is unpacked here."""

from __future__ import annotations

import re
import shutil
import zipfile
from pathlib import Path, PurePosixPath

from core.translatable import translatable
from imaging.slides.slide import SlideError

MAX_FILES = 2_000
"""Files of one slide: an MRXS has a hundred, a DICOM slide one or more for each level."""

MAX_RATIO = 20
"""Times that a file may be larger than it is packed: pictures hardly shrink, a bomb does."""

BLOCK = 1024 * 1024

TOO_MANY = translatable("The ZIP file holds more than {} files. Pack one slide only.")
TOO_LARGE = translatable(
    "The ZIP file unpacks to more than {:.0f} MB, the most that a slide may have."
)
WRONG = translatable(
    "The ZIP file cannot be unpacked. Pack the slide’s folder again, without a password."
)

_SAFE = re.compile(r"[\w.() +-]{1,120}")


def is_archive(path: Path) -> bool:
    """Return whether a file is a ZIP."""
    with path.open("rb") as file:
        return file.read(4) == b"PK\3\4"


def unpack(path: Path, folder: Path, max_bytes: int) -> None:
    """Unpack a ZIP into a folder that does not exist yet.

    Args:
        path: The file.
        folder: Nothing is written outside of it, and nothing of it stays after an error.
        max_bytes: Of all files together.

    Raises:
        SlideError: It is damaged, or holds too much.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = [each for each in archive.infolist() if not each.is_dir()]
            _check(members, max_bytes)
            for member in members:
                _write(archive, member, folder / _place(member.filename))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise error if isinstance(error, SlideError) else SlideError(WRONG) from error
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _check(members: list[zipfile.ZipInfo], max_bytes: int) -> None:
    if len(members) > MAX_FILES:
        raise SlideError(TOO_MANY.format(MAX_FILES))
    if sum(member.file_size for member in members) > max_bytes:
        raise SlideError(TOO_LARGE.format(max_bytes / 2**20))
    if any(member.file_size > BLOCK + MAX_RATIO * member.compress_size for member in members):
        raise SlideError(WRONG)


def _place(name: str) -> Path:
    """Return where a member goes; raises `SlideError` for a name that leads elsewhere."""
    parts = PurePosixPath(name).parts
    if not parts or not all(_SAFE.fullmatch(part) and part.strip(". ") for part in parts):
        raise SlideError(WRONG)
    return Path(*parts)


def _write(archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    left = member.file_size
    with archive.open(member) as packed, target.open("xb") as file:
        while block := packed.read(BLOCK):
            left -= len(block)
            # A header may state less than there is.
            if left < 0:
                raise SlideError(WRONG)
            file.write(block)
