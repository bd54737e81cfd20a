from __future__ import annotations

import csv

import numpy as np
import pytest
from PIL import Image, ImageFilter

from imaging.images import RgbImage
from models.detector.detector import Detector
from models.findings import Detection, FieldFindings
from models.quality_control.checks import examine, sharpness
from models.versions import active_folder
from settings import ROOT
from tests.models.quality_control.test_eyepiece import through_eyepiece
from tests.stand_ins import CHROMATIN, PLASMA, RED_CELL, drawn_cell

LONE = (0.16, 0.16, 0.84, 0.84)
"""The box of the drawn cell, in sides of its image."""


SMALL = (0.33, 0.33, 0.67, 0.67)
"""The box of the small cell."""


class Finds:
    """A detector that finds cells at boxes given in fractions of the image's sides.

    `white` is their P(white cell), None for red cells; those below 0.7 are doubtful.
    """

    def __init__(self, *boxes: tuple[float, ...], white: float | None = 0.9) -> None:
        self._boxes, self._white = boxes, white

    def find(self, rgb: RgbImage) -> FieldFindings:
        height, width = rgb.shape[:2]
        label, blast = ("rbc", None) if self._white is None else ("wbc", 0.0)
        cells = tuple(
            Detection(
                (x1 * width, y1 * height, x2 * width, y2 * height), label, 0.9, blast, self._white
            )
            for x1, y1, x2, y2 in self._boxes
        )
        if (self._white or 1) < 0.7:
            return FieldFindings(width, height, (), "test-1", candidates=cells)
        return FieldFindings(width, height, cells, "test-1")


def cut_out(side: int = 200, chromatin: tuple[int, int, int] = CHROMATIN) -> RgbImage:
    """The drawn cell on black, with a margin and without its red cells."""
    cell = drawn_cell(side, chromatin)
    around = (cell == PLASMA).all(axis=2) | (cell == RED_CELL).all(axis=2)
    y, x = np.mgrid[:side, :side] / side - 0.5
    outside = around | (np.hypot(x, y) > 0.35)
    return np.where(outside[..., None], 0, cell).astype(np.uint8)


def blurred(rgb: RgbImage, radius: float) -> RgbImage:
    return np.asarray(Image.fromarray(rgb).filter(ImageFilter.GaussianBlur(radius)))


def flat_cell() -> RgbImage:
    """The drawn cell with a nucleus of one colour."""
    cell = drawn_cell().copy()
    y, x = np.mgrid[:120, :120] / 120 - 0.5
    cell[np.hypot(x, y) < 0.26] = CHROMATIN
    return cell


def on_brown() -> RgbImage:
    """The drawn cell in a tissue that absorbs blue light, on a bright slide."""
    cell = drawn_cell().copy()
    around = (cell == PLASMA).all(axis=2)
    around[:20] = around[-20:] = around[:, :20] = around[:, -20:] = False
    cell[around] = (180, 110, 15)
    return cell


def small_nucleus_on_black() -> RgbImage:
    """A pale disc cut out, with a small nucleus in it."""
    y, x = np.mgrid[:200, :200] / 200 - 0.5
    cell = np.where(np.hypot(x, y)[..., None] < 0.35, np.uint8([205, 190, 215]), np.uint8(0))
    small = drawn_cell(70)[10:60, 10:60]
    nucleus = (small != PLASMA).any(axis=2) & (small != RED_CELL).any(axis=2)
    cell[75:125, 75:125][nucleus] = small[nucleus]
    return cell


def upper_half() -> RgbImage:
    """1 in the green channel of the upper half of 128 x 128 pixels, 0 elsewhere."""
    mask = np.zeros((128, 128, 3), np.uint8)
    mask[:64, :, 1] = 1
    return mask


