"""What is kept and printed of a proof: figures before and after, and the cells that tell most."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from core.translatable import translatable
from models.classifier.opinion import VIEW
from models.laboratory.adapted import LaboratoryHead
from models.laboratory.head import Head, TooFewCellsError, fit
from models.laboratory.kinds_proof import KindsProof, prove_kinds
from models.laboratory.proof import Change, CurvePoint, Proof, learning_curve, prove
from services.learning.measures import rounded
from services.learning.observations import Networks
from services.learning.signed_cells import CellPlace, SignedCells

TOO_FEW = translatable(
    "{} blasts and {} other cells are signed; the rarer class comes from {} patients. At least {} "
    "of each, from 2 patients, are needed."
)

TRIAL = "trial"
"""Version of a head that is not kept."""


@dataclass(frozen=True)
class Proven:
    """A head, and what is kept of its proof as values that JSON takes."""

    head: LaboratoryHead
    proof: dict[str, Any]

    @property
    def passed(self) -> bool:
        """Say whether the head may be used."""
        return self.proof["passed"]


def prove_head(cells: SignedCells, networks: Networks) -> Proven:
    """Fit a head to signed cells, and test it by cross-validation over patients.

    Its version is `TRIAL` until it is kept.

    Raises:
        TooFewCellsError: There are too few cells or patients.
    """
    samples = cells.blasts()
    proof, kinds = prove(samples, networks.classifier.threshold(VIEW)), prove_kinds(cells.kinds())
    head = LaboratoryHead(
        TRIAL, {VIEW: proof.fit.head}, _smudge_head(cells), kinds.head if kinds else None
    )
    return Proven(head, _summary(cells, proof, kinds, learning_curve(samples)))


def too_few_sentence(error: TooFewCellsError) -> str:
    """Say how many cells there are, and how many are needed."""
    return TOO_FEW.format(error.positive, error.negative, error.groups, error.least)


def _smudge_head(cells: SignedCells) -> Head | None:
    try:
        return fit(cells.smudges()).head
    except TooFewCellsError:
        return None


def _summary(
    cells: SignedCells, proof: Proof, kinds: KindsProof | None, curve: list[CurvePoint]
) -> dict[str, Any]:
    changes = {**proof.changes, **(kinds.changes if kinds else {})}
    return {
        "passed": proof.passed and (kinds is None or kinds.passed),
        "cells": len(cells.labels),
        "blasts": int(cells.blasts().positive.sum()),
        "patients": len(np.unique(cells.patients)),
        "cases": len({place.case_id for place in cells.places}),
        "signed_first": cells.signed[0],
        "signed_last": cells.signed[1],
        "fields": sorted({place.analysis_id for place in cells.places}),
        "tried": int(proof.tried.sum()),
        "changes": {name: _change(each) for name, each in changes.items()},
        "kinds": _kinds(cells, kinds) if kinds else None,
        "curve": [_rounded(asdict(point)) for point in curve],
        "most_changed": [_changed_cell(cells, proof, row) for row in proof.most_changed().tolist()],
        "contradictions": [[_place(place) for place in group] for group in cells.contradictions],
    }


def _kinds(cells: SignedCells, kinds: KindsProof) -> dict[str, Any]:
    signed = Counter(cells.kinds().labels.tolist())
    return {
        "cells": kinds.cells,
        "moved": list(kinds.head.classes) if kinds.head else [],
        "classes": list(kinds.classes),
        "before": kinds.before.tolist(),
        "after": kinds.after.tolist(),
        "of_class": {
            code: {"cells": signed[code], **_change(change)}
            for code, change in kinds.of_class.items()
        },
    }


def _change(change: Change) -> dict[str, Any]:
    figures = {
        "before": change.before,
        "after": change.after,
        "difference_low": change.low,
        "difference_high": change.high,
    }
    return {**_rounded(figures), "passed": change.passed}


def _changed_cell(cells: SignedCells, proof: Proof, row: int) -> dict[str, Any]:
    before, after = (float(answered.probabilities[row]) for answered in (proof.before, proof.after))
    return {**_place(cells.places[row]), **_rounded({"before": before, "after": after})}


def _place(place: CellPlace) -> dict[str, Any]:
    return {**asdict(place), "box": list(place.box)}


def _rounded(figures: dict[str, Any]) -> dict[str, Any]:
    """Round figures for JSON; those that could not be measured are None."""
    return {name: rounded(value) for name, value in figures.items()}
