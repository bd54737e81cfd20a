"""Seconds and memory that each hostile file costs, and the largest honest ones beside them."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from tests.hostile_files import (
    BOUNDED,
    REFUSED,
    SIDE,
    blank_png,
    jpeg_of_scans,
    profile,
    tiff,
)
from tests.uploads import encoded

MEASURED = """
import re, sys, time
from pathlib import Path
from imaging.decoding.errors import ImageError
from imaging.images import check_image, read_image
data = Path(sys.argv[1]).read_bytes()
read = {"check": check_image, "read": read_image}[sys.argv[2]]
def peak():
    # Not getrusage, which a process has from the one that started it.
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
before = peak()
start = time.perf_counter()
try:
    read(data)
    answer = "taken"
except ImageError as error:
    answer = str(error)
seconds = time.perf_counter() - start
print(f"{seconds:.3f}|{(peak() - before) / 1024:.0f}|{answer}")
"""


def main() -> None:
    """Print what each file costs to be checked and to be read, each in a fresh process."""
    print(f"\n{'file':<44} {'kB':>7} {'check s':>8} {'read s':>8} {'MB':>6}  answer")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "file"
        for name, make in FILES.items():
            data = make()
            file.write_bytes(data)
            checked, read = _measured(file, "check"), _measured(file, "read")
            print(
                f"{name:<44} {len(data) / 1024:7.0f} {checked[0]:>8} {read[0]:>8} {read[1]:>6}"
                f"  {read[2]}",
                flush=True,
            )


def _measured(file: Path, what: str) -> list[str]:
    command = [sys.executable, "-c", MEASURED, str(file), what]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    except subprocess.TimeoutExpired:
        return [">120", "?", "not ended"]
    return done.stdout.strip().split("|", 2)


def noisy(side: int) -> Image.Image:
    """Draw a field full of grain, the hardest to decode."""
    random = np.random.default_rng(0)
    tile = random.integers(120, 240, (500, 500, 3), np.uint8)
    return Image.fromarray(np.tile(tile, (-(-side // 500),) * 2 + (1,))[:side, :side])


HUGE: dict[str, Callable[[], bytes]] = {
    "PNG of 119 MP, RGB": lambda: blank_png(8, 2),
    "PNG of 119 MP, RGBA": lambda: blank_png(8, 6),
    "PNG of 119 MP, RGB with a profile": lambda: blank_png(8, 2, profile()),
    "PNG of 119 MP, grey of 16 bits": lambda: blank_png(16, 0),
    "JPEG of 119 MP, 500 scans": lambda: jpeg_of_scans(500),
    "JPEG of 119 MP, 25 scans": lambda: jpeg_of_scans(20),
    "TIFF of 119 MP, JPEG of 500 scans": lambda: tiff(
        1, side=SIDE, pixels=jpeg_of_scans(500), compression=7
    ),
    "TIFF of 119 MP, JPEG of 25 scans": lambda: tiff(
        1, side=SIDE, pixels=jpeg_of_scans(20), compression=7
    ),
    "WebP of 119 MP, blank": lambda: encoded(
        Image.new("RGB", (SIDE, SIDE), (240, 235, 238)), "WEBP", method=0
    ),
}
HONEST: dict[str, Callable[[], bytes]] = {
    "Field of 119 MP, JPEG": lambda: encoded(noisy(SIDE), "JPEG", quality=50),
    "Field of 24 MP, JPEG": lambda: encoded(noisy(4_900), "JPEG", quality=75),
    "Field of 16 MP, PNG": lambda: encoded(noisy(4_000), "PNG", compress_level=1),
}
FILES = {**{name: make for name, (make, _) in REFUSED.items()}, **BOUNDED, **HUGE, **HONEST}


if __name__ == "__main__":
    main()
