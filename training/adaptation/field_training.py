"""Train a published detector on, for a bounded time."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch

from training.adaptation.field_batches import FieldSampler
from training.adaptation.pace import Pace, paced
from training.detector.published import layers_of
from training.detector.train import SmearModel

FIRST_BLOCKS = 5
"""Layers of YOLOv8 that are kept: they see edges and grain, and cost half of a step."""

_DECAY = 0.0005
_LARGEST_GRADIENT = 10.0


def fine_tune(
    network: SmearModel,
    sampler: FieldSampler,
    pace: Pace,
    clock: Callable[[], float] = time.monotonic,
) -> int:
    """Train a network on, its first blocks kept; it has no statistics that could drift.

    What was learnt depends on the machine where the time runs out before the steps.

    Returns:
        The steps that were taken.

    Raises:
        DataError: No step fits into the time.
    """
    for layer in layers_of(network)[:FIRST_BLOCKS]:
        layer.requires_grad_(requires_grad=False)
    network.to(memory_format=torch.channels_last)
    network.train()
    learnt = [one for one in network.parameters() if one.requires_grad]
    optimizer = torch.optim.AdamW(learnt, lr=pace.rate, weight_decay=_DECAY)
    steps = 0
    for step, rate in paced(pace, clock):
        optimizer.param_groups[0]["lr"] = rate
        batch = sampler.batch(step, pace.batch)
        batch["img"] = batch["img"].contiguous(memory_format=torch.channels_last)
        loss, _ = network.loss(batch)
        optimizer.zero_grad()
        loss.sum().backward()
        torch.nn.utils.clip_grad_norm_(learnt, _LARGEST_GRADIENT)
        optimizer.step()
        steps += 1
    network.eval()
    return steps
