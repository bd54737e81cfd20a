import pytest
from scipy.stats import binomtest

from core.statistics import wilson_interval


@pytest.mark.parametrize(("successes", "total"), [(0, 1), (1, 1), (3, 20), (0, 200), (199, 200)])
def test_the_interval_is_wilsons(successes, total):
    expected = binomtest(successes, total).proportion_ci(0.95, "wilson")
    assert wilson_interval(successes, total) == pytest.approx(
        (expected.low, expected.high), abs=1e-7
    )


def test_of_nothing_there_is_no_wilson_interval():
    assert wilson_interval(0, 0) is None
