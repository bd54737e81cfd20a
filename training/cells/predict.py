"""Predict every cell with the network of the fold that held it out, and keep the predictions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import torch

from training.cells.folds import FOLDS
from training.cells.network import CellNetwork, load_network
from training.cells.pack import DEFAULT_PACK, Pack
from training.cells.served import fit_whitening
from training.cells.validate import as_tensor
from training.columns import Columns
from training.commands import option
from training.data import PROJECT, DataError

DEFAULT_FOLDS = PROJECT / "runs" / "cells" / "folds"
PREDICTIONS = "predictions.npz"
_BATCH = 64
WHITENING_CELLS = 2000
"""Training cells to which the whitening of features is fitted."""


@dataclass(frozen=True)
class Predictions(Columns):
    """Cells and what a network that never saw them says of them, arrays (n, ...).

    SN-AM's cells, which no network saw, come once a fold.

    Attributes:
        rows: Rows of the pack.
        folds: Fold of the network.
        blast: Logit of a blast, before calibration.
        kind: Logits of `KINDS`, (n, kinds).
        attributes: Logits of the values of all `ATTRIBUTES`, (n, values).
        ood_scores: Out-of-distribution score; 1 is usual.
    """

    rows: np.ndarray
    folds: np.ndarray
    blast: np.ndarray
    kind: np.ndarray
    attributes: np.ndarray
    ood_scores: np.ndarray

    def save(self, path: Path) -> None:
        """Write the file, whole or not at all."""
        unfinished = path.with_name(f"{path.stem}.unfinished.npz")
        np.savez_compressed(unfinished, **vars(self))
        unfinished.replace(path)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote; raises DataError where there is no file."""
        if not path.is_file():
            raise DataError(f"There is no file {path}. Make it: python -m training.cells predict")
        with np.load(path, allow_pickle=False) as file:
            return cls(**file)


@dataclass(frozen=True)
class Options:
    """Options of `python -m training.cells predict`."""

    pack: Path = option(DEFAULT_PACK, "file of the packed pictures")
    folder: Path = option(DEFAULT_FOLDS, "folder of the trained folds")
    folds: tuple[int, ...] = option(tuple(range(FOLDS)), "(all)")
    threads: int = option(2, "processor threads")


def run(options: Options) -> None:
    """Write `predictions.npz` beside the folds."""
    torch.set_num_threads(options.threads)
    pack = Pack.load(options.pack)
    parts = [_predict_fold(pack, options.folder, fold) for fold in options.folds]
    Predictions.concatenate(parts).save(options.folder / PREDICTIONS)


def load_trained(folder: Path) -> CellNetwork:
    """Load a trained network to predict with; raises DataError where there is none."""
    return load_network(folder / "network.pt").eval().to(memory_format=torch.channels_last)


@torch.inference_mode()
def features_of(network: CellNetwork, pack: Pack, rows: np.ndarray) -> np.ndarray:
    """Return the pooled features of the pictures of these rows, float32 (n, features)."""
    parts = (rows[start : start + _BATCH] for start in range(0, len(rows), _BATCH))
    return np.concatenate([network.features(as_tensor(pack.rgb(part))).numpy() for part in parts])


def training_rows(pack: Pack, held_out: int | None, most: int) -> np.ndarray:
    """Draw rows of the cells that a network was trained on, always the same ones.

    Args:
        pack: All cells.
        held_out: The network's fold; None where it was trained on all.
        most: Their number.
    """
    cells = np.flatnonzero(pack.training(held_out))
    return np.random.default_rng(0).permutation(cells)[:most]


def _predict_fold(pack: Pack, folder: Path, fold: int) -> Predictions:
    network = load_trained(folder / f"fold{fold}")
    rows = np.flatnonzero((pack.fold == fold) | (pack.source == "snam"))
    training = training_rows(pack, fold, WHITENING_CELLS)
    whitening = fit_whitening(features_of(network, pack, training))
    features = features_of(network, pack, rows)
    with torch.inference_mode():
        pooled = torch.from_numpy(features)
        blast = network.blast(pooled)[:, 0].numpy()
        kind, attributes = network.kind(pooled).numpy(), network.attributes(pooled).numpy()
    folds = np.full(len(rows), fold)
    return Predictions(rows, folds, blast, kind, attributes, whitening.scores(features))
