"""Fine-tune the served detector on a laboratory's own fields; the former version stays active.

python -m training adapt detector --data DIR

DIR is as `flask learn --data` takes it, with a folder of each patient's fields in images/ and all
their white cells in labels/, or as `flask export-reviewed` writes it. About a third of the patients
(or fields) is held out. Where no figure is worse, neither on them nor on TXL-PBC's test fields, the
network is published beside the active version; `python -m training weights --activate` serves it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch

from imaging.images import RgbImage
from models.detector.detector import QUANTIZED, Detector
from models.laboratory.proof import DRAWS
from models.manifest import Manifest
from models.versions import active_folder
from training.adaptation.card import proof_table, write_card
from training.adaptation.field_batches import (
    FieldSampler,
    open_training_fields,
    own_training_fields,
)
from training.adaptation.field_proof import FieldSet, ask, prove
from training.adaptation.field_training import fine_tune
from training.adaptation.fields import (
    LaboratoryFields,
    OwnField,
    divide_fields,
    open_fields,
    read_laboratory_fields,
)
from training.adaptation.manifest import Adapted, add_proof, command, write_adapted_manifest
from training.adaptation.pace import Pace
from training.adaptation.publication import conclude, next_version
from training.commands import option
from training.data import DEFAULT_DATA, DataError
from training.detector.published import load_published, write_trained
from training.detector.quantization import calibration_images, quantize
from training.detector.train import has_bf16
from training.manifest import add_phase
from training.phases import phase
from training.staging import STAGED, new_stage
from training.synthesis.composites import DEFAULT_OUT
from training.weights import DEFAULT_WEIGHTS

_MODEL = "detector"
_AGAIN = 1.2
"""Times that the time of asking the base network is kept for asking the other."""

_LATER = 400
"""Fields that could be read while the int8 network and the intervals are made: their time is kept
as well."""


@dataclass(frozen=True)
class Options:
    """Options of `python -m training adapt detector`."""

    data: Path | None = option(None, "folder of the laboratory")
    minutes: float = option(10.0, "all that it may take, on two free cores")
    steps: int = option(100, "of training at most")
    batch: int = option(16, "pieces of fields a step")
    share: float = option(0.5, "of a batch that is the laboratory's; the others are open fields")
    rate: float = option(5e-5, "learning rate")
    check_fields: int = option(144, "open fields to measure on, at most")
    draws: int = option(DRAWS, "bootstrap samples of the intervals")
    sets: Path = option(DEFAULT_DATA, "folder of the image sets")
    composites: Path = option(DEFAULT_OUT, "folder made by `python -m training composites`")
    weights: Path = option(DEFAULT_WEIGHTS, "folder of all models")
    staged: Path = option(STAGED / "adapted-detector", "folder to make the weights in")
    threads: int = option(2, "processor threads")
    seed: int = option(1, "seed of all that is drawn")
    bf16: bool = option(has_bf16(), "compute in bf16 (where the processor has units for it)")


def run(options: Options) -> int:
    """Fine-tune, prove, and publish where the proof allows.

    Returns:
        0 where a version was published, 1 where the network is worse.
    """
    torch.set_num_threads(options.threads)
    cv2.setNumThreads(1)
    start = time.monotonic()
    base = Detector.load(active_folder(options.weights, _MODEL))
    laboratory = _laboratory(options)
    held_out = divide_fields(laboratory.fields, options.seed)
    sets = _sets(options, laboratory, held_out)
    sampler = _sampler(options, base, laboratory, held_out)
    # Before minutes are spent: images may be missing, and the stage may hold something else.
    ranges = _images_of_ranges(options, base.manifest)
    new_stage(options.staged)
    asking = time.monotonic()
    before = [ask(base, one.fields) for one in sets]
    steps = _train(options, base.manifest, sampler, _seconds_left(options, start, asking, sets))
    _describe(options, base.manifest, laboratory, steps)
    _limit(options.staged, base.manifest, ranges)
    adapted = Detector.load(options.staged)
    proof = prove(sets, before, [ask(adapted, one.fields) for one in sets], options.draws)
    add_proof(options.staged, _MODEL, proof)
    write_card(options.staged)
    minutes = (time.monotonic() - start) / 60
    print(f"{steps} steps, {minutes:.1f} minutes.\n\n{proof_table(proof.changes)}\n")
    return conclude(options.weights / _MODEL, options.staged, proof)


def _seconds_left(options: Options, start: float, asking: float, sets: Sequence[FieldSet]) -> float:
    """Return what is left to train in; the base, asked since `asking`, shows the machine's pace."""
    asked = time.monotonic()
    of_field = (asked - asking) / sum(len(one.fields) for one in sets)
    kept = _AGAIN * (asked - asking) + _LATER * of_field
    return 60 * options.minutes - (asked - start) - kept


