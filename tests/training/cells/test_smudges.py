import numpy as np
import pytest

from training.cells.augment import density_of, plasma_of
from training.cells.smudges import emptied, smudge


@pytest.fixture(scope="module")
def row(pack):
    return int(np.flatnonzero(pack.source == "lmu")[0])


def drawn(pack, row, seed, on_black=False):
    background = emptied(pack.image(row), pack.mask(row))
    rng = np.random.default_rng(seed)
    picture = smudge(pack.image(row), pack.mask(row), background, rng, on_black=on_black)
    return picture, background


def test_a_smudge_is_darker_than_its_background_and_paler_than_its_cell(pack, row):
    plasma = density_of(plasma_of(pack.image(row), pack.mask(row))).sum()
    whole = np.quantile(density_of(pack.image(row)).sum(axis=2) - plasma, 0.98)
    for seed in range(8):
        picture, background = drawn(pack, row, seed)
        added = (density_of(picture) - density_of(background)).sum(axis=2)
        assert 0.03 * whole < np.quantile(added, 0.95)
        assert np.quantile(added, 0.98) < whole


def test_each_smudge_has_a_form_of_its_own_by_its_seed(pack, row):
    first, again, other = (drawn(pack, row, seed)[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_a_cell_on_black_gives_a_smudge_too(pack):
    black = int(np.flatnonzero(pack.source == "cnmc")[0])
    under = int(np.flatnonzero(pack.source == "lmu")[0])
    background = emptied(pack.image(under), pack.mask(under))
    picture = smudge(
        pack.image(black), pack.mask(black), background, np.random.default_rng(0), on_black=True
    )
    assert picture.shape == background.shape
    assert (density_of(picture) - density_of(background)).max() > 0.2
