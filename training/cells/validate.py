"""What a network says of real cells that it was never trained on; no composites."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from sklearn.metrics import f1_score, roc_auc_score

from training.cells.data import ATTRIBUTES, UNKNOWN
from training.cells.network import CellNetwork
from training.cells.pack import Pack
from training.cells.teach import middle

_BATCH = 64


@dataclass(frozen=True)
class Said:
    """Probability of blast (n,), number of kind (n,) and of attributes (n, 11) by row."""

    rows: np.ndarray
    blast: np.ndarray
    kind: np.ndarray
    attributes: np.ndarray


@torch.inference_mode()
def ask(network: CellNetwork, pack: Pack, rows: np.ndarray) -> Said:
    """Ask the network for these rows' pictures, each seen once."""
    network.eval()
    blast, kind, attributes = [], [], []
    for start in range(0, len(rows), _BATCH):
        pictures = [middle(pack.image(row))[..., ::-1] for row in rows[start : start + _BATCH]]
        answers = network(as_tensor(np.stack(pictures)))
        blast.append(answers.blast.float().sigmoid().numpy())
        kind.append(answers.kind.argmax(dim=1).numpy())
        parts = answers.attributes.split([len(v) for v in ATTRIBUTES.values()], dim=1)
        attributes.append(np.stack([part.argmax(dim=1).numpy() for part in parts], axis=1))
    return Said(rows, *(np.concatenate(each) for each in (blast, kind, attributes)))


def as_tensor(pictures: np.ndarray) -> torch.Tensor:
    """Return uint8 RGB (n, h, w, 3) as the network's input."""
    tensor = torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2).float()
    return tensor.contiguous(memory_format=torch.channels_last)


def held_out_rows(pack: Pack, fold: int, most: int) -> dict[str, np.ndarray]:
    """Return rows by set: the fold's cells (of LMU and PBC `most` each) and all of SN-AM."""
    rng = np.random.default_rng(fold)
    rows = {
        source: rng.permutation(np.flatnonzero((pack.source == source) & (pack.fold == fold)))
        for source in ("cnmc", "lmu", "pbc")
    }
    rows = {source: np.sort(of if source == "cnmc" else of[:most]) for source, of in rows.items()}
    return {**rows, "snam": np.flatnonzero(pack.source == "snam")}


def measure(pack: Pack, said: dict[str, Said]) -> dict[str, float]:
    """Return the figures of one validation; shares and areas are 0..1.

    `cnmc_auroc` means something only beside `cnmc_area_auroc`, the cell's area alone, which is 0.65
    to 0.94 by fold. `lmu_pbc_auroc` and `snam_pbc_auroc` set the blasts of one laboratory against
    the normal cells of another: a network that knows the laboratories reaches 1, so nothing may be
    chosen by them, nor by `snam_called_blast_of_61` without the false blasts of that laboratory.
    """
    cnmc, lmu, pbc, snam = (said[source] for source in ("cnmc", "lmu", "pbc", "snam"))
    real = pack.blast[cnmc.rows]
    snam_blasts = snam.blast[pack.blast[snam.rows] == 1]
    figures = {
        "cnmc_auroc": roc_auc_score(real, cnmc.blast),
        "cnmc_area_auroc": roc_auc_score(real, pack.area[cnmc.rows]),
        "cnmc_subject_auroc": _by_subject(pack, cnmc),
        "lmu_pbc_auroc": _auroc(lmu.blast, pbc.blast),
        "snam_pbc_auroc": _auroc(snam_blasts, pbc.blast),
        "lmu_called_blast": np.mean(lmu.blast > 0.5),
        "pbc_called_blast": np.mean(pbc.blast > 0.5),
        "snam_called_blast_of_61": np.sum(snam_blasts > 0.5),
        "kind_f1": _kind_f1(pack, pbc),
        "attributes": _attributes(pack, pbc),
    }
    return {name: round(float(value), 4) for name, value in figures.items()}


def _auroc(blasts: np.ndarray, others: np.ndarray) -> float:
    labels = np.r_[np.ones(len(blasts)), np.zeros(len(others))]
    return roc_auc_score(labels, np.r_[blasts, others])


def _by_subject(pack: Pack, said: Said) -> float:
    subjects = pack.subject[said.rows]
    names = np.unique(subjects)
    means = [said.blast[subjects == name].mean() for name in names]
    labels = [pack.blast[said.rows][subjects == name][0] for name in names]
    return roc_auc_score(labels, means)


def _kind_f1(pack: Pack, said: Said) -> float:
    real = pack.kind[said.rows]
    known = real != UNKNOWN
    present = np.unique(real[known])
    return f1_score(
        real[known], said.kind[known], labels=present, average="macro", zero_division=0.0
    )


def _attributes(pack: Pack, said: Said) -> float:
    """Return the mean over attributes of the share of cells named rightly."""
    real = pack.attributes[said.rows]
    known = real[:, 0] != UNKNOWN
    return float((real[known] == said.attributes[known]).mean()) if known.any() else float("nan")
