"""Validation on real held-out cells, without composites."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan
from typing import Any

import numpy as np
import torch
from sklearn.metrics import f1_score

from training.cells.data import ATTRIBUTES, UNKNOWN
from training.cells.network import CellNetwork
from training.cells.pack import Pack
from training.metrics import scores

_BATCH = 64
# Annotated in scikit-learn as if words were all that it takes.
_UNDEFINED: Any = 0.0


@dataclass(frozen=True)
class Readings:
    """What a network says of cells, and of kinds and attributes only the likeliest.

    Attributes:
        rows: Rows of the pack, (n,).
        blast: P(blast), (n,) in 0..1.
        kind: Numbers in `KINDS`, (n,).
        attributes: Numbers of values in `ATTRIBUTES`, (n, attributes).
    """

    rows: np.ndarray
    blast: np.ndarray
    kind: np.ndarray
    attributes: np.ndarray


@torch.inference_mode()
def predict(network: CellNetwork, pack: Pack, rows: np.ndarray) -> Readings:
    """Predict the pictures of these rows, each once."""
    network.eval()
    blast, kind, attributes = [], [], []
    for start in range(0, len(rows), _BATCH):
        outputs = network(as_tensor(pack.rgb(rows[start : start + _BATCH])))
        blast.append(outputs.blast.float().sigmoid().numpy())
        kind.append(outputs.kind.argmax(dim=1).numpy())
        parts = outputs.attributes.split([len(v) for v in ATTRIBUTES.values()], dim=1)
        attributes.append(np.stack([part.argmax(dim=1).numpy() for part in parts], axis=1))
    return Readings(rows, *(np.concatenate(each) for each in (blast, kind, attributes)))


def as_tensor(pictures: np.ndarray) -> torch.Tensor:
    """Return uint8 RGB (n, h, w, 3) as the network's input."""
    tensor = torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2).float()
    return tensor.contiguous(memory_format=torch.channels_last)


def held_out_rows(pack: Pack, fold: int, most: int) -> dict[str, np.ndarray]:
    """Return rows by set: the fold's cells, and all of SN-AM.

    Args:
        pack: All cells.
        fold: That is held out.
        most: Cells of LMU, of PBC and of TXL-PBC each, at most.
    """
    rng = np.random.default_rng(fold)
    rows = {
        source: rng.permutation(np.flatnonzero((pack.source == source) & (pack.fold == fold)))
        for source in ("cnmc", "lmu", "pbc", "txl")
    }
    rows = {source: np.sort(of if source == "cnmc" else of[:most]) for source, of in rows.items()}
    return {**rows, "snam": np.flatnonzero(pack.source == "snam")}


def measure(pack: Pack, readings: dict[str, Readings]) -> dict[str, float]:
    """Return the metrics of one validation, shares and areas in 0..1.

    `cnmc_auroc` means something only beside `cnmc_area_auroc`, the cell's area alone, which is 0.65
    to 0.94 by fold. `lmu_pbc_auroc` and `snam_pbc_auroc` set the blasts of one laboratory against
    the normal cells of another: a network that knows the laboratories reaches 1, so nothing may be
    chosen by them, nor by `snam_called_blast_of_61` without the false blasts of that laboratory.
    """
    cnmc, lmu, pbc, snam, txl = (
        readings[source] for source in ("cnmc", "lmu", "pbc", "snam", "txl")
    )
    real = pack.blast[cnmc.rows]
    snam_blasts = snam.blast[pack.blast[snam.rows] == 1]
    metrics = {
        "cnmc_auroc": scores.auroc(cnmc.blast, real == 1),
        "cnmc_area_auroc": scores.auroc(pack.area[cnmc.rows], real == 1),
        "cnmc_subject_auroc": _by_subject(pack, cnmc),
        "lmu_pbc_auroc": _auroc(lmu.blast, pbc.blast),
        "snam_pbc_auroc": _auroc(snam_blasts, pbc.blast),
        "lmu_called_blast": np.mean(lmu.blast > 0.5),
        "pbc_called_blast": np.mean(pbc.blast > 0.5),
        "txl_called_blast": np.mean(txl.blast > 0.5),
        "snam_called_blast_of_61": np.sum(snam_blasts > 0.5),
        "kind_f1": _kind_f1(pack, pbc),
        "attributes": _attributes(pack, pbc),
    }
    return {name: round(float(value), 4) for name, value in metrics.items()}


def _auroc(blasts: np.ndarray, others: np.ndarray) -> float:
    labels = np.r_[np.ones(len(blasts), bool), np.zeros(len(others), bool)]
    return scores.auroc(np.r_[blasts, others], labels)


def _by_subject(pack: Pack, readings: Readings) -> float:
    rows = readings.rows
    return scores.subject_auroc(readings.blast, pack.blast[rows] == 1, pack.subject[rows])


def _kind_f1(pack: Pack, readings: Readings) -> float:
    real = pack.kind[readings.rows]
    known = real != UNKNOWN
    return kind_f1(real[known], readings.kind[known])


def kind_f1(real: np.ndarray, named: np.ndarray) -> float:
    """Return the macro-F1 over the kinds that there are.

    Args:
        real: Numbers in `KINDS`, (n,).
        named: As predicted, (n,).
    """
    return float(
        f1_score(real, named, labels=np.unique(real), average="macro", zero_division=_UNDEFINED)
    )


def _attributes(pack: Pack, readings: Readings) -> float:
    """Return the mean over attributes of the share of cells named rightly."""
    real = pack.attributes[readings.rows]
    known = real[:, 0] != UNKNOWN
    if not known.any():
        return nan
    return float((real[known] == readings.attributes[known]).mean())
