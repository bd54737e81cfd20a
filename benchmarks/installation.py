"""Size on disk of the environment that runs this, by package, and of the weights.

Of what is served: `.venv/bin/python -m benchmarks.installation`.
"""

from __future__ import annotations

import sys
from importlib.metadata import Distribution, distributions
from pathlib import Path

from benchmarks.timing import report
from settings import ROOT

MEGABYTE = 2**20
SHOWN = 20
"""The largest packages, named one by one."""


def main() -> None:
    """Print megabytes of all that is installed, of the largest packages and of the weights."""
    sizes = {each.name: size_of_package(each) for each in distributions()}
    largest = sorted(sizes.items(), key=lambda row: -row[1])[:SHOWN]
    rows = {
        "all that is installed": size_of_folder(Path(sys.prefix)),
        **dict(largest),
        f"{len(sizes) - len(largest)} other packages": sum(sizes.values())
        - sum(dict(largest).values()),
        "beside it, the weights": size_of_folder(ROOT / "weights"),
    }
    megabytes = {name: size / MEGABYTE for name, size in rows.items()}
    report(f"Installed size of {len(sizes)} packages", megabytes, "MB")


def size_of_package(package: Distribution) -> int:
    """Add up what the files take that a package says it has installed, and that are there."""
    paths = (Path(str(file.locate())) for file in package.files or ())
    return sum(_on_disk(path) for path in paths if path.is_file())


def size_of_folder(folder: Path) -> int:
    """Add up what a folder and all in it take; links are not followed."""
    return sum(_on_disk(path) for path in (folder, *folder.rglob("*")))


def _on_disk(path: Path) -> int:
    """Return the bytes of the blocks that a file or folder takes, as `du` counts them."""
    return 512 * path.lstat().st_blocks


if __name__ == "__main__":
    main()
