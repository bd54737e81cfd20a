import numpy as np
import pytest

from training.synthesis.debris import scatter_platelets, scatter_precipitate

STAIN = np.array((0.3, 1.5, 0.9))


@pytest.mark.parametrize("seed", range(8))
def test_platelets_are_small_dark_and_boxed(seed):
    density = np.zeros((300, 300, 3), np.float32)
    boxes = scatter_platelets(density, 40, STAIN, np.random.default_rng(seed))
    assert 1 <= len(boxes) < 10
    outside = density[..., 1].copy()
    for box in boxes:
        assert 3 < max(box.x2 - box.x1, box.y2 - box.y1) < 28
        x1, y1, x2, y2 = (round(v) for v in (box.x1, box.y1, box.x2, box.y2))
        outside[max(y1 - 4, 0) : max(y2 + 4, 0), max(x1 - 4, 0) : max(x2 + 4, 0)] = 0
    assert {box.label for box in boxes} == {"platelet"}
    assert outside.max() < 0.05


def test_precipitate_is_sparse_and_darkens():
    shares = []
    for seed in range(20):
        density = np.zeros((300, 300, 3), np.float32)
        scatter_precipitate(density, 40, STAIN, np.random.default_rng(seed))
        assert density.min() >= 0
        shares.append((density[..., 1] > 0.3).mean())
    assert 0 < np.mean(shares) < 0.02
    assert max(shares) < 0.1
