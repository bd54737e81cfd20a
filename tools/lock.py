"""Write the lock files: every package that is installed, with the hashes of its releases."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

SERVED = Path("requirements-serve.txt")
ALL = Path("requirements.txt")

Pins = set[tuple[str, str]]


def lock_of(pins: Path) -> Path:
    """Name the lock file of a file of pins."""
    return pins.with_suffix(".lock")


def normalized(name: str) -> str:
    """Write a package's name as the index does, whichever way it was written."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pins_of(path: Path) -> Pins:
    """Read the names and versions in a file of pins, or a lock file."""
    found = re.findall(r"^([\w.-]+)(?:\[[\w,-]+\])?==([^\s;]+)", path.read_text(), re.MULTILINE)
    return {(normalized(name), version) for name, version in found}


def compile_lock(pins: Path, *options: str) -> None:
    """Resolve `pins` for every platform in pyproject.toml; keep versions that still fit."""
    lock = lock_of(pins)
    command = [sys.executable, "-m", "uv", "pip", "compile", str(pins), "-o", str(lock)]
    command += ["--universal", "--python-version", "3.11", "--generate-hashes", "--no-strip-extras"]
    command += ["--custom-compile-command", "make lock", "--quiet", *options]
    subprocess.run(command, check=True)  # noqa: S603
    lock.write_text(with_and_without_extras(without_common_marker(lock.read_text())))


def with_and_without_extras(text: str) -> str:
    """Name each package that has extras once more without them, with the same hashes.

    To pip they are two packages, and each must be pinned where hashes are asked for.
    """
    locked = re.compile(r"^([\w.-]+)\[[\w, -]+\](==.*\\\n(?:    --hash.*\n)+)", re.MULTILINE)
    return locked.sub(lambda found: found[1] + found[2] + found[0], text)


def without_common_marker(text: str) -> str:
    """Drop the marker that lists every platform.

    With it, pip would skip all packages on any other platform without a word; without it, pip
    names the first package that has no release there.
    """
    markers = Counter(re.findall(r"^\S+==\S+ ; (.+) \\$", text, re.MULTILINE))
    for common, _ in markers.most_common(1):
        text = text.replace(f" ; {common} \\\n", " \\\n")
    return text


if __name__ == "__main__":
    compile_lock(SERVED)
    # so that the tests run with what is served
    compile_lock(ALL, "--constraint", str(lock_of(SERVED)))
