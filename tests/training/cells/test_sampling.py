from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from training.cells.augment import vary_context, vary_on_black
from training.cells.pack import DEFAULT_PACK, SIZE, Pack
from training.cells.sampling import Sampler
from training.data import DataError


def test_nothing_of_the_held_out_fold_is_drawn_to_train_on(pack):
    for held_out in range(5):
        sampler = Sampler(pack, held_out, seed=1)
        for step in range(4):
            folds = set(pack.fold[sampler.batch(step, 16).rows])
            assert not folds & {held_out, -1}


def test_no_background_is_of_the_held_out_fold(pack, monkeypatch):
    asked = []
    monkeypatch.setattr(Pack, "image", lambda self, row: asked.append(row) or original(self, row))
    sampler, rng = Sampler(pack, 2, seed=1), np.random.default_rng(0)
    for _ in range(150):
        sampler.context(rng)
    assert 2 not in set(pack.fold[asked])
    assert "snam" not in set(pack.source[asked])


original = Pack.image


def test_a_pack_without_a_set_is_an_error_that_names_it(pack):
    alone = replace(pack, source=np.where(pack.source == "lmu", "snam", pack.source))
    with pytest.raises(DataError, match="lmu"):
        Sampler(alone, 0, seed=1)


def test_some_of_a_batch_are_smudges(pack):
    sampler = Sampler(pack, 0, seed=1)
    smudged = np.concatenate([sampler.batch(step, 32).smudged for step in range(12)])
    assert smudged.mean() == pytest.approx(0.08, abs=0.04)


def test_a_batch_depends_on_seed_and_step_alone(pack):
    first = Sampler(pack, 0, seed=1)
    first.batch(0, 8)
    np.testing.assert_array_equal(
        first.batch(7, 8).pictures, Sampler(pack, 0, seed=1).batch(7, 8).pictures
    )
    assert (first.batch(7, 8).pictures != Sampler(pack, 0, seed=2).batch(7, 8).pictures).any()


def test_backgrounds_are_drawn_without_regard_to_the_class(pack):
    sampler, rng = Sampler(pack, 0, seed=1), np.random.default_rng(0)
    drawn = Counter()
    for _ in range(900):
        _, row, ground = sampler.context(rng)
        drawn[int(pack.blast[row]), ground] += 1
    for ground in ("lmu", "pbc", "background"):
        share = drawn[1, ground] / (drawn[0, ground] + drawn[1, ground])
        assert share == pytest.approx(0.5, abs=0.1)


def test_black_stays_black_and_what_is_shown_has_the_networks_size(pack):
    rng = np.random.default_rng(0)
    cell = pack.image(int(np.flatnonzero(pack.source == "cnmc")[0]))
    for _ in range(20):
        varied = vary_on_black(cell, rng)
        assert varied.shape == (SIZE, SIZE, 3)
        assert varied[:8, :8].max() <= 3
    context = pack.image(int(np.flatnonzero(pack.source == "pbc")[0]))
    assert vary_context(context, rng).shape == (SIZE, SIZE, 3)


def test_backgrounds_alone_do_not_tell_the_class(shared_data):
    if not DEFAULT_PACK.is_file():
        pytest.skip(f"the sets are not packed: {DEFAULT_PACK} is missing")
    pack = Pack.load(DEFAULT_PACK)
    sampler, rng = Sampler(pack, 0, seed=1), np.random.default_rng(5)
    seen, labels = [], []
    for _ in range(1600):
        picture, row, _ = sampler.context(rng)
        seen.append(surroundings(vary_context(picture, rng)))
        labels.append(int(pack.blast[row]))
    probe = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=500))
    said = cross_val_predict(probe, np.array(seen), labels, cv=5, method="predict_proba")[:, 1]
    # Two standard errors of an area of 0.5 with 800 of each class are 0.03.
    assert roc_auc_score(labels, said) < 0.56


def surroundings(picture):
    """Colour, contrast and sharpness of the four corners, where no cell reaches."""
    edge = SIZE // 6
    ends = slice(edge), slice(-edge, None)
    parts = [picture[y, x].astype(float) for y in ends for x in ends]
    pixels = np.concatenate([part.reshape(-1, 3) for part in parts])
    steps = [np.abs(np.diff(part, axis=axis)) for part in parts for axis in (0, 1)]
    grain = [step.mean((0, 1)) for step in steps]
    quantiles = np.percentile(pixels, (5, 25, 50, 75, 95), axis=0).ravel()
    return np.concatenate((quantiles, pixels.std(0), np.mean(grain, axis=0)))
