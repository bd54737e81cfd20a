"""The tiles of a slide: together they are all of it, and there are no others."""

import pytest

from imaging.slides.deep_zoom import FIRST_LEVEL, TILE_SIDE, DeepZoom

SLIDE = DeepZoom(40_000, 1_300)


def test_levels_end_at_full_size():
    assert SLIDE.last_level == 16
    assert DeepZoom(20, 10).last_level == FIRST_LEVEL


def test_tiles_of_a_level_cover_the_slide_once():
    scale = 1 << (SLIDE.last_level - 13)
    columns, rows = -(-5_000 // TILE_SIDE), 1
    tiles = [SLIDE.tile(13, column, row) for row in range(rows) for column in range(columns)]
    assert sum((x2 - x1) * (y2 - y1) for x1, y1, x2, y2 in (tile.box for tile in tiles)) == (
        40_000 * 1_300
    )
    assert all(tile.box[2] - tile.box[0] <= scale * tile.width for tile in tiles)
    assert (tiles[-1].width, tiles[-1].height) == (5_000 - 9 * TILE_SIDE, 163)


@pytest.mark.parametrize(
    ("level", "column", "row"),
    [(7, 0, 0), (17, 0, 0), (16, 79, 0), (16, 0, 3), (16, -1, 0), (16, 0, -1), (10**6, 0, 0)],
)
def test_there_are_no_others(level, column, row):
    with pytest.raises(LookupError):
        SLIDE.tile(level, column, row)
