"""What a laboratory's head gains with the number of its cells."""

from __future__ import annotations

import numpy as np
import pytest

from models.laboratory.head import Samples
from training.cells import curve
from training.cells.curve import Laboratory, Options, measure, read_laboratory
from training.cells.pack import Pack
from training.cells.predict import PREDICTIONS, Predictions
from training.commands import parse
from training.data import DataError

CELLS, PEOPLE, FOLDS = 400, 20, 4


def laboratory(features: np.ndarray, positive: np.ndarray) -> Laboratory:
    """Cells whose base opinion says nothing, of people dealt to folds."""
    people = np.arange(CELLS) % PEOPLE
    base = np.full(CELLS, 0.5)
    samples = Samples(base, features, positive, people)
    return Laboratory(samples, people % FOLDS, people.astype(str))


def options(*sizes: int) -> Options:
    return Options(sizes=sizes, repeats=2, samples=5)


def test_more_cells_teach_more():
    rng = np.random.default_rng(0)
    positive = rng.random(CELLS) < 0.5
    features = rng.normal(0, 1, (CELLS, 12))
    features[:, 0] += positive
    none, few, many = measure(laboratory(features, positive), options(30, 250))
    assert (none.cells, few.cells, many.cells) == (0, 30, 250)
    assert none.auroc.value == 0.5
    assert 0.5 < few.auroc.value < many.auroc.value
    assert many.auroc.low <= many.auroc.value <= many.auroc.high
    assert none.seconds == 0
    assert many.seconds > 0


def test_nothing_is_learnt_of_the_people_it_is_tried_on():
    rng = np.random.default_rng(1)
    labels = rng.permutation(np.repeat([False, True], PEOPLE // 2))
    people = np.arange(CELLS) % PEOPLE
    # A person's features say who it is, and nothing of the cell.
    features = np.eye(PEOPLE)[people] + rng.normal(0, 0.01, (CELLS, PEOPLE))
    _, learnt = measure(laboratory(features, labels[people]), options(200))
    assert learnt.auroc.value < 0.7


def test_cells_of_one_fold_draw_no_curve(pack, trained):
    with pytest.raises(DataError, match="two folds"):
        read_laboratory(pack, Predictions.load(trained / PREDICTIONS), embedder=None)


def test_the_curve_is_printed_and_recorded(pack, tmp_path, capsys):
    rows = np.flatnonzero(pack.source == "cnmc")
    _of_two_folds(pack, rows).save(tmp_path / PREDICTIONS)
    pack.save(tmp_path / "pack.npz")
    document = tmp_path / "validation.md"
    places = ["--pack", str(tmp_path / "pack.npz"), "--folder", str(tmp_path)]
    places += ["--document", str(document), "--record"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(curve, "fit", lambda samples: _NoFit(samples))
        curve.run(parse(Options, [*places, "--sizes", "4", "--samples", "2", "--repeats", "1"]))
    printed = capsys.readouterr().out
    assert "| cells labelled | AUROC |" in printed
    assert "| none: the network alone |" in printed
    assert printed.strip() in document.read_text()


class _NoFit:
    """A fit of too few cells to fit: the base's opinion."""

    def __init__(self, samples: Samples) -> None:
        self.head = self

    def probabilities(self, base, features):
        return base


def _of_two_folds(pack: Pack, rows: np.ndarray) -> Predictions:
    folds = np.arange(len(rows)) % 2
    rng = np.random.default_rng(0)
    return Predictions(
        rows=rows,
        folds=folds,
        blast=rng.normal(size=len(rows)),
        kind=np.zeros((len(rows), 1)),
        attributes=np.zeros((len(rows), 1)),
        ood_scores=np.ones(len(rows)),
    )
