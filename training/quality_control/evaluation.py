"""Measure the gate before the classifier: what it lets through, and what it calls the rest.

Asked are cells of held-out subjects and test splits, of which each image shows one, in both views;
drawings, text, noise, photographs and fields of red cells, which show none; fields with several;
and cells that were defocused or cut. Intervals are 95%, by bootstrap over images. With --record the
figures also go into docs/validation.md.
"""

import argparse
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from math import isnan
from pathlib import Path
from typing import Any

from tqdm import tqdm

from models.findings import Classification
from models.registry import Models, load_models
from training.data import DEFAULT_DATA, PROJECT
from training.documents import replace_between, table
from training.metrics.estimates import Figure, share, with_interval
from training.quality_control.images import (
    BLURRED,
    CELL,
    CUT_OFF,
    NO_CELL,
    SEVERAL,
    ImageSet,
    image_sets,
)
from training.synthesis.composites import DEFAULT_CACHE, held_out_composites
from training.synthesis.composites import DEFAULT_OUT as DEFAULT_COMPOSITES

TARGETS = {CELL: 0.95, NO_CELL: 0.99}
"""Smallest shares, over all sets of that kind, of images that should be answered as wanted."""

_WANTED = {
    CELL: "one cell: let through",
    NO_CELL: "no cell: refused",
    SEVERAL: "several cells: sent to Detect",
    BLURRED: "defocused: called out of focus, or refused",
    CUT_OFF: "cut: called cut off, or refused",
}


@dataclass(frozen=True)
class Answers:
    """What the gate and the classifier said of the images of one set."""

    title: str
    wanted: str
    given: tuple[Classification, ...]

    @property
    def codes(self) -> dict[str, int]:
        """How often each code was given, the most frequent first; "cell" where none was."""
        return dict(Counter(said.code or CELL for said in self.given).most_common())

    @property
    def familiar(self) -> float:
        """Share of the images read whose cell is within the validated domain; NaN if not known."""
        known = [said.in_distribution for said in self.given if said.in_distribution is not None]
        return share(sum(known), len(known))


def ask(models: Models, images: ImageSet) -> Answers:
    """Have the images of a set classified."""
    given = tuple(
        models.classify(rgb) for rgb in tqdm(images.images(), images.title, mininterval=5)
    )
    return Answers(images.title, images.wanted, given)


def is_as_wanted(said: Classification, wanted: str) -> bool:
    """Tell whether an answer is right: read, sent to Detect, or refused where it should be."""
    if wanted == SEVERAL:
        return said.code == SEVERAL
    return said.usable == (wanted == CELL)


def shares(answers: Sequence[Answers], rounds: int) -> dict[str, Figure]:
    """Return the share answered as wanted of every set, and over all sets of a kind, by title."""
    by_title = {each.title: (each,) for each in answers}
    by_kind = {
        _total(wanted): tuple(each for each in answers if each.wanted == wanted)
        for wanted in _WANTED
    }
    return {
        title: _share(chosen, rounds) for title, chosen in (by_title | by_kind).items() if chosen
    }


def _total(wanted: str) -> str:
    return f"All, {_WANTED[wanted]}"


def _share(answers: Iterable[Answers], rounds: int) -> Figure:
    right = [is_as_wanted(said, each.wanted) for each in answers for said in each.given]
    return with_interval(lambda chosen: share(sum(chosen), len(chosen)), right, rounds)


def as_text(answers: Sequence[Answers], figures: dict[str, Figure]) -> str:
    """Return Markdown: a table for every kind of image, and the two totals against the targets."""
    asked = [wanted for wanted in _WANTED if any(each.wanted == wanted for each in answers)]
    parts = [_table(wanted, answers, figures) for wanted in asked]
    verdicts = [_verdict(wanted, figures) for wanted in asked if wanted in TARGETS]
    return "\n\n".join((*parts, *verdicts))


def _table(wanted: str, answers: Sequence[Answers], figures: dict[str, Figure]) -> str:
    header = (
        _WANTED[wanted].capitalize(),
        "images",
        "share",
        "95% interval",
        "answers",
        "familiar",
    )
    rows = [
        (each.title, str(len(each.given)), *_numbers(figures[each.title]), *_remarks(each))
        for each in answers
        if each.wanted == wanted
    ]
    total = _total(wanted)
    return table(header, [*rows, (total, "", *_numbers(figures[total]), "", "")])


def _numbers(figure: Figure) -> tuple[str, str]:
    return f"{figure.value:.3f}", f"{figure.low:.3f} to {figure.high:.3f}"


def _remarks(answers: Answers) -> tuple[str, str]:
    """The codes given, with their numbers, and the share of familiar cells where it is known."""
    codes = ", ".join(f"{code} {count}" for code, count in answers.codes.items())
    return codes, "–" if isnan(answers.familiar) else f"{answers.familiar:.3f}"


def _verdict(wanted: str, figures: dict[str, Figure]) -> str:
    value = figures[_total(wanted)].value
    met = "met" if value >= TARGETS[wanted] else "not met"
    return f"{_WANTED[wanted].capitalize()}: {value:.3f}, target {TARGETS[wanted]:g}, {met}."


def as_plain(answers: Sequence[Answers], figures: dict[str, Figure]) -> dict[str, Any]:
    """Return everything as JSON takes it: figures by title, and each set's codes."""
    return {
        "figures": {title: asdict(figure) for title, figure in figures.items()},
        "targets": TARGETS,
        "sets": {
            each.title: {
                "wanted": each.wanted,
                "codes": each.codes,
                "familiar": None if isnan(each.familiar) else each.familiar,
            }
            for each in answers
        },
    }


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `python -m training evaluate gate`."""
    parser.add_argument("--weights", type=Path, default=PROJECT / "weights", help="both networks")
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="folder of the image sets")
    parser.add_argument("--composites", type=Path, default=DEFAULT_COMPOSITES)
    parser.add_argument("--cutouts", type=Path, default=DEFAULT_CACHE)
    parser.add_argument("--out", type=Path, default=PROJECT / "runs" / "gate-evaluation.json")
    parser.add_argument("--limit", type=int, default=200, help="cells of each set (%(default)s)")
    parser.add_argument("--rounds", type=int, default=500, help="bootstrap samples (%(default)s)")
    parser.add_argument("--record", action="store_true", help="write into docs/validation.md")


def run(args: argparse.Namespace) -> None:
    """Ask about all sets, print and write what was said."""
    models = load_models(args.weights)
    folder = held_out_composites(args.data, args.composites, args.cutouts)
    asked = (ask(models, images) for images in image_sets(args.data, folder, args.limit))
    answers = [each for each in asked if each.given]
    figures = shares(answers, args.rounds)
    versions = f"detector {models.detector.version}, classifier {models.classifier.version}"
    text = f"`python -m training evaluate gate`, {versions}:\n\n{as_text(answers, figures)}"
    print(text)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps(as_plain(answers, figures), indent=2) + "\n")
    if args.record:
        replace_between(PROJECT / "docs" / "validation.md", "gate", text)
