"""Train the networks of the folds, or one on all cells: resumable, checked on held-out subjects."""

from __future__ import annotations

import csv
import json
import math
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import nn

from training.cells.data import ATTRIBUTES, KINDS, UNKNOWN
from training.cells.folds import FINAL, FOLDS
from training.cells.network import (
    ARCHITECTURES,
    Architecture,
    CellNetwork,
    Outputs,
    load_keras,
    load_lite,
    load_network,
    save_network,
    write_state,
)
from training.cells.pack import DEFAULT_PACK, Pack
from training.cells.published import load_published
from training.cells.sampling import Batch, Sampler
from training.cells.teach import DEFAULT_TEACHER
from training.cells.validate import as_tensor, held_out_rows, measure, predict
from training.commands import option
from training.data import PROJECT, DataError

DEFAULT_INIT = PROJECT.parent / "shared" / "init" / "efficientnetb3_notop.weights.h5"
_SMOOTHING = 0.02
_WARM_UP = 0.1
_LAST_RATE = 0.01
_HEAD_FACTOR = 2e-3 / 3e-4
_DECAY = 0.02
_KIND_WEIGHT, _ATTRIBUTES_WEIGHT = 0.5, 0.5
_SAVE_EVERY = 25
_CHECKPOINT = "checkpoint.pt"
_LARGEST_GRADIENT = 5.0
_SMUDGE = KINDS.index("smudge")
_SETTINGS = (
    *("architecture", "steps", "batch", "rate", "distil"),
    *("scratch", "frozen", "start", "published", "seed"),
)
"""Options that must not change when a training is resumed."""


@dataclass(frozen=True)
class Options:
    """Options of `python -m training.cells train`."""

    pack: Path = option(DEFAULT_PACK, "file of the packed pictures")
    teacher: Path = option(DEFAULT_TEACHER, "file of the teacher's features")
    out: Path = option(PROJECT / "runs" / "cells" / "folds", "folder of the folds")
    architecture: Architecture = option(
        "EfficientNetB3", "of the trunk", choices=lambda: ARCHITECTURES
    )
    init: Path = option(DEFAULT_INIT, "Keras' weights that EfficientNetB3 starts from")
    scratch: bool = option(False, "start from random weights")
    frozen: bool = option(
        False, "keep --init's first blocks and statistics, as is always done from the other starts"
    )
    start: str = option("", "folder of a trained network to go on from, in place of --init")
    published: str = option("", "version of the published classifier to go on from")
    weights: Path = option(PROJECT / "weights" / "classifier", "folder of the published versions")
    folds: tuple[int, ...] = option(tuple(range(FOLDS)), "(all)")
    final: bool = option(False, "train one network on all cells, in place of the folds")
    steps: int = option(1600)
    batch: int = option(32, "pictures a step")
    rate: float = option(3e-4, "learning rate of the trunk")
    distil: float = option(0.5, "the teacher's weight")
    validations: int = option(5, "validations on the way, the last at the end")
    check_cells: int = option(300, "cells of LMU and PBC to validate on, at most")
    threads: int = option(2, "processor threads")
    seed: int = option(1, "seed of all that is drawn")


def run(options: Options) -> None:
    """Train the networks that are not done yet, each to the end."""
    torch.set_num_threads(options.threads)
    cv2.setNumThreads(1)
    pack = Pack.load(options.pack)
    teacher = np.load(options.teacher) if options.distil else None
    for fold in (None,) if options.final else options.folds:
        Training(options, pack, teacher, fold).run()


