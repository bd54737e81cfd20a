"""Fine-tune the served classifier on a laboratory's own cells; the former version stays active.

python -m training adapt classifier --data DIR

DIR is as `flask learn --data` takes it, with a folder of each patient's images in images/, all/ and
hem/, or as `flask export-reviewed` writes it. About a third of the patients (or fields) is held
out. Where no figure is worse, neither on them nor on open cells that were held out as well, the
network is published beside the active version; `python -m training weights --activate` serves it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import cv2
import torch

from models.classifier.calibration import IN_DISTRIBUTION_LIMIT
from models.detector.detector import Detector
from models.laboratory.proof import DRAWS
from models.manifest import NETWORK, Manifest, load_manifest
from models.versions import active_folder
from training.adaptation.card import proof_table, write_card
from training.adaptation.fine_tuning import ask, fine_tune, held_out_rows
from training.adaptation.laboratory import Laboratory, read_laboratory
from training.adaptation.manifest import Adapted, add_proof, write_adapted_manifest
from training.adaptation.mixture import HELD_OUT, MixedSampler, divide, with_laboratory
from training.adaptation.pace import Pace
from training.adaptation.proof import Proof, prove
from training.adaptation.publication import conclude, next_version
from training.cells.calibration import in_distribution_limit
from training.cells.pack import DEFAULT_PACK, Pack
from training.cells.predict import Predictions, features_of, training_rows
from training.cells.published import load_published
from training.cells.served import fit_whitening, write_network
from training.commands import option
from training.data import DataError
from training.staging import STAGED, new_stage
from training.weights import DEFAULT_WEIGHTS

_MODEL = "classifier"
_WHITENING_CELLS = 500
_READINGS_LEFT = 2.5
"""How often the time of asking the base network is kept for what follows the training."""


@dataclass(frozen=True)
class Options:
    """Options of `python -m training adapt classifier`."""

    data: Path | None = option(None, "folder of the laboratory")
    minutes: float = option(10.0, "all that it may take, on two free cores")
    steps: int = option(120, "of training at most")
    batch: int = option(32, "pictures a step")
    share: float = option(0.5, "of a batch that is the laboratory's; the others are open cells")
    rate: float = option(5e-5, "learning rate of the trunk")
    check_cells: int = option(150, "open cells of each set and class to measure on, at most")
    draws: int = option(DRAWS, "bootstrap samples of the intervals")
    pack: Path = option(DEFAULT_PACK, "file of the packed open cells")
    weights: Path = option(DEFAULT_WEIGHTS, "folder of all models")
    staged: Path = option(STAGED / "adapted-classifier", "folder to make the weights in")
    threads: int = option(2, "processor threads")
    seed: int = option(1, "seed of all that is drawn")


def run(options: Options) -> int:
    """Fine-tune, prove, and publish where the proof allows.

    Returns:
        0 where a version was published, 1 where the network is worse.
    """
    torch.set_num_threads(options.threads)
    cv2.setNumThreads(1)
    start = time.monotonic()
    base = load_manifest(active_folder(options.weights, _MODEL), _MODEL)
    laboratory = _laboratory(options)
    folds = divide(laboratory.cells, options.seed)
    pack = with_laboratory(Pack.load(options.pack), laboratory.cells, folds)
    rows = held_out_rows(pack, options.check_cells, options.seed)
    # Before minutes are spent: it may hold something else.
    new_stage(options.staged)
    asking = time.monotonic()
    before = ask(base.network, pack, rows)
    asked = time.monotonic()
    left = 60 * options.minutes - (asked - start) - _READINGS_LEFT * (asked - asking)
    steps = _train(options, base, pack, left)
    after = ask(options.staged / NETWORK, pack, rows)
    proof = prove(pack, base, before, after, options.draws)
    _describe(options, base, laboratory, after, proof, steps)
    minutes = (time.monotonic() - start) / 60
    print(f"{steps} steps, {minutes:.1f} minutes.\n\n{proof_table(proof.changes)}\n")
    return conclude(options.weights / _MODEL, options.staged, proof)


def _laboratory(options: Options) -> Laboratory:
    if options.data is None:
        raise DataError("Name the laboratory's folder with --data.")
    if not 0 < options.share < 1:
        raise DataError(
            "--share must lie between 0 and 1: a batch has the laboratory's cells and open ones."
        )
    detector = Detector.load(active_folder(options.weights, "detector"))
    laboratory = read_laboratory(options.data, detector)
    for path, reason in laboratory.left_out.items():
        print(f"Left out: {path}: {reason}")
    return laboratory


def _train(options: Options, base: Manifest, pack: Pack, seconds: float) -> int:
    """Leave the fine-tuned network in the stage; return the steps that it took."""
    network = load_published(base.folder)
    pace = Pace(options.steps, options.batch, options.rate, options.seed, seconds)
    steps = fine_tune(network, MixedSampler(pack, options.share, options.seed), pack, pace)
    known = training_rows(pack, HELD_OUT, _WHITENING_CELLS)
    write_network(network, fit_whitening(features_of(network, pack, known)), options.staged)
    return steps


def _describe(
    options: Options,
    base: Manifest,
    laboratory: Laboratory,
    after: Predictions,
    proof: Proof,
    steps: int,
) -> None:
    told = {name: getattr(options, name) for name in ("batch", "share", "rate", "seed")}
    adapted = Adapted(
        next_version(options.weights / _MODEL, base.version),
        laboratory.counts,
        {"steps": steps, **told},
        # Of what is usual among cells that it never saw: its features changed.
        {IN_DISTRIBUTION_LIMIT: in_distribution_limit(after)},
    )
    write_adapted_manifest(options.staged, base, adapted)
    add_proof(options.staged, _MODEL, proof)
    write_card(options.staged)