def small_cell(side: int = 300) -> RgbImage:
    """The drawn cell, half as large, in the middle of an empty slide."""
    cell = drawn_cell(side // 2)
    return np.pad(cell, ((side // 4,) * 2, (side // 4,) * 2, (0, 0)), "edge")


def two_cells() -> RgbImage:
    return np.concatenate([drawn_cell(), drawn_cell()], axis=1)


def test_a_cell_that_is_not_counted_in_fields_may_be_read():
    assert examine(drawn_cell(), Finds(LONE, white=0.6)).code is None


@pytest.mark.parametrize("side", [40, 120, 900])
def test_a_lone_cell_of_any_size_is_let_through_with_the_square_to_read(side):
    seen = examine(drawn_cell(side), Finds(LONE))
    assert (seen.code, seen.can_override) == (None, False)
    assert (seen.view, seen.cells) == ("crop", 1)
    assert seen.window.x == seen.window.y == pytest.approx(side / 2)
    assert seen.window.side == pytest.approx(1.5 * 0.68 * side)


def test_a_cell_cut_out_on_black_needs_no_detector():
    seen = examine(cut_out(), Finds())
    assert (seen.code, seen.view, seen.cells) == (None, "black", 1)
    assert seen.window.x == pytest.approx(100, abs=1)
    assert seen.window.side == pytest.approx(0.73 * 200, rel=0.03)


def test_a_small_cell_in_much_black_has_colour():
    rgb = np.pad(cut_out(), ((400, 400), (400, 400), (0, 0)))
    assert examine(rgb, Finds()).code is None


@pytest.mark.parametrize(
    ("rgb", "code"),
    [
        (np.full((20, 90, 3), 99, np.uint8), "too_small"),
        (np.full((90, 90, 3), 200, np.uint8), "blank"),
        (np.arange(90 * 90 * 3, dtype=np.uint8).reshape(90, 90, 3) % 2 * 12, "blank"),
        (
            np.asarray(Image.fromarray(drawn_cell()).convert("L").convert("RGB")),
            "no_colour",
        ),
        (drawn_cell(chromatin=RED_CELL), "no_cell"),
        (cut_out(chromatin=RED_CELL), "no_cell"),
        (flat_cell(), "no_cell"),
        (drawn_cell()[..., [1, 0, 2]], "no_cell"),
        (on_brown(), "no_cell"),
        (small_nucleus_on_black(), "no_cell"),
    ],
)
def test_what_shows_no_cell_is_refused_whoever_insists(rgb, code):
    seen = examine(rgb, Finds(LONE))
    assert (seen.code, seen.can_override, seen.window) == (code, False, None)


@pytest.mark.parametrize("detector", [Finds(), Finds(LONE, white=None), Finds(LONE, white=0.4)])
def test_without_a_white_cell_found_there_is_none(detector):
    seen = examine(drawn_cell(), detector)
    assert (seen.code, seen.cells, seen.can_override) == ("no_cell", 0, False)


@pytest.mark.parametrize(
    ("rgb", "detector"),
    [
        (two_cells(), Finds((0.08, 0.16, 0.42, 0.84), (0.58, 0.16, 0.92, 0.84))),
        (np.concatenate([cut_out(), cut_out()], axis=1), Finds()),
    ],
)
def test_several_cells_are_for_detect(rgb, detector):
    seen = examine(rgb, detector)
    assert (seen.code, seen.cells, seen.can_override) == ("several_cells", 2, False)


def test_a_neighbour_cut_by_the_edge_does_not_count():
    rgb = two_cells()[:, :180]
    seen = examine(rgb, Finds((0.107, 0.16, 0.56, 0.84), (0.773, 0.16, 1, 0.84)))
    assert (seen.code, seen.cells) == (None, 1)
    assert seen.window.x == pytest.approx(60, abs=1)


@pytest.mark.parametrize(
    ("rgb", "detector", "code"),
    [
        (drawn_cell()[:, 60:], Finds((0, 0.16, 0.68, 0.84)), "cut_off"),
        (blurred(drawn_cell(), 10), Finds(LONE), "blurred"),
        (drawn_cell() // 7, Finds(LONE), "dark"),
    ],
)
def test_a_cell_that_is_hard_to_see_is_read_only_if_the_person_insists(rgb, detector, code):
    seen = examine(rgb, detector)
    assert (seen.code, seen.can_override) == (code, True)
    assert seen.window is not None


@pytest.mark.parametrize(
    ("rgb", "code"),
    [
        (drawn_cell() // 10, "dark"),
        (np.full((128, 128, 3), 255, np.uint8) - 25 * upper_half(), "over_exposed"),
    ],
)
def test_bad_light_is_named_where_it_hides_the_cell(rgb, code):
    seen = examine(rgb, Finds())
    assert (seen.code, seen.can_override, seen.cells) == (code, False, 0)


def in_eyepiece(rgb: RgbImage, surround: int, shift: int = 0) -> RgbImage:
    """A square image in a dark surround, its corners cut off by a circle; its content moved."""
    side = len(rgb)
    moved = np.pad(rgb, ((0, 0), (shift, 0), (0, 0)), "edge")[:, :side]
    wide = np.pad(moved, ((20, 20), (60, 60), (0, 0)), "edge")
    return through_eyepiece(wide, 60 + side / 2, 20 + side / 2, side / 2, surround)


@pytest.mark.parametrize("surround", [0, 30])
def test_through_an_eyepiece_only_the_circle_is_read(surround):
    seen = examine(in_eyepiece(small_cell(), surround), Finds(SMALL))
    assert (seen.code, seen.view, seen.cells) == (None, "crop", 1)
    assert seen.cropped == pytest.approx((60, 20, 360, 320), abs=4)
    assert (seen.window.x, seen.window.y) == pytest.approx((210, 170), abs=3)
    assert seen.window.side == pytest.approx(1.5 * 0.34 * 300, abs=6)
    assert seen.quality().cropped == seen.quality(override=True).cropped == seen.cropped


def test_without_an_eyepiece_nothing_is_cropped():
    assert examine(drawn_cell(), Finds(LONE)).quality().cropped is None


def test_a_cell_that_the_eyepiece_cuts_is_cut_off():
    rgb = in_eyepiece(small_cell(), 0, shift=140)
    seen = examine(rgb, Finds((0.79, 0.33, 0.99, 0.67)))
    assert (seen.code, seen.can_override, seen.cells) == ("cut_off", True, 1)


def test_cells_beyond_the_eyepiece_and_neighbours_that_it_cuts_do_not_count():
    rgb = in_eyepiece(small_cell(), 0)
    rgb[:, 290:] = in_eyepiece(small_cell(), 0, shift=140)[:, 290:]
    seen = examine(rgb, Finds(SMALL, (0.79, 0.33, 0.99, 0.67), (0.9, 0.9, 1, 1)))
    assert (seen.code, seen.cells) == (None, 1)


def test_sharpness_falls_with_blur_and_does_not_change_with_contrast_or_size():
    box = (32, 32, 168, 168)
    sharp = sharpness(drawn_cell(200), box)
    values = [sharpness(blurred(drawn_cell(200), radius), box) for radius in (2, 5, 10)]
    assert sharp > values[0] > values[1] > values[2]
    assert sharpness(drawn_cell(200) // 2, box) == pytest.approx(sharp, rel=0.1)
    assert sharpness(drawn_cell(400), (64, 64, 336, 336)) == pytest.approx(sharp, rel=0.1)


@pytest.fixture(scope="module")
def detector() -> Detector:
    return Detector.load(active_folder(ROOT / "weights", "detector"))


@pytest.mark.parametrize("folder", ["cnmc", "pbc"])
def test_real_cells_are_let_through(shared_data, detector, folder):
    with (shared_data / folder / "manifest.csv").open() as stream:
        files = [row["file"] for row in csv.DictReader(stream)][::90]
    codes = [code_of(shared_data / folder / "images" / file, detector) for file in files]
    assert sum(code is not None for code in codes) <= len(files) // 20 + 1


def test_fields_without_white_cells_are_refused(shared_data, detector):
    files = sorted((shared_data / "chula_rbc12" / "images").glob("*.webp"))[::15]
    assert {code_of(file, detector) for file in files} == {"no_cell"}


def code_of(file, detector) -> str | None:
    with Image.open(file) as image:
        return examine(np.asarray(image.convert("RGB")), detector).code
