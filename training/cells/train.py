"""Train the network of one fold or of several: resumable, checked on held-out subjects."""

from __future__ import annotations

import argparse
import csv
import json
import math
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import nn

from training.cells.data import ATTRIBUTES, UNKNOWN
from training.cells.folds import FOLDS
from training.cells.network import Answers, CellNetwork, load_keras
from training.cells.pack import DEFAULT_PACK, Pack
from training.cells.sampling import Batch, Sampler
from training.cells.teach import DEFAULT_TEACHER
from training.cells.validate import as_tensor, ask, held_out_rows, measure
from training.data import PROJECT, DataError

DEFAULT_INIT = PROJECT.parent / "shared" / "init" / "efficientnetb3_notop.weights.h5"
_SMOOTHING = 0.02
_WARM_UP = 0.1
_LAST_RATE = 0.01
_HEAD_FACTOR = 2e-3 / 3e-4
_DECAY = 0.02
_KIND_WEIGHT, _ATTRIBUTES_WEIGHT = 0.5, 0.5
_VALIDATIONS = 5
_SAVE_EVERY = 25
_LARGEST_GRADIENT = 5.0
_SETTINGS = ("steps", "batch", "rate", "distil", "scratch", "seed")
"""Options that must not change when a training is resumed."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `python -m training.cells train`."""
    parser.add_argument("--pack", type=Path, default=DEFAULT_PACK, help="(%(default)s)")
    parser.add_argument("--teacher", type=Path, default=DEFAULT_TEACHER, help="(%(default)s)")
    parser.add_argument("--out", type=Path, default=PROJECT / "runs" / "cells" / "folds")
    parser.add_argument("--init", type=Path, default=DEFAULT_INIT, help="(%(default)s)")
    parser.add_argument("--scratch", action="store_true", help="start from random weights")
    parser.add_argument("--folds", type=int, nargs="+", default=range(FOLDS))
    parser.add_argument("--steps", type=int, default=1600, help="(%(default)s)")
    parser.add_argument("--batch", type=int, default=32, help="(%(default)s)")
    parser.add_argument("--rate", type=float, default=3e-4, help="of the trunk (%(default)s)")
    parser.add_argument("--distil", type=float, default=0.5, help="teacher's weight (%(default)s)")
    parser.add_argument("--check-cells", type=int, default=300, help="of LMU and PBC (%(default)s)")
    parser.add_argument("--threads", type=int, default=2, help="(%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="(%(default)s)")


def run(args: argparse.Namespace) -> None:
    """Train the folds that are not done yet, each to the end."""
    torch.set_num_threads(args.threads)
    cv2.setNumThreads(1)
    pack = Pack.load(args.pack)
    teacher = np.load(args.teacher) if args.distil else None
    for fold in args.folds:
        Training(args, pack, teacher, fold).run()


class Training:
    """The training of one fold in a folder: settings, checkpoint, metrics, weights."""

    def __init__(
        self, args: argparse.Namespace, pack: Pack, teacher: np.ndarray | None, fold: int
    ) -> None:
        self._args, self._pack, self._teacher, self._fold = args, pack, teacher, fold
        self.folder = args.out / f"fold{fold}"
        self.folder.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(args.seed)
        self.network = CellNetwork()
        if not args.scratch:
            load_keras(self.network, args.init)
        self.network.to(memory_format=torch.channels_last)
        self._optimizer = optimizer_of(self.network, args.rate)
        self.step = 0
        self._restore()

    def run(self) -> None:
        """Train what is left, validate after each fifth, write `network.pt` at the end."""
        args = self._args
        every = max(1, args.steps // _VALIDATIONS)
        losses: list[float] = []
        start = time.monotonic()
        for batch in self._batches():
            losses.append(self._train(batch))
            if self.step % every == 0 or self.step == args.steps:
                self._validate(float(np.mean(losses)), time.monotonic() - start)
                losses.clear()
            if self.step % _SAVE_EVERY == 0 or self.step == args.steps:
                self._save()
        finished = self.folder / "network.pt"
        if not finished.exists():
            _write(self.network.state_dict(), finished)

    def _batches(self) -> Iterator[Batch]:
        """Give the batches that are left, the next one made while one is learned."""
        sampler = Sampler(self._pack, self._fold, self._args.seed)
        with ThreadPoolExecutor(1) as pool:
            steps = range(self.step, self._args.steps)
            coming = None
            for step in steps:
                current = coming or pool.submit(sampler.batch, step, self._args.batch)
                coming = None
                if step + 1 < self._args.steps:
                    coming = pool.submit(sampler.batch, step + 1, self._args.batch)
                yield current.result()

    def _train(self, batch: Batch) -> float:
        # So that dropout too depends on the step alone, also in a resumed training.
        torch.manual_seed(self._args.seed * 1_000_003 + self.step)
        for group in self._optimizer.param_groups:
            group["lr"] = group["factor"] * rate_at(self.step, self._args.steps, self._args.rate)
        self.network.train()
        answers = self.network(as_tensor(batch.pictures))
        loss = loss_of(answers, self._pack, batch.rows, self._teacher, self._args.distil)
        self._optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), _LARGEST_GRADIENT)
        self._optimizer.step()
        self.step += 1
        return loss.item()

    def _validate(self, loss: float, seconds: float) -> None:
        rows = held_out_rows(self._pack, self._fold, self._args.check_cells)
        said = {source: ask(self.network, self._pack, of) for source, of in rows.items()}
        figures = measure(self._pack, said)
        entry = {"step": self.step, "loss": round(loss, 4), "seconds": round(seconds), **figures}
        _append(self.folder / "metrics.csv", entry)
        print(f"fold {self._fold}", json.dumps(entry), flush=True)

    def _save(self) -> None:
        state = {
            "step": self.step,
            "settings": self._settings(),
            "network": self.network.state_dict(),
            "optimizer": self._optimizer.state_dict(),
        }
        _write(state, self.folder / "checkpoint.pt")

    def _restore(self) -> None:
        path = self.folder / "checkpoint.pt"
        if not path.exists():
            return
        state = torch.load(path, weights_only=True)
        if state["settings"] != self._settings():
            raise DataError(f"{path} was made with {state['settings']}. Name another --out.")
        self.network.load_state_dict(state["network"])
        self._optimizer.load_state_dict(state["optimizer"])
        self.step = state["step"]

    def _settings(self) -> dict[str, float]:
        return {name: getattr(self._args, name) for name in _SETTINGS}


