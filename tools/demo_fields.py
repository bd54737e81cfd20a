"""Make the fields of the demo case: python -m tools.demo_fields.

They are made up: the reference cells of the reading room on a drawn background of red cells.
static/demo/ATTRIBUTION.md says so, and names the sets of the cells.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from pages.cases.reading_room_references import COUNT, SIDE

STATIC = Path(__file__).resolve().parents[1] / "static"
CELLS, TARGET = STATIC / "reference_cells", STATIC / "demo"

FIELDS = 3
WIDTH, HEIGHT = 960, 720
SEED = 20
COLUMNS, ROWS = 5, 4
"""The places for white cells: a grid, each moved a little."""

ON_BLACK = "blast"
"""These cells were cut out on black, all others have their surroundings."""

BLACK = 10
LIFT, SLOPE = 18, 1.25
PLASMA, RED_CELL, PALLOR = (253, 239, 218), (224, 172, 168), (238, 200, 190)
RED_RADIUS, RED_CELLS = 17, 210
COLOUR_SHIFT, GRAIN = 5, 2.0


def main() -> None:
    """Write the fields; the same ones every time."""
    TARGET.mkdir(parents=True, exist_ok=True)
    chance = np.random.default_rng(SEED)
    cells = white_cells()
    order = chance.permutation(len(cells))
    for number in range(FIELDS):
        field = background(chance)
        places = chance.permutation(COLUMNS * ROWS)
        for place, index in zip(places, order[number::FIELDS], strict=False):
            cell, mask = cells[index]
            paste(field, cell, mask, place, chance)
        grained(field, chance).save(TARGET / f"field-{number + 1}.webp", quality=88, method=6)


def white_cells() -> list[tuple[Image.Image, Image.Image]]:
    """Cut the rows of reference cells into cells, each with its mask."""
    cells = []
    for path in sorted(CELLS.glob("*.webp")):
        with Image.open(path) as image:
            row = image.convert("RGB")
        for index in range(COUNT):
            cell = row.crop((index * SIDE, 0, (index + 1) * SIDE, SIDE))
            mask = mask_of(cell, path.stem == ON_BLACK)
            cells.append((brighter(cell) if path.stem == ON_BLACK else cell, mask))
    return cells


def brighter(cell: Image.Image) -> Image.Image:
    """Return a cell of the darker set, about as bright as those of the other."""
    return cell.point([min(255, round(LIFT + SLOPE * value)) for value in range(256)] * 3)


def mask_of(cell: Image.Image, on_black: bool) -> Image.Image:
    """Return what of a cell's picture is pasted, soft at its edge."""
    if on_black:
        bright = cell.convert("L").point([255 * (value > BLACK) for value in range(256)])
        return bright.filter(ImageFilter.MinFilter(3)).filter(ImageFilter.GaussianBlur(0.8))
    mask = Image.new("L", cell.size)
    ImageDraw.Draw(mask).ellipse((5, 5, SIDE - 6, SIDE - 6), fill=255)
    return mask.filter(ImageFilter.GaussianBlur(3))


def background(chance: np.random.Generator) -> Image.Image:
    """Draw plasma with red cells, each a little paler in its middle."""
    field = Image.new("RGB", (WIDTH, HEIGHT), PLASMA)
    for x, y in chance.uniform((0, 0), (WIDTH, HEIGHT), (RED_CELLS, 2)):
        radius = RED_RADIUS * chance.uniform(0.9, 1.1)
        shift = chance.uniform(-COLOUR_SHIFT, COLOUR_SHIFT)
        disc = Image.new("RGB", (WIDTH, HEIGHT), "white")
        pen = ImageDraw.Draw(disc)
        for size, colour in ((radius, RED_CELL), (0.45 * radius, PALLOR)):
            pen.ellipse((x - size, y - size, x + size, y + size), fill=tint(colour, shift))
        field = ImageChops.darker(field, disc)
    return field.filter(ImageFilter.GaussianBlur(1.6))


def tint(colour: tuple[int, int, int], shift: float) -> tuple[int, int, int]:
    """Return a colour that is a little darker or brighter."""
    red, green, blue = (round(value + shift) for value in colour)
    return red, green, blue


def paste(
    field: Image.Image,
    cell: Image.Image,
    mask: Image.Image,
    place: int,
    chance: np.random.Generator,
) -> None:
    """Put a white cell, turned by chance, near its place of the grid."""
    quarter = int(chance.integers(4))
    step_x, step_y = WIDTH / COLUMNS, HEIGHT / ROWS
    x = (place % COLUMNS + 0.5) * step_x + chance.uniform(-35, 35) - SIDE / 2
    y = (place // COLUMNS + 0.5) * step_y + chance.uniform(-30, 30) - SIDE / 2
    field.paste(cell.rotate(90 * quarter), (round(x), round(y)), mask.rotate(90 * quarter))


def grained(field: Image.Image, chance: np.random.Generator) -> Image.Image:
    """Return the field with the noise of a camera."""
    noisy = np.asarray(field) + chance.normal(0, GRAIN, (HEIGHT, WIDTH, 3))
    return Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))


if __name__ == "__main__":
    main()
