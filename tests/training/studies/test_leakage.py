"""What a random split leaks: told where it is there, and not where it is not."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

from tests.training.classifier.test_architectures import small_backbone
from training.__main__ import main
from training.classifier.architectures import ARCHITECTURES, Architecture, build
from training.classifier.data import CellSource
from training.metrics.scores import auroc
from training.studies import compare, compare_report, leakage
from training.studies.leakage import classify, recognise

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

PEOPLE = 12
CELLS = 40


def describe(of_person: float, of_class: float) -> dict[CellSource, np.ndarray]:
    """Cells of people, half of them with blasts: what marks a person, what marks a class, noise."""
    rng = np.random.default_rng(0)
    marks = rng.normal(size=(PEOPLE, 24))
    described = {}
    for number in range(PEOPLE * CELLS):
        person, blast = number % PEOPLE, number % 2
        cell = CellSource(Path(f"{number}.png"), None, blast, "", str(person))
        known = np.append(of_person * marks[person], of_class * blast)
        described[cell] = known + rng.normal(size=25)
    return described


def at_random(described) -> tuple[list[CellSource], list[CellSource]]:
    """Divide into the first cells of every person, and the last ones."""
    cells = list(described)
    return cells[: PEOPLE * CELLS // 2], cells[PEOPLE * CELLS // 2 :]


def held_out(described) -> tuple[list[CellSource], list[CellSource]]:
    known = [cell for cell in described if int(cell.subject) < PEOPLE // 2]
    return known, [cell for cell in described if cell not in known]


def area_under_curve(described, divided) -> float:
    found = classify(described, *divided)
    return auroc(found.probabilities, found.blasts)


def test_features_of_people_look_like_those_of_blasts_where_people_are_on_both_sides():
    described = describe(of_person=3, of_class=0)
    assert area_under_curve(described, at_random(described)) > 0.95
    assert area_under_curve(described, held_out(described)) < 0.8


def test_features_of_blasts_serve_held_out_subjects_as_well():
    described = describe(of_person=0, of_class=4)
    both = [area_under_curve(described, split(described)) for split in (at_random, held_out)]
    assert min(both) > 0.95


def test_people_are_recognised_where_features_differ():
    marked, plain = (describe(of_person=strength, of_class=1) for strength in (3, 0))
    known, guess = recognise(marked, *at_random(marked))
    assert known.low > 0.9
    assert guess == pytest.approx(1 / PEOPLE)
    unknown, _ = recognise(plain, *at_random(plain))
    assert unknown.value < 0.3


def test_the_command_prints_both_protocols_and_records(drawn_sets, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(ARCHITECTURES, "small", Architecture(small_backbone, 32))
    monkeypatch.setattr(leakage, "PROJECT", tmp_path)
    monkeypatch.setattr(compare, "_TEST_SHARE", 0.5)
    monkeypatch.setattr(compare_report, "BOOTSTRAP_SAMPLES", 10)
    monkeypatch.setattr(leakage, "BOOTSTRAP_SAMPLES", 10)
    (tmp_path / "docs").mkdir()
    keras.utils.set_random_seed(0)
    build("small").get_layer("backbone").save_weights(tmp_path / "start.weights.h5")

    words = ("--data", drawn_sets, "--init", tmp_path / "start.weights.h5", "--record")
    numbers = ("--architecture", "small", "--size", "24", "--seed", "0")
    assert main(["leakage", *map(str, words), *numbers]) == 0
    printed = capsys.readouterr().out
    assert "| small, frozen |" in printed
    assert "the subject is recognised" in printed
    assert printed.strip() in (tmp_path / "docs" / "studies.md").read_text()
