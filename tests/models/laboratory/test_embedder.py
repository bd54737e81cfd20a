import numpy as np
import pytest

from models.laboratory.embedder import EMBEDDER, Embedder
from models.manifest import WeightsError
from models.versions import active_folder
from settings import ROOT


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return Embedder.load(active_folder(ROOT / "weights", EMBEDDER), "f32")


def windows(count: int) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.integers(255, size=(60 + at, 60 + at, 3), dtype=np.uint8) for at in range(count)]


def test_each_cell_gets_its_features_whatever_the_batch(embedder: Embedder):
    cells = windows(11)
    together = embedder.embed(cells)
    assert (together.shape, together.dtype) == ((11, 1280), np.float16)
    alone = np.concatenate([embedder.embed([cell]) for cell in cells])
    np.testing.assert_allclose(together, alone, atol=0.02)


def test_different_cells_have_different_features(embedder: Embedder):
    grey, noise = np.full((80, 80, 3), 128, np.uint8), windows(1)[0]
    features = embedder.embed([grey, noise]).astype(float)
    assert np.abs(features[0] - features[1]).max() > 0.1


def test_weights_that_are_missing_are_told(tmp_path):
    with pytest.raises(WeightsError, match="missing"):
        Embedder.load(tmp_path)
