from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from services.analyses import pictures


def opened(content: bytes) -> np.ndarray:
    with Image.open(BytesIO(content)) as image:
        return np.asarray(image)


def striped(width: int, height: int) -> np.ndarray:
    """Left half red, right half blue."""
    rgb = np.zeros((height, width, 3), np.uint8)
    rgb[:, : width // 2, 0] = rgb[:, width // 2 :, 2] = 255
    return rgb


@pytest.mark.parametrize(
    ("width", "height", "shape"),
    [(512, 256, (128, 256, 3)), (100, 80, (80, 100, 3)), (3000, 20, (2, 256, 3))],
)
def test_thumbnails_are_bounded_and_never_enlarged(width, height, shape):
    assert opened(pictures.thumbnail(striped(width, height))).shape == shape


def test_only_what_is_too_large_gets_a_display_copy():
    fitting = striped(4096, 100)
    assert pictures.fit_for_display(fitting) is fitting
    shrunk = pictures.fit_for_display(striped(8192, 100))
    assert opened(pictures.display_copy(shrunk)).shape == (50, 4096, 3)


def test_copies_carry_no_metadata():
    with Image.open(BytesIO(pictures.thumbnail(striped(300, 300)))) as image:
        assert not image.getexif()
        assert not {"exif", "icc_profile", "comment"} & set(image.info)


def test_the_sheet_holds_each_cell_with_its_margin():
    boxes = [(10.0, 10.0, 30.0, 30.0)] * 12 + [(70.0, 10.0, 90.0, 30.0)]
    sheet = pictures.cell_sheet(striped(100, 40), boxes)

    assert sheet.shape == (2 * pictures.TILE_SIDE, 12 * pictures.TILE_SIDE, 3)
    first, last = sheet[:160, :160], sheet[160:, :160]
    assert tuple(first[80, 80]) == (255, 0, 0)
    assert tuple(last[80, 80]) == (0, 0, 255)


def test_outside_the_field_a_cut_out_is_neutral_grey():
    sheet = pictures.cell_sheet(striped(100, 40), [(0.0, 0.0, 20.0, 20.0)])

    assert set(sheet[2, 2]) == {196}
    assert tuple(sheet[80, 80]) == (255, 0, 0)
