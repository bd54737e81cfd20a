from __future__ import annotations

import pytest

from models.detector.frames import MARGIN, frames, smallest_frame


def test_frames_of_the_served_size():
    assert frames(960) == ((320, 320), (576, 704), (768, 960), (960, 960))


@pytest.mark.parametrize("size", [32, 64, 96, 320, 640, 960, 1280])
def test_frames_end_with_the_square_and_keep_its_grid(size):
    given = frames(size)
    assert given[-1] == (size, size)
    assert len(set(given)) == len(given)
    for frame in given:
        assert all(side > 0 and (size - side) % 64 == 0 for side in frame)


@pytest.mark.parametrize("height", range(1, 961, 29))
def test_every_picture_has_a_frame_with_a_margin_or_as_large_as_can_be(height):
    for width in range(1, 961, 37):
        frame = smallest_frame(frames(960), height, width)
        for side, length in zip(frame, (height, width), strict=True):
            assert side >= length
            assert side == 960 or side - length >= 2 * MARGIN
