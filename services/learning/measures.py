"""Measure accuracy on labelled fields and cells, with and without a head."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass
from math import isnan

import numpy as np
from numpy.typing import NDArray

from core.average_precision import average_precision, match
from core.statistics import auroc, share
from core.taxonomy import BLAST, SMUDGE, WBC
from models.classifier.cell_views import View
from models.classifier.classifier import Classifier, Opinion
from models.findings import ALL_BLAST
from models.laboratory.adapted import AdaptedClassifier, LaboratoryHead
from models.laboratory.cells import CellReadings
from models.laboratory.head import Numbers
from services.learning.observations import ObservedField, SingleCells, white_share

DECIMALS = 4


@dataclass(frozen=True)
class Answers:
    """What is said of n cells, arrays (n,).

    Attributes:
        blast: P(ALL blast) in 0..1.
        smudge: P(smudge) in 0..1.
        called: Whether each is called a blast.
    """

    blast: NDArray[np.float64]
    smudge: NDArray[np.float64]
    called: NDArray[np.bool_]


Answer = Callable[[CellReadings, str], Answers]
"""Maps the readings of cells and their view to answers."""


@dataclass(frozen=True)
class Measures:
    """Figures of an archive; None where it holds nothing to measure one on.

    Attributes:
        auroc: Of P(blast), blasts against other white cells, over the cells that were found.
        sensitivity: Share of all blasts that were found and called so.
        false_blasts_per_field: Cells called blast a field that holds none.
        blast_ap50: Average precision of blasts at an overlap of half.
        wbc_ap50: That of white cells, blasts or not; smudges are none.
    """

    auroc: float | None
    sensitivity: float | None
    false_blasts_per_field: float | None
    blast_ap50: float | None
    wbc_ap50: float | None

    def to_dict(self) -> dict[str, float | None]:
        """Serialise to values that JSON takes."""
        return asdict(self)


@dataclass(frozen=True)
class _ScoredField:
    """A field's white cells, arrays (found,): whether each counts, and its label."""

    field: ObservedField
    answers: Answers
    counted: NDArray[np.bool_]
    labels: NDArray[np.str_]

    @property
    def called(self) -> NDArray[np.bool_]:
        return self.answers.called & self.counted

    def holds(self, label: str) -> bool:
        return label in self.field.true_labels


def base_answers(classifier: Classifier) -> Answer:
    """Answer as the classifier does by itself."""

    def answer(readings: CellReadings, view: str) -> Answers:
        opinions = [classifier.opinion(each, view) for each in readings.outputs]
        return _answers(opinions, readings.smudge)

    return answer


def head_answers(adapted: AdaptedClassifier, head: LaboratoryHead) -> Answer:
    """Answer as the classifier does under a head."""

    def answer(readings: CellReadings, view: str) -> Answers:
        return _answers(adapted.corrected(readings, view), head.smudges(readings, view))

    return answer


def _answers(opinions: Sequence[Opinion], smudge: Numbers) -> Answers:
    called = [one.label == ALL_BLAST and one.kind != SMUDGE for one in opinions]
    return Answers(np.array([one.probability for one in opinions]), smudge, np.array(called))


def measure(
    fields: Sequence[ObservedField], singles: Sequence[SingleCells], answer: Answer
) -> Measures:
    """Measure how labelled fields and single cells are read."""
    scored = [_scored(each, answer) for each in fields]
    said = [answer(each.readings, each.view) for each in singles]
    scores = [one.answers.blast[one.counted] for one in scored] + [one.blast for one in said]
    labels = [one.labels[one.counted] for one in scored] + [one.labels for one in singles]
    called = sum(int(one.called[one.labels == BLAST].sum()) for one in scored)
    called += sum(
        int(one.called[of.labels == BLAST].sum()) for one, of in zip(said, singles, strict=True)
    )
    blasts = sum(one.field.true_labels.count(BLAST) for one in scored)
    blasts += sum(int((of.labels == BLAST).sum()) for of in singles)
    without = [one for one in scored if not one.holds(BLAST)]
    return Measures(
        auroc=rounded(_auroc(scores, labels)),
        sensitivity=rounded(share(called, blasts)),
        false_blasts_per_field=rounded(
            share(sum(int(one.called.sum()) for one in without), len(without))
        ),
        blast_ap50=rounded(_average_precision(scored, (BLAST,))),
        wbc_ap50=rounded(_average_precision(scored, (BLAST, WBC))),
    )


def _scored(field: ObservedField, answer: Answer) -> _ScoredField:
    found = len(field.found)
    nothing = np.empty(0)
    answers = Answers(nothing, nothing, nothing.astype(bool))
    if found and field.readings:
        answers = answer(field.readings.of(slice(found)), View.CONTEXT)
    counted = np.arange(found) < field.counted
    return _ScoredField(field, answers, counted, np.array(field.labels[:found], str))


def _auroc(scores: Sequence[NDArray[np.float64]], labels: Sequence[NDArray[np.str_]]) -> float:
    if not scores:
        return float("nan")
    every, names = np.concatenate(scores), np.concatenate(labels)
    known = np.isin(names, (BLAST, WBC))
    return auroc(every[known], names[known] == BLAST)


def _average_precision(scored: Sequence[_ScoredField], labels: Collection[str]) -> float:
    images = []
    for one in scored:
        true = np.isin(np.array(one.field.true_labels, str), list(labels))
        boxes = np.array([cell.box for cell in one.field.found]).reshape(-1, 4)
        images.append(match(boxes, _confidences(one, labels), one.field.true_boxes[true]))
    return float(average_precision(images)[0]) if images else float("nan")


def _confidences(one: _ScoredField, labels: Collection[str]) -> NDArray[np.float64]:
    """Return the probability (0..1) that each found cell is a white cell of these labels."""
    white = np.array([white_share(cell) for cell in one.field.found])
    intact = white * (1 - one.answers.smudge)
    return intact if WBC in labels else intact * one.answers.blast


def rounded(value: float) -> float | None:
    """Round a figure for JSON; None for one that could not be measured."""
    return None if isnan(value) else round(value, DECIMALS)