class Training:
    """Train one network in a folder of its checkpoint, metrics and weights."""

    def __init__(
        self, options: Options, pack: Pack, teacher: np.ndarray | None, fold: int | None
    ) -> None:
        self._options, self._pack, self._teacher, self._fold = options, pack, teacher, fold
        self.folder = options.out / (FINAL if fold is None else f"fold{fold}")
        self.folder.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(options.seed)
        self.network = self._started()
        self.network.to(memory_format=torch.channels_last)
        self._optimizer = optimizer_of(self.network, options.rate)
        self.step = 0
        self._restore()

    def run(self) -> None:
        """Train what is left, validate after each fifth, write `network.pt` at the end."""
        steps = self._options.steps
        every = max(1, steps // self._options.validations)
        losses: list[float] = []
        start = time.monotonic()
        for batch in self._batches():
            losses.append(self._train(batch))
            if self.step % every == 0 or self.step == steps:
                self._validate(float(np.mean(losses)), time.monotonic() - start)
                losses.clear()
            if self.step % _SAVE_EVERY == 0 or self.step == steps:
                self._save()
        finished = self.folder / "network.pt"
        if not finished.exists():
            save_network(self.network, finished)

    def _started(self) -> CellNetwork:
        options = self._options
        if options.start:
            return load_network(options.out / options.start / "network.pt")
        if options.published:
            return _going_on_from(options)
        network = CellNetwork(options.architecture)
        if options.scratch:
            return network
        if options.architecture == "EfficientNetB3":
            load_keras(network, options.init)
        else:
            load_lite(network)
        if options.frozen or options.architecture == "EfficientNet-Lite0":
            network.freeze()
        return network

    def _batches(self) -> Iterator[Batch]:
        """Give the batches that are left, the next one made while one is used."""
        sampler = Sampler(self._pack, self._fold, self._options.seed)
        with ThreadPoolExecutor(1) as pool:
            steps = range(self.step, self._options.steps)
            coming: Future[Batch] | None = None
            for step in steps:
                current = coming or pool.submit(sampler.batch, step, self._options.batch)
                coming: Future[Batch] | None = None
                if step + 1 < self._options.steps:
                    coming = pool.submit(sampler.batch, step + 1, self._options.batch)
                yield current.result()

    def _train(self, batch: Batch) -> float:
        options = self._options
        # So that dropout too depends on the step alone, also in a resumed training.
        torch.manual_seed(options.seed * 1_000_003 + self.step)
        rate = rate_at(self.step, options.steps, options.rate)
        lesson = Lesson(self._pack, self._teacher, options.distil)
        loss = train_step(self.network, self._optimizer, rate, batch, lesson)
        self.step += 1
        return loss

    def _validate(self, loss: float, seconds: float) -> None:
        metrics = {} if self._fold is None else self._measure(self._fold)
        entry = {"step": self.step, "loss": round(loss, 4), "seconds": round(seconds), **metrics}
        _append(self.folder / "metrics.csv", entry)
        print(self.folder.name, json.dumps(entry), flush=True)

    def _measure(self, fold: int) -> dict[str, float]:
        rows = held_out_rows(self._pack, fold, self._options.check_cells)
        return measure(
            self._pack,
            {source: predict(self.network, self._pack, of_set) for source, of_set in rows.items()},
        )

    def _save(self) -> None:
        state = {
            "step": self.step,
            "settings": self._settings(),
            "network": self.network.state_dict(),
            "optimizer": self._optimizer.state_dict(),
        }
        write_state(state, self.folder / _CHECKPOINT)

    def _restore(self) -> None:
        path = self.folder / _CHECKPOINT
        if not path.exists():
            return
        state = torch.load(path, weights_only=True)
        if state["settings"] != self._settings():
            raise DataError(f"{path} was made with {state['settings']}. Name another --out.")
        self.network.load_state_dict(state["network"])
        self._optimizer.load_state_dict(state["optimizer"])
        self.step = state["step"]

    def _settings(self) -> dict[str, float | str]:
        return {name: getattr(self._options, name) for name in _SETTINGS}


def settings_of(folder: Path) -> dict[str, Any]:
    """Read the settings of the training in a folder from its checkpoint."""
    return torch.load(folder / _CHECKPOINT, weights_only=True)["settings"]


def _going_on_from(options: Options) -> CellNetwork:
    network = load_published(options.weights / options.published)
    if network.architecture != options.architecture:
        raise DataError(f"Version {options.published} is of {network.architecture}: name it.")
    network.freeze()
    return network


@dataclass(frozen=True)
class Lesson:
    """What pictures are to be answered with.

    Attributes:
        pack: Holds the labels.
        teacher: Features to predict for each row, if any.
        distil: Their weight.
    """

    pack: Pack
    teacher: np.ndarray | None = None
    distil: float = 0.0


def train_step(
    network: CellNetwork,
    optimizer: torch.optim.Optimizer,
    rate: float,
    batch: Batch,
    lesson: Lesson,
) -> float:
    """Take one step at a learning rate of the trunk; return the loss before it."""
    for group in optimizer.param_groups:
        group["lr"] = group["factor"] * rate
    network.train()
    outputs = network(as_tensor(batch.pictures))
    loss = loss_of(outputs, lesson.pack, batch, lesson.teacher, lesson.distil)
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(network.parameters(), _LARGEST_GRADIENT)
    optimizer.step()
    return loss.item()


def optimizer_of(network: CellNetwork, rate: float) -> torch.optim.AdamW:
    """Return AdamW in which the heads learn faster than the trunk."""
    known = {id(parameter) for parameter in network.trunk.parameters()}
    trunk = [parameter for parameter in network.trunk.parameters() if parameter.requires_grad]
    heads = [parameter for parameter in network.parameters() if id(parameter) not in known]
    groups = [{"params": trunk, "factor": 1.0}, {"params": heads, "factor": _HEAD_FACTOR}]
    return torch.optim.AdamW(groups, lr=rate, weight_decay=_DECAY)


def rate_at(step: int, steps: int, rate: float) -> float:
    """Return the trunk's learning rate: one cycle, a short rise and half a cosine."""
    rise = min(1.0, (step + 1) / max(1.0, _WARM_UP * steps))
    fall = (1 + math.cos(math.pi * step / steps)) / 2
    return rate * rise * (_LAST_RATE + (1 - _LAST_RATE) * fall)


def loss_of(
    outputs: Outputs, pack: Pack, batch: Batch, teacher: np.ndarray | None, distil: float
) -> torch.Tensor:
    """Return the loss of a batch; missing labels are left out, and of smudges all but the kind.

    Args:
        outputs: The network's, for n pictures.
        pack: Holds the labels.
        batch: The pictures.
        teacher: Features to predict for each row, if any.
        distil: Their weight.
    """
    rows, intact = batch.rows, ~batch.smudged
    blast = torch.from_numpy(np.where(intact, pack.blast[rows], UNKNOWN)).float()
    known = blast != UNKNOWN
    target = blast.clamp(_SMOOTHING, 1 - _SMOOTHING)
    loss = nn.functional.binary_cross_entropy_with_logits(outputs.blast[known], target[known])
    kind = np.where(intact, pack.kind[rows], _SMUDGE)
    of_unknown = outputs.kind[torch.from_numpy(kind == UNKNOWN)]
    loss = loss + _KIND_WEIGHT * (masked_entropy(outputs.kind, kind) + _loss_of_unknown(of_unknown))
    parts = outputs.attributes.split([len(values) for values in ATTRIBUTES.values()], dim=1)
    of_attributes = [
        masked_entropy(part, np.where(intact, pack.attributes[rows, number], UNKNOWN))
        for number, part in enumerate(parts)
    ]
    loss = loss + _ATTRIBUTES_WEIGHT * torch.stack(of_attributes).mean()
    if teacher is None:
        return loss
    taught = torch.from_numpy(teacher[rows[intact]]).float()
    return loss + distil * nn.functional.smooth_l1_loss(outputs.taught[intact], taught)


def _loss_of_unknown(logits: torch.Tensor) -> torch.Tensor:
    """Return the mean -log(1 - P(smudge)): cells of unknown kind are intact at least."""
    if not len(logits):
        return logits.sum() * 0
    shares = logits.log_softmax(dim=1)
    return -torch.cat((shares[:, :_SMUDGE], shares[:, _SMUDGE + 1 :]), dim=1).logsumexp(1).mean()


def masked_entropy(logits: torch.Tensor, labels: np.ndarray) -> torch.Tensor:
    """Return the mean cross entropy of labelled cells, 0 where there is none."""
    target = torch.from_numpy(labels).long()
    known = target != UNKNOWN
    if not known.any():
        return logits.sum() * 0
    return nn.functional.cross_entropy(logits[known], target[known], label_smoothing=_SMOOTHING)


def _append(path: Path, entry: dict[str, object]) -> None:
    first = not path.exists()
    with path.open("a", newline="") as stream:
        writer = csv.DictWriter(stream, list(entry))
        if first:
            writer.writeheader()
        writer.writerow(entry)