def optimizer_of(network: CellNetwork, rate: float) -> torch.optim.AdamW:
    """Return AdamW in which the heads learn faster than the trunk."""
    trunk = list(network.trunk.parameters())
    known = {id(parameter) for parameter in trunk}
    heads = [parameter for parameter in network.parameters() if id(parameter) not in known]
    groups = [{"params": trunk, "factor": 1.0}, {"params": heads, "factor": _HEAD_FACTOR}]
    return torch.optim.AdamW(groups, lr=rate, weight_decay=_DECAY)


def rate_at(step: int, steps: int, rate: float) -> float:
    """Return the trunk's learning rate: one cycle, a short rise and half a cosine."""
    rise = min(1.0, (step + 1) / max(1.0, _WARM_UP * steps))
    fall = (1 + math.cos(math.pi * step / steps)) / 2
    return rate * rise * (_LAST_RATE + (1 - _LAST_RATE) * fall)


def loss_of(
    answers: Answers, pack: Pack, rows: np.ndarray, teacher: np.ndarray | None, distil: float
) -> torch.Tensor:
    """Return the loss of a batch; a label that is missing counts for nothing.

    Args:
        answers: The network's, of n pictures.
        pack: Holds the labels.
        rows: Rows of the pack that the pictures show (n,).
        teacher: Features to say of each row, or none.
        distil: Their weight.
    """
    blast = torch.from_numpy(pack.blast[rows]).float()
    known = blast != UNKNOWN
    target = blast.clamp(_SMOOTHING, 1 - _SMOOTHING)
    loss = nn.functional.binary_cross_entropy_with_logits(answers.blast[known], target[known])
    loss = loss + _KIND_WEIGHT * masked_entropy(answers.kind, pack.kind[rows])
    parts = answers.attributes.split([len(values) for values in ATTRIBUTES.values()], dim=1)
    of_attributes = [
        masked_entropy(part, pack.attributes[rows, number]) for number, part in enumerate(parts)
    ]
    loss = loss + _ATTRIBUTES_WEIGHT * torch.stack(of_attributes).mean()
    if teacher is None:
        return loss
    taught = torch.from_numpy(teacher[rows]).float()
    return loss + distil * nn.functional.smooth_l1_loss(answers.taught, taught)


def masked_entropy(logits: torch.Tensor, labels: np.ndarray) -> torch.Tensor:
    """Return the mean cross entropy of what is labelled, 0 where nothing is."""
    target = torch.from_numpy(labels).long()
    known = target != UNKNOWN
    if not known.any():
        return logits.sum() * 0
    return nn.functional.cross_entropy(logits[known], target[known], label_smoothing=_SMOOTHING)


def _write(state: object, path: Path) -> None:
    unfinished = path.with_suffix(".unfinished")
    torch.save(state, unfinished)
    unfinished.replace(path)


def _append(path: Path, entry: dict[str, object]) -> None:
    first = not path.exists()
    with path.open("a", newline="") as stream:
        writer = csv.DictWriter(stream, list(entry))
        if first:
            writer.writeheader()
        writer.writerow(entry)