def _train(options: Options, base: Manifest, sampler: FieldSampler, seconds: float) -> int:
    """Leave the fine-tuned network in the stage; return the steps that it took."""
    network = load_published(base.folder)
    network.bf16 = options.bf16
    pace = Pace(options.steps, options.batch, options.rate, options.seed, seconds)
    steps = fine_tune(network, sampler, pace)
    write_trained(network, base.network, options.staged)
    return steps


def _laboratory(options: Options) -> LaboratoryFields:
    if options.data is None:
        raise DataError("Name the laboratory's folder with --data.")
    if not 0 < options.share < 1:
        raise DataError(
            "--share must lie between 0 and 1: a batch has the laboratory's fields and open ones."
        )
    laboratory = read_laboratory_fields(options.data)
    for path, reason in laboratory.left_out.items():
        print(f"Left out: {path}: {reason}")
    return laboratory


def _sets(
    options: Options, laboratory: LaboratoryFields, held_out: np.ndarray
) -> tuple[FieldSet, FieldSet]:
    own = _chosen(laboratory.fields, held_out)
    opened = open_fields(options.sets, options.check_fields, laboratory.digests, options.seed)
    return (
        FieldSet(
            "Laboratory, held out",
            tuple(one.truth for one in own),
            tuple(one.group for one in own),
        ),
        FieldSet("TXL-PBC test", tuple(opened), tuple(str(path) for path, _ in opened)),
    )


def _sampler(
    options: Options, base: Detector, laboratory: LaboratoryFields, held_out: np.ndarray
) -> FieldSampler:
    own = own_training_fields(base, _chosen(laboratory.fields, ~held_out))
    opened = open_training_fields(options.sets, options.composites, laboratory.digests)
    return FieldSampler(base.manifest.classes, own, opened, options.share, options.seed)


def _chosen(fields: Sequence[OwnField], mask: np.ndarray) -> list[OwnField]:
    return [one for one, is_chosen in zip(fields, mask, strict=True) if is_chosen]


def _images_of_ranges(options: Options, base: Manifest) -> list[RgbImage]:
    """Read what an int8 network takes its ranges from; none where the base has no such network."""
    if QUANTIZED not in base.files:
        return []
    return calibration_images(options.sets, options.composites)


def _describe(options: Options, base: Manifest, laboratory: LaboratoryFields, steps: int) -> None:
    told = {name: getattr(options, name) for name in ("batch", "share", "rate", "seed")}
    version = next_version(options.weights / _MODEL, base.version)
    adapted = Adapted(version, laboratory.counts, {"steps": steps, **told})
    write_adapted_manifest(options.staged, base, adapted)


def _limit(staged: Path, base: Manifest, ranges: Sequence[RgbImage]) -> None:
    """Write the int8 network where the base has one, and keep the base's limits."""
    if ranges:
        quantize(staged, ranges)
    kept = phase("calibrate", command(_MODEL), {}, f"Kept from {base.version}.")
    limits = {name: base.details[name] for name in ("calibration", "thresholds")}
    add_phase(staged, kept, **limits)
