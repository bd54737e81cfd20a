"""Whole slides for tests and benchmarks: pyramids of JPEG tiles, made a tile at a time."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image, ImageDraw

from imaging.images import RgbImage

BLOCK = 1024
"""Side in pixels of the pictures that a slide is made of, at its finest level."""

TILE = 256
MICROMETRES = 0.25
RED_CELL = 30
"""Diameter of a drawn red cell in pixels: 7.5 µm at `MICROMETRES`."""

PLASMA, RED, CYTOPLASM, CHROMATIN = (
    (238, 228, 236),
    (214, 150, 156),
    (176, 170, 214),
    (70, 28, 110),
)

APERIO = (
    "Aperio Image Library v12.0.15\r\n7168x7168 [0,0 7168x7168] (256x256) JPEG/RGB Q=85"
    "|AppMag = 40|MPP = 0.2500"
)
"""What a scanner of SVS files writes into them."""

Layout = Callable[[int, int], str]
"""Names the zone of a block by its row and column."""

Paint = Callable[[str], RgbImage]
"""Gives the picture of a zone, uint8 (BLOCK, BLOCK, 3)."""

ZONES = {"glass": 0, "thin": 120, "monolayer": 700, "thick": 2600}
"""Red cells in a block of each zone."""


@cache
def block(zone: str) -> RgbImage:
    """Draw a block of a zone, uint8 (BLOCK, BLOCK, 3); all but glass have two white cells.

    In "monolayer" no two cells touch; elsewhere they fall where they like.
    """
    rng = np.random.default_rng(sorted(ZONES).index(zone))
    image = Image.new("RGB", (BLOCK, BLOCK), PLASMA)
    pen = ImageDraw.Draw(image)
    for x, y in _places(rng, zone):
        _disc(pen, x, y, RED_CELL / 2, RED)
        _disc(pen, x, y, RED_CELL / 6, (224, 172, 178))
    if ZONES[zone]:
        for x, y in ((256, 256), (768, 700)):
            _disc(pen, x, y, 30, CYTOPLASM)
            _disc(pen, x, y, 24, CHROMATIN)
            _disc(pen, x, y, 12, (82, 40, 122))
    grain = rng.normal(0, 3, (BLOCK, BLOCK, 1))
    return (np.asarray(image) + grain).clip(0, 255).astype(np.uint8)


def _places(rng: np.random.Generator, zone: str) -> list[tuple[float, float]]:
    count = ZONES[zone]
    if zone != "monolayer":
        return [(x, y) for x, y in rng.uniform(0, BLOCK, (count, 2))]
    step = 37
    grid = [(x, y) for y in range(20, BLOCK - 16, step) for x in range(20, BLOCK - 16, step)]
    return [(x + rng.uniform(-3, 3), y + rng.uniform(-3, 3)) for x, y in grid[:count]]


def _disc(pen: ImageDraw.ImageDraw, x: float, y: float, radius: float, fill: tuple) -> None:
    pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=fill)


def feathered(row: int, column: int) -> str:
    """Lay zones out in columns as a smear has them: glass, thick, monolayer, thin, glass."""
    return ("glass", "thick", "thick", "monolayer", "monolayer", "thin", "glass")[column % 7]


def write_slide(
    path: Path,
    side: int = 7 * BLOCK,
    layout: Layout = feathered,
    height: int | None = None,
    nested: bool = False,
    micrometres: float | None = MICROMETRES,
    levels: int | None = None,
    description: str | None = None,
    paint: Paint | None = None,
) -> Path:
    """Write a pyramidal TIFF of JPEG tiles.

    Args:
        path: Where to.
        side: Width in pixels, and height unless that is given.
        layout: Which zone lies where.
        height: In pixels.
        nested: Keep the smaller levels below the largest (OME-TIFF) and not beside it.
        micrometres: Of a pixel; None for a file that does not tell.
        description: What the scanner says of it, such as `APERIO`.
        paint: Gives the pictures of zones instead of `block`.
        levels: How many; as many as it takes to come below 1,024 px, unless given.
    """
    height = height or side
    levels = levels or max(1, int(np.ceil(np.log2(max(side, height) / BLOCK))) + 1)
    with tifffile.TiffWriter(path, bigtiff=True, ome=nested) as file:
        for level in range(levels):
            shape = (max(1, height >> level), max(1, side >> level), 3)
            file.write(
                _tiles(shape, level, layout, paint or block),
                shape=shape,
                dtype=np.uint8,
                tile=(TILE, TILE),
                photometric="ycbcr",
                subsampling=(1, 1),
                compression="jpeg",
                subifds=levels - 1 if nested and level == 0 else 0,
                subfiletype=1 if level else 0,
                description=description,
                **_options(nested, level, micrometres),
            )
    return path


def _options(nested: bool, level: int, micrometres: float | None) -> dict:
    made: dict = {"metadata": None}
    if micrometres:
        density = 10_000 / (micrometres * 2**level)
        made |= {"resolution": (density, density), "resolutionunit": "CENTIMETER"}
    if nested and level == 0:
        made["metadata"] = {"axes": "YXS"}
        if micrometres:
            size = {"PhysicalSizeX": micrometres, "PhysicalSizeY": micrometres}
            made["metadata"] |= {**size, "PhysicalSizeXUnit": "µm", "PhysicalSizeYUnit": "µm"}
    return made


def _tiles(
    shape: tuple[int, int, int], level: int, layout: Layout, paint: Paint
) -> Iterator[bytes]:
    """Encode the tiles of a level; equal ones once."""
    encoded: dict[tuple, bytes] = {}
    for top in range(0, shape[0], TILE):
        for left in range(0, shape[1], TILE):
            key = _key(top, left, level, layout)
            if key not in encoded:
                encoded[key] = _jpeg(_tile(top, left, level, layout, paint))
            yield encoded[key]


def _key(top: int, left: int, level: int, layout: Layout) -> tuple:
    """Describe what a tile shows: the zones that it covers, and where in a block it begins."""
    side = BLOCK >> level
    rows = range(top // side, -(-(top + TILE) // side))
    columns = range(left // side, -(-(left + TILE) // side))
    zones = tuple(layout(row, column) for row in rows for column in columns)
    return top % side, left % side, zones


def _tile(top: int, left: int, level: int, layout: Layout, paint: Paint) -> RgbImage:
    side = BLOCK >> level
    rows = range(top // side, -(-(top + TILE) // side))
    columns = range(left // side, -(-(left + TILE) // side))
    mosaic = np.vstack(
        [np.hstack([_small(paint, layout(r, c), level) for c in columns]) for r in rows]
    )
    y, x = top - rows.start * side, left - columns.start * side
    return mosaic[y : y + TILE, x : x + TILE]


@cache
def _small(paint: Paint, zone: str, level: int) -> RgbImage:
    return np.asarray(Image.fromarray(paint(zone)).reduce(1 << level))


def _jpeg(rgb: RgbImage) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "JPEG", quality=85, subsampling=0)
    return buffer.getvalue()
