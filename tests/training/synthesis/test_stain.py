import numpy as np
import pytest

from training.synthesis.stain import (
    crisper,
    nucleus_density,
    optical_density,
    random_stain,
    restain,
    transmitted,
    vary_field,
)

WHITE = np.full(3, 255.0)


def _cell(rng: np.random.Generator) -> np.ndarray:
    return rng.integers(40, 200, (30, 30, 3)).astype(np.uint8)


def test_density_and_light_undo_each_other():
    cell = _cell(np.random.default_rng(0))
    again = transmitted(optical_density(cell), np.full(3, 256.0)) - 1
    assert np.allclose(again, cell, atol=0.01)


def test_restained_cells_cannot_be_told_apart_by_density():
    rng = np.random.default_rng(0)
    inside = np.ones((30, 30), bool)
    pale, dark = optical_density(_cell(rng)), optical_density(_cell(rng) // 3)
    stain = random_stain(rng)
    for density in (pale, dark):
        assert nucleus_density(restain(density, inside, stain), inside) == pytest.approx(
            stain, rel=0.01
        )


def test_stains_are_blue_to_purple():
    rng = np.random.default_rng(0)
    stains = np.array([random_stain(rng) for _ in range(100)])
    assert (stains[:, 1] > stains[:, 0]).all(), "green is absorbed most"
    assert (stains[:, 1] > stains[:, 2]).all()


def test_crisper_raises_contrast_and_never_goes_below_clear():
    density = optical_density(_cell(np.random.default_rng(0)))
    sharp = crisper(density, 2, 2)
    assert sharp.std() > density.std()
    assert sharp.min() >= 0


def test_a_field_varies_with_the_seed_and_only_with_it():
    field = _cell(np.random.default_rng(0))
    one, again, other = (vary_field(field, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert one.dtype == np.uint8
    assert one.shape == field.shape
    assert (one == again).all()
    assert (one != other).any()
