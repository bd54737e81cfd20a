"""Train a published network on, for a bounded time, and ask networks as they are served."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from models.classifier.classifier import BATCHES
from models.runtime import Network
from training.adaptation.mixture import HELD_OUT, MixedSampler, source_of
from training.adaptation.pace import Pace, paced
from training.adaptation.proof import OPEN
from training.cells.network import CellNetwork
from training.cells.pack import SIZE, Pack
from training.cells.predict import Predictions
from training.cells.train import Lesson, optimizer_of, train_step

_PART = 64


def fine_tune(
    network: CellNetwork,
    sampler: MixedSampler,
    pack: Pack,
    pace: Pace,
    clock: Callable[[], float] = time.monotonic,
) -> int:
    """Train a network on, its first blocks and its statistics kept.

    The learning rate falls with the steps, or faster where the time runs out first; what was
    learnt then depends on the machine.

    Returns:
        The steps that were taken.

    Raises:
        DataError: No step fits into the time.
    """
    network.freeze()
    network.to(memory_format=torch.channels_last)
    optimizer = optimizer_of(network, pace.rate)
    steps = 0
    for step, rate in paced(pace, clock):
        torch.manual_seed(pace.seed * 1_000_003 + step)
        train_step(network, optimizer, rate, sampler.batch(step, pace.batch), Lesson(pack))
        steps += 1
    network.eval()
    return steps


def held_out_rows(pack: Pack, most: int, seed: int) -> np.ndarray:
    """Return rows to measure on, none of which is trained on.

    Args:
        pack: Open cells and the laboratory's.
        most: Cells of each open set and class; the laboratory's are all taken.
        seed: Of the draw.
    """
    held_out = pack.fold == HELD_OUT
    rng = np.random.default_rng(seed)
    own = np.flatnonzero(held_out & np.isin(pack.source, [source_of(view) for view in OPEN]))
    opened = [
        rng.permutation(np.flatnonzero(held_out & (pack.source == source) & (pack.blast == blast)))
        for sources in OPEN.values()
        for source in sources
        for blast in (0, 1)
    ]
    return np.concatenate([own, *(np.sort(rows[:most]) for rows in opened)])


def ask(network: Path, pack: Pack, rows: np.ndarray) -> Predictions:
    """Ask a network, as it is served, about pictures of a pack.

    Args:
        network: Its XML file, with the outputs of `training.cells.served`.
        pack: Holds the pictures.
        rows: Which.
    """
    served = Network(network, (SIZE, SIZE, 3), BATCHES)
    parts = [rows[start : start + _PART] for start in range(0, len(rows), _PART)]
    outputs = [served.run(np.divide(pack.rgb(part), 255, dtype=np.float32)) for part in parts]
    logits, kind, attributes, embedding = (
        np.concatenate([one[name] for one in outputs])
        for name in ("logits", "kind", "attributes", "embedding")
    )
    return Predictions(
        rows,
        np.full(len(rows), HELD_OUT),
        logits[:, 1] - logits[:, 0],
        kind,
        attributes,
        np.sqrt((embedding**2).mean(axis=1)),
    )
