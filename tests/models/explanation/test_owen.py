"""Owen values against shap's partition explainer, and against their definition."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest

from models.explanation.owen import Region, owen_values

Function = Callable[[np.ndarray], float]


def weighted(shape: tuple[int, int, int], seed: int = 0) -> np.ndarray:
    """Weights, one for each value of an image: no two regions weigh alike."""
    return np.random.default_rng(seed).normal(size=shape) / np.prod(shape) ** 0.5


def additive(shape: tuple[int, int, int]) -> Function:
    weights = weighted(shape)
    return lambda image: float((weights * image).sum())


def saturating(shape: tuple[int, int, int]) -> Function:
    weights = weighted(shape, 1)
    return lambda image: float(1 / (1 + np.exp(-(weights * (image / 60.0)).sum())))


def of_pairs(shape: tuple[int, int, int]) -> Function:
    """What is above works with what is below it upside down, and against its left and right."""
    weights = weighted(shape, 2)

    def function(image: np.ndarray) -> float:
        levels = image / 255.0
        turned = (weights * levels * levels[::-1]).sum()
        return float(turned + np.abs((weights * levels[:, ::-1]).sum()))

    return function


def of_few(shape: tuple[int, int, int]) -> Function:
    """Most regions add nothing."""
    rows = slice(0, max(1, shape[0] // 3))
    weights = weighted(shape, 3)[rows]
    return lambda image: float(np.tanh((weights * image[rows]).sum() / 30))


FUNCTIONS = {"additive": additive, "saturating": saturating, "pairs": of_pairs, "few": of_few}
SHAPES = [(8, 8, 3), (13, 7, 3), (6, 21, 3), (5, 4, 1), (32, 40, 3)]


def pictures(shape: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    """An image, and what it looks like when all is hidden."""
    image, hidden = np.random.default_rng(7).integers(0, 256, (2, *shape), dtype=np.uint8)
    return image, hidden


class Asked:
    """A function of many images that counts what it is asked."""

    def __init__(self, function: Function) -> None:
        self._function = function
        self.batches: list[int] = []

    def __call__(self, images: Any) -> np.ndarray:
        self.batches.append(len(images))
        return np.array([self._function(image) for image in images])


def by_shap(
    ask: Asked, image: np.ndarray, hidden: np.ndarray, evaluations: int
) -> tuple[np.ndarray, float]:
    import shap
    from shap.maskers import Image

    explainer = shap.PartitionExplainer(ask, Image(hidden))
    explained = explainer(image[None], max_evals=evaluations, batch_size=10, silent=True)
    return explained.values[0].sum(axis=-1), float(explained.base_values[0])


@pytest.mark.parametrize("evaluations", [2, 25, 301])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_values_are_those_of_shap(name, shape, evaluations):
    image, hidden = pictures(shape)
    mine, shaps = (Asked(FUNCTIONS[name](shape)) for _ in range(2))
    values, base = owen_values(mine, image, hidden, evaluations, 10)
    expected, expected_base = by_shap(shaps, image, hidden, evaluations)
    assert sum(mine.batches) == sum(shaps.batches)
    assert max(mine.batches) <= 10
    assert base == expected_base
    np.testing.assert_allclose(values, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("evaluations", [2, 25, 300])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_base_and_values_add_up_to_the_answer(name, evaluations):
    shape = (16, 12, 3)
    image, hidden = pictures(shape)
    function = FUNCTIONS[name](shape)
    values, base = owen_values(Asked(function), image, hidden, evaluations, 10)
    assert base == function(hidden)
    assert base + values.sum() == pytest.approx(function(image), abs=1e-12)


def test_of_an_additive_function_each_pixel_gets_what_it_adds():
    shape = (4, 3, 3)
    image, hidden = pictures(shape)
    ask = Asked(additive(shape))
    values, _ = owen_values(ask, image, hidden, 10**6, 10)
    added = weighted(shape) * (image.astype(float) - hidden)
    np.testing.assert_allclose(values, added.sum(axis=2), atol=1e-10)


@pytest.mark.parametrize("shape", [(2, 2, 2), (1, 3, 3), (3, 2, 1)], ids=str)
@pytest.mark.parametrize("name", ["saturating", "pairs"])
def test_where_all_is_halved_the_values_are_owens(name, shape):
    image, hidden = pictures(shape)
    function = FUNCTIONS[name](shape)
    values, _ = owen_values(Asked(function), image, hidden, 10**6, 10)
    np.testing.assert_allclose(values, owens(function, image, hidden), atol=1e-12)


def owens(function: Function, image: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    """The mean of what each value adds, over all orders that keep each region together."""
    height, width, channels = image.shape
    orders = orders_of(Region(0, height, 0, width, 0, channels))
    values = np.zeros(image.shape)
    for order in orders:
        shown, before = hidden.copy(), function(hidden)
        for place in order:
            shown[place] = image[place]
            now = function(shown)
            values[place] += (now - before) / len(orders)
            before = now
    return values.sum(axis=2)


def orders_of(region: Region) -> list[list[tuple[int, int, int]]]:
    halves = region.halves()
    if halves is None:
        return [[(region.top, region.left, region.first)]]
    pairs = list(product(*map(orders_of, halves)))
    return [one + other for one, other in pairs] + [other + one for one, other in pairs]


def test_the_same_question_has_the_same_answer():
    shape = (20, 20, 3)
    image, hidden = pictures(shape)
    first, second = (
        owen_values(Asked(additive(shape)), image, hidden, 100, 10)[0] for _ in range(2)
    )
    assert (first == second).all()


def test_a_single_value_gets_all():
    image, hidden = np.full((1, 1, 1), 200, np.uint8), np.full((1, 1, 1), 50, np.uint8)
    ask = Asked(lambda one: float(one.sum()))
    values, base = owen_values(ask, image, hidden, 300, 10)
    assert (base, values.tolist(), ask.batches) == (50, [[150]], [2])
