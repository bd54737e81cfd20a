import numpy as np
import pytest

from training.synthesis.placement import nearest, place


@pytest.mark.parametrize(("clustered", "low", "high"), [(True, 0.83, 1.07), (False, 1.25, 99)])
def test_places_touch_or_stand_apart(clustered, low, high):
    rng = np.random.default_rng(0)
    for _ in range(30):
        x, y = place(20, [(256, 256, 20)], 512, clustered, rng)
        assert low <= np.hypot(x - 256, y - 256) / 40 <= high


def test_the_first_of_a_cluster_stands_anywhere():
    assert place(20, [], 512, True, np.random.default_rng(0)) is not None


def test_a_full_image_has_no_place():
    assert place(20, [(256, 256, 600)], 512, False, np.random.default_rng(0)) is None


def test_the_nearest_disc_counts():
    others = np.array([(0, 0, 10), (100, 0, 10)])
    assert nearest((0, 40, 10), others) == pytest.approx(2)
    assert nearest((0, 40, 10), others[:0]) == float("inf")
