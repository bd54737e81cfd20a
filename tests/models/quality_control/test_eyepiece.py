import cv2
import numpy as np
import pytest

from imaging.images import RgbImage
from models.quality_control import eyepiece
from models.quality_control.eyepiece import Circle, FieldView, find_circle
from tests.models.quality_control import by_opencv
from tests.stand_ins import drawn_cell, drawn_field


def through_eyepiece(
    rgb: RgbImage, x: float, y: float, radius: float, surround: int = 8
) -> RgbImage:
    rows, columns = np.ogrid[: rgb.shape[0], : rgb.shape[1]]
    inside = (columns - x) ** 2 + (rows - y) ** 2 <= radius**2
    return np.where(inside[..., None], rgb, np.uint8(surround))


@pytest.mark.parametrize(
    ("size", "circle"),
    [((480, 360), (240, 180, 170)), ((1600, 1200), (800, 600, 560)), ((600, 600), (250, 330, 220)),
     ((480, 360), (240, 180, 220))],
)  # fmt: skip
@pytest.mark.parametrize("surround", [0, 30])
def test_the_circle_is_found_where_it_lies(size, circle, surround):
    found = find_circle(through_eyepiece(drawn_field(*size), *circle, surround))
    tolerance = 0.02 * max(size)
    assert (found.x, found.y, found.radius) == pytest.approx(circle, abs=tolerance)


@pytest.mark.parametrize(
    "rgb",
    [
        drawn_field(),
        drawn_field() // 8,
        np.zeros((300, 400, 3), np.uint8),
        np.pad(drawn_field(300, 300), ((100, 100), (100, 100), (0, 0))),
        np.pad(drawn_field(400, 120), ((100, 100), (0, 0), (0, 0))),
        through_eyepiece(drawn_field(), 240, 180, 60),
        cv2.ellipse(
            np.zeros((400, 600, 3), np.uint8), (300, 200), (250, 150), 0, 0, 360, (230,) * 3, -1
        ),
    ],
    ids=["field", "dark", "black", "square", "letterbox", "small", "ellipse"],
)
def test_what_is_no_eyepiece_is_read_whole(rgb: RgbImage):
    assert find_circle(rgb) is None
    view = FieldView.of(rgb)
    assert (view.rgb is rgb, view.cropped, view.present) == (True, None, None)


def test_a_view_is_the_circles_square_with_the_dark_filled():
    rgb = through_eyepiece(drawn_field(640, 480), 320, 240, 200)
    view = FieldView.of(rgb)
    left, top, right, bottom = view.cropped
    assert (left, top, right, bottom) == pytest.approx((120, 40, 520, 440), abs=6)
    assert view.rgb.shape == (bottom - top, right - left, 3)
    assert view.rgb[2, 2].min() > 200
    middle = view.rgb[195:205, 195:205]
    assert (middle == rgb[view.top :, view.left :][195:205, 195:205]).all()
    assert view.present.mean() == pytest.approx(np.pi / 4, abs=0.02)


def test_a_round_cell_on_black_is_left_to_the_cut_out_check():
    cell = np.pad(drawn_cell(200)[50:150, 50:150], ((100, 100), (100, 100), (0, 0)))
    assert find_circle(cell) is None


def round_cell(plain: int, chromatin: float) -> RgbImage:
    """A round cell, cut out tightly: cytoplasm of this plain colour, chromatin to this radius."""
    y, x = np.mgrid[-100:100, -100:100] / 100
    away = np.hypot(x, y)[..., None]
    cytoplasm = np.uint8([plain, plain - 6, plain + 8])
    cell = np.where(away < chromatin, np.uint8([60, 30, 80]), cytoplasm)
    return np.pad(np.where(away < 0.98, cell, 0).astype(np.uint8), ((6, 6), (6, 6), (0, 0)))


def test_round_cells_cut_out_tightly_are_no_eyepieces():
    violet = round_cell(90, 0.5)
    violet[..., 1] //= 2
    for cell in (violet, round_cell(190, 0.95), round_cell(190, 0.7)):
        assert find_circle(cell) is None
    assert find_circle(round_cell(230, 0.3)) is not None


def test_a_circle_tells_what_lies_in_it_and_what_ends_at_its_edge():
    circle = Circle(50, 40, 30)
    assert circle.holds((60, 30, 80, 50))
    assert not circle.holds((76, 30, 96, 50))
    assert not circle.ends_at((60, 35, 70, 45))
    assert circle.ends_at((60, 35, 70, 45), margin=12)
    assert circle.ends_at((70, 35, 80.5, 45))
    assert circle.within(20, 10, 2) == Circle(60, 60, 60)


def regions(seed: int) -> np.ndarray:
    """Noise at one of several scales: lines one pixel wide, holes with islands, specks."""
    random = np.random.default_rng(seed)
    noise = random.random(random.integers(3, 70, 2))
    if seed % 4:
        noise = cv2.GaussianBlur(noise, (0, 0), float(random.uniform(0.4, 4)))
    return noise > np.quantile(noise, random.uniform(0.05, 0.95))


def in_order(points: np.ndarray) -> list[list[float]]:
    return sorted(points.tolist())


@pytest.mark.parametrize("seed", range(200))
def test_the_outline_is_that_of_opencv(seed: int):
    bright = regions(seed)
    height, width = bright.shape
    largest = [
        in_order(each[(each > 1).all(axis=1) & (each < (width - 2, height - 2)).all(axis=1)])
        for each in by_opencv.outlines(bright)
    ]
    # Of regions that are equally large either may be taken.
    assert in_order(eyepiece._outline(bright)) in largest


def test_what_is_dark_has_no_outline():
    assert eyepiece._outline(np.zeros((20, 30), bool)).shape == (0, 2)
