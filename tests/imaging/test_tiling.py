from __future__ import annotations

import numpy as np
import pytest

from imaging.tiling import MAX_TILE_SIDE, OVERLAP, Tile, tiles


def test_fields_in_reach_are_one_frame():
    assert list(tiles(MAX_TILE_SIDE, 1944)) == [
        Tile(0, 0, MAX_TILE_SIDE, 1944, (0, 0, MAX_TILE_SIDE, 1944))
    ]


@pytest.mark.parametrize(
    ("width", "height", "max_tile_side"),
    [
        (MAX_TILE_SIDE + 1, 300, MAX_TILE_SIDE),
        (6000, 4000, MAX_TILE_SIDE),
        (11000, 9100, MAX_TILE_SIDE),
        (2592, 1944, 400),
    ],
)
def test_cores_cover_a_field_once_and_tiles_overlap(width, height, max_tile_side):
    covered = np.zeros((height // 10 + 1, width // 10 + 1), np.uint8)
    overlap = max_tile_side * OVERLAP // MAX_TILE_SIDE
    for tile in tiles(width, height, max_tile_side):
        assert 0 <= tile.left < tile.right <= width
        assert 0 <= tile.top < tile.bottom <= height
        assert tile.right - tile.left <= max_tile_side
        x1, y1, x2, y2 = tile.core
        covered[-(-y1 // 10) : -(-y2 // 10), -(-x1 // 10) : -(-x2 // 10)] += 1
        assert x1 == 0 or x1 - tile.left >= overlap // 2
        assert x2 == width or tile.right - x2 >= overlap // 2
    assert (covered[: height // 10, : width // 10] == 1).all()


def test_a_tile_answers_for_its_core_and_a_little_more():
    tile = Tile(0, 0, MAX_TILE_SIDE, MAX_TILE_SIDE, (0, 0, 2000, 2000))
    middles = np.array([[1990, 1000], [2015, 1000], [2040, 1000], [1000, 2100]], np.float32)
    boxes = np.concatenate([middles - 30, middles + 30], axis=1)
    assert tile.answers_for(boxes).tolist() == [True, True, False, False]
