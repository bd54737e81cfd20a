"""Commands' options, as frozen dataclasses."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, dataclass
from pathlib import Path
from typing import Literal

import pytest

from training.commands import group, option, parse


@dataclass(frozen=True)
class Strength:
    """How much images are varied."""

    turn: float = option(5.0, "by up to so many degrees")


@dataclass(frozen=True)
class Usual:
    """Options of some commands."""

    out: Path = option(Path("runs"), "folder")
    steps: int = option(10, "how many")
    minutes: float | None = option(None, "instead of --steps")
    folds: tuple[int, ...] = option((0, 1))
    split: Literal["train", "val"] | None = option(None, choices=lambda: ("train", "val"))
    finish_size: int = option(0)
    record: str | None = option(None, const="usual")
    resume: bool = option(False, "go on")
    strength: Strength = group(Strength(), "augmentation")


@dataclass(frozen=True)
class Own(Usual):
    """Options of one command, with defaults of its own."""

    steps: int = option(3, "how many")
    only: tuple[str, ...] = option(("a", "b"), choices=lambda: ("a", "b"))
    strength: Strength = group(Strength(turn=0.0), "augmentation")


def test_options_that_are_not_given_have_their_defaults():
    assert parse(Usual, []) == Usual()
    assert parse(Own, []) == Own()
    assert (Own().steps, Own().strength.turn, Usual().strength.turn) == (3, 0.0, 5.0)


def test_every_type_of_option_is_parsed():
    words = "--out x/y --steps 4 --minutes 1.5 --folds 2 3 --split val --finish-size 8 --record"
    options = parse(Own, [*words.split(), "--resume", "--only", "b", "--turn", "1"])
    assert options == Own(
        out=Path("x/y"),
        steps=4,
        minutes=1.5,
        folds=(2, 3),
        split="val",
        finish_size=8,
        record="usual",
        resume=True,
        only=("b",),
        strength=Strength(1.0),
    )
    assert parse(Usual, ["--record", "longer"]).record == "longer"


def test_options_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        parse(Usual, []).steps = 5


@pytest.mark.parametrize(
    "words", [["--steps", "many"], ["--split", "test"], ["--only"], ["--nonsense"]]
)
def test_wrong_words_end_with_status_2(words, capsys):
    with pytest.raises(SystemExit) as stop:
        parse(Own, words)
    assert stop.value.code == 2
    assert "error:" in capsys.readouterr().err


def test_help_states_meaning_and_default(capsys):
    with pytest.raises(SystemExit):
        parse(Own, ["--help"], "some command", "What it does.")
    printed = capsys.readouterr().out
    assert "how many (3)" in printed
    assert "augmentation:" in printed
