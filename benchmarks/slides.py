"""A slide of 40,000 x 40,000 pixels: opened, shown in tiles, an area of it read and kept."""

from __future__ import annotations

import random
import statistics
import tempfile
import time
from contextlib import suppress
from functools import cache
from pathlib import Path

import numpy as np

from benchmarks.fields import mosaic
from benchmarks.memory import memory_mib
from benchmarks.startup import first_answer
from imaging.images import RgbImage, resize
from imaging.slides.deep_zoom import FIRST_LEVEL, DeepZoom
from imaging.slides.monolayer import Proposal, propose
from imaging.slides.processes import SlideProcess
from tests.slide_files import BLOCK, block, write_slide

SIDE = 40_000
TILES = 300
AREA = 7_000
"""Side in pixels of the largest square area that is read at once."""

WAYS = {"levels beside each other (OpenSlide’s kind)": False, "OME-TIFF (levels below)": True}

READ = """
import resource
from pathlib import Path
from types import SimpleNamespace
import tempfile
from imaging.images import ImageLimits
from imaging.slides.processes import SlideProcess
from models.registry import load_models
from records.analyses import analyses
from records.storage.image_store import DiskStore
from services.analyses.analysis import Analyst
analyses.add = lambda analysis: None
columns = ("id", "owner_id", "team_id", "batch_id", "file_name")
task = SimpleNamespace(case_id=None, **dict.fromkeys(columns, "a"))
slide = SlideProcess(Path({folder!r}))
models = load_models(Path("weights"))
rgb = slide.region(({left}, {top}, {left} + {side}, {top} + {side}), {side}, {side})
with tempfile.TemporaryDirectory() as kept:
    analyst = Analyst(lambda: models, DiskStore(Path(kept)), ImageLimits())
    print(analyst.detect_area(task, rgb, "TIFF").finding["counts"])
slide.close()
"""


@cache
def paint(zone: str) -> RgbImage:
    """Take real fields for the monolayer where they are here, else what tests draw."""
    if zone == "monolayer":
        with suppress(FileNotFoundError):
            # Halved, their red cells are as wide as at 0.25 µm a pixel.
            return resize(mosaic(2 * BLOCK, 2 * BLOCK), BLOCK, BLOCK)
    return block(zone)


def layout(_row: int, column: int) -> str:
    """Lay out a smear: glass, its body, the monolayer, the feathered edge, glass."""
    return ("glass", "thick", "monolayer", "thin", "glass")[min(4, column // 8)]


def main() -> None:
    """Print seconds, milliseconds a tile and memory, for both kinds of pyramid."""
    with tempfile.TemporaryDirectory() as folder:
        for name, nested in WAYS.items():
            path = Path(folder) / ("nested" if nested else "plain")
            path.mkdir()
            write_slide(path / "slide.tif", SIDE, layout=layout, nested=nested, paint=paint)
            print(f"\n{SIDE:,} x {SIDE:,} pixels, {name}")
            show(path)
        read(Path(folder) / "plain")


def show(folder: Path) -> None:
    """Print how long a slide takes to open and its tiles to come, and what that needs."""
    began = time.perf_counter()
    slide = SlideProcess(folder)
    slide.tile(FIRST_LEVEL, 0, 0)
    _line("opened, first picture there", time.perf_counter() - began, "s")
    times = [_tile_seconds(slide, seed) for seed in range(TILES)]
    _line("tile, median", 1000 * statistics.median(times), "ms")
    _line("tile, p95", 1000 * float(np.quantile(times, 0.95)), "ms")
    began = time.perf_counter()
    found = propose(slide.region, slide.info, AREA**2)
    inside = sum(_shared(one) >= 0.9 for one in found)
    seconds = time.perf_counter() - began
    _line(f"proposing {len(found)} areas, {inside} of them in it", seconds, "s")
    _line("memory of its process at most", _peak_megabytes(slide.pid), "MB")
    slide.close()


def read(folder: Path) -> None:
    """Print how long the largest area takes, and the memory of the server that reads it."""
    code = READ.format(folder=str(folder), left=16 * BLOCK, top=16 * BLOCK, side=AREA)
    seconds, megabytes = first_answer(code)
    print(f"\nAn area of {AREA:,} x {AREA:,} pixels, read by both networks and kept")
    _line("from the start of the program", seconds, "s")
    _line("memory of the server at most", megabytes, "MB")


def _shared(window: Proposal) -> float:
    """Return the share of a window that lies in the monolayer of `layout`."""
    left, right = max(window.left, 16 * BLOCK), min(window.left + window.width, 24 * BLOCK)
    return max(0, right - left) / window.width


def _tile_seconds(slide: SlideProcess, seed: int) -> float:
    """Ask for some tile of some level."""
    choose = random.Random(seed)
    pyramid = DeepZoom(SIDE, SIDE)
    level = choose.randint(FIRST_LEVEL, pyramid.last_level)
    across = -(-SIDE // (1 << (pyramid.last_level - level)) // 512)
    began = time.perf_counter()
    slide.tile(level, choose.randrange(max(1, across)), choose.randrange(max(1, across)))
    return time.perf_counter() - began


def _peak_megabytes(pid: int) -> float:
    """Return the peak of a process’s resident memory; 0 where the system does not tell."""
    with suppress(OSError):
        return memory_mib("VmHWM", pid)
    return 0.0


def _line(name: str, value: float, unit: str) -> None:
    print(f"  {name:<44} {value:9.1f} {unit}")


if __name__ == "__main__":
    main()
