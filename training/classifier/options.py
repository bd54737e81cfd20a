"""Options of the classifier's training and export."""

from __future__ import annotations

import argparse
from pathlib import Path

from training.classifier import augmentation
from training.classifier.architectures import ARCHITECTURES
from training.classifier.data import DEFAULT_ROUNDS, Places
from training.data import DEFAULT_DATA, PROJECT, ROUNDS
from training.synthesis.composites import DEFAULT_CACHE
from training.synthesis.composites import DEFAULT_OUT as DEFAULT_COMPOSITES

DEFAULT_INIT = PROJECT.parent / "shared" / "init" / "efficientnetb3_notop.weights.h5"
DEFAULT_WEIGHTS = PROJECT / "weights" / "classifier"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of training and of export, which must agree."""
    _add_places(parser.add_argument_group("places"))
    _add_training(parser.add_argument_group("training"))
    augmentation.add_arguments(parser)


def _add_places(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--data", type=Path, default=DEFAULT_DATA, help="folder of the image sets")
    group.add_argument(
        "--composites",
        type=Path,
        default=DEFAULT_COMPOSITES,
        help="folder with train/ made by `python -m training composites`",
    )
    group.add_argument(
        "--round-composites",
        type=Path,
        default=DEFAULT_ROUNDS,
        help="folder of composites with the test split's cells, made where they are not there",
    )
    group.add_argument("--cutouts", type=Path, default=DEFAULT_CACHE, help="cache of cut-out cells")
    group.add_argument("--init", type=Path, default=DEFAULT_INIT, help="backbone to start from")
    group.add_argument("--out", type=Path, default=PROJECT / "runs" / "classifier")
    group.add_argument("--weights-out", type=Path, default=DEFAULT_WEIGHTS, help="served network")


def _add_training(group: argparse._ArgumentGroup) -> None:
    numbers = {
        "steps": (1000, "steps of the first stage"),
        "size": (128, "image side in pixels of the first stage"),
        "batch": (32, "images a step of the first stage"),
        "finish-steps": (300, "steps of the second stage"),
        "finish-size": (0, "image side of the second stage; 0: as served"),
        "finish-batch": (16, "images a step of the second stage"),
        "every": (100, "steps between validations and checkpoints"),
        "watch-cells": (100, "cells of each class and view of the strangers to watch"),
        "fit-cells": (60, "strangers of each subject and view to calibrate on, at most"),
        "threads": (2, "processor threads"),
        "seed": (1, "seed of all that is drawn"),
    }
    for name, (value, meaning) in numbers.items():
        group.add_argument(f"--{name}", type=int, default=value, help=f"{meaning} (%(default)s)")
    group.add_argument("--rounds", nargs="+", choices=ROUNDS, default=ROUNDS, help="(all)")
    group.add_argument(
        "--black-share", type=float, default=0.5, help="share of cells on black (%(default)s)"
    )
    group.add_argument("--rate", type=float, default=1e-3, help="learning rate (%(default)s)")
    group.add_argument("--architecture", choices=sorted(ARCHITECTURES), default="EfficientNetB3")
    group.add_argument("--scratch", action="store_true", help="start from random weights")
    group.add_argument("--resume", action="store_true", help="go on from the last checkpoint")
    group.add_argument("--note", default="", help="what else the manifest should tell of it")
    group.add_argument("--version", default="", help="of the weights: today's date and -1")


def places_of(args: argparse.Namespace) -> Places:
    """Return the folders that the options name."""
    return Places(args.data, args.composites, args.round_composites, args.cutouts)


def start_of(args: argparse.Namespace) -> Path | None:
    """Return the backbone's weights to start from, None for random ones."""
    return None if args.scratch else args.init
