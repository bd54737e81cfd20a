from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from imaging.images import RgbImage
from models.classifier.classifier import Classifier
from models.explanation import attribution
from tests.networks import write_classifier
from tests.stand_ins import drawn_cell

SIDE = 32


def darkness(windows: list[RgbImage]) -> np.ndarray:
    """A classifier that looks at the upper left quarter alone."""
    return np.array([1 - window[: SIDE // 2, : SIDE // 2].mean() / 255 for window in windows])


@pytest.fixture(scope="module")
def cell() -> RgbImage:
    return drawn_cell(SIDE)


@pytest.fixture(scope="module")
def explained(cell: RgbImage) -> tuple[attribution.ShapValues, list[tuple[int, int]]]:
    steps: list[tuple[int, int]] = []
    values = attribution.shap_values(
        darkness, cell, lambda done, total: steps.append((done, total)), 60
    )
    return values, steps


def test_shap_values_add_up_to_what_masking_takes_away(explained, cell: RgbImage):
    shap, _ = explained

    assert shap.values.shape == (SIDE, SIDE)
    assert shap.base == pytest.approx(darkness([attribution.blurred(cell)])[0])
    assert shap.probability == pytest.approx(darkness([cell])[0])
    assert shap.base + shap.values.sum() == pytest.approx(shap.probability, abs=1e-6)


def test_shap_values_lie_where_the_classifier_looks(explained):
    values = np.abs(explained[0].values)

    assert values[: SIDE // 2, : SIDE // 2].sum() > 0.99 * values.sum() > 0


def test_shap_tells_how_far_it_is(explained):
    _, steps = explained

    assert steps[0] == (0, 60)
    assert steps == sorted(steps)
    assert steps[-1][0] > 40


def test_shap_ends_when_nobody_waits(cell: RgbImage):
    asked = []

    def stop(done: int, _total: int) -> None:
        if done > 10:
            raise InterruptedError
        asked.append(done)

    with pytest.raises(InterruptedError):
        attribution.shap_values(darkness, cell, stop, 60)
    assert asked[-1] <= 10


def test_a_map_is_blue_transparent_and_vermilion():
    content = attribution.map_png(np.array([[-4.0, 0.0, 2.0, 9.0]]), limit=4)
    with Image.open(BytesIO(content)) as image:
        picture = np.asarray(image.convert("RGBA"))

    assert picture[0, 0].tolist() == [*attribution.FOR_NORMAL, 255]
    assert picture[0, 1, 3] == 0
    assert picture[0, 2].tolist() == [*attribution.FOR_BLAST, 126]
    assert picture[0, 3].tolist() == [*attribution.FOR_BLAST, 255]


def test_a_map_is_enlarged_smoothly_and_in_place():
    large = attribution.enlarged(np.array([[1.0, -1.0], [-1.0, -1.0]]), 100)

    assert large.shape == (100, 100)
    assert large[25, 25] == pytest.approx(1, abs=0.2)
    assert large[75, 75] == pytest.approx(-1, abs=0.2)
    assert np.abs(np.diff(large, axis=1)).max() < 0.1


def test_nothing_laid_over_a_cell_leaves_its_grey(cell: RgbImage):
    plain = attribution.overlay(cell, np.zeros((SIDE, SIDE)), 1)

    assert np.ptp(plain, axis=2).max() == 0


def test_what_is_blurred_has_no_details(cell: RgbImage):
    sharp, blurred = (
        np.abs(np.diff(each.astype(int), axis=0)).max()
        for each in (cell, attribution.blurred(cell))
    )

    assert blurred < sharp / 3


def test_a_large_window_is_shrunk_and_a_small_one_kept(cell: RgbImage):
    assert attribution.shown_window(cell, 20).shape == (20, 20, 3)
    assert attribution.shown_window(cell, 100) is cell


def test_another_head_draws_another_map(tmp_path):
    """Sanity check of Adebayo et al. 2018: a map that is alike for random weights shows nothing."""
    quarters = np.array(
        [[[250, 20, 20], [20, 250, 20]], [[20, 20, 250], [120, 120, 120]]], np.uint8
    )
    image = quarters.repeat(SIDE // 2, axis=0).repeat(SIDE // 2, axis=1)
    first, *others = np.random.default_rng(5).normal(size=(21, 3, 2))
    drawn = _map(tmp_path / "first", first, image)
    alike = [
        np.corrcoef(drawn, _map(tmp_path / str(number), head, image))[0, 1]
        for number, head in enumerate(others)
    ]

    assert np.ptp(drawn) > 0.1
    assert abs(np.mean(alike)) < 0.4


def _map(folder: Path, head: np.ndarray, image: RgbImage) -> np.ndarray:
    """The map of a network with this head, its places in one row."""
    network = write_classifier(folder, head=head.tolist())
    return Classifier.load(network, "f32").activation_map(image).ravel()
