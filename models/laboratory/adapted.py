"""The classifier under a laboratory's head: the same questions, corrected answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from core.taxonomy import SMUDGE
from imaging.images import RgbImage
from models.classifier.cell_views import View
from models.classifier.classifier import CellOutputs, Classifier, Opinion, likeliest_kind
from models.findings import ALL_BLAST, NORMAL, UNCERTAIN
from models.laboratory.cells import CellReadings, read_cells
from models.laboratory.embedder import Embedder
from models.laboratory.head import Head, Numbers
from models.laboratory.kinds import KINDS, KindsHead


@dataclass(frozen=True)
class LaboratoryHead:
    """The corrections fitted to a laboratory's cells.

    Attributes:
        version: Of the head.
        blast: Corrects P(ALL blast) of cells that are seen so, by view; a view without one keeps
            the classifier's.
        smudge: Corrects P(smudge) of cells in fields; None where too few were named to learn from.
        kinds: Corrects which other kind such a cell is; None likewise, and where that is not better
            than the classifier alone.
    """

    version: str
    blast: Mapping[str, Head] = field(default_factory=dict)
    smudge: Head | None = None
    kinds: KindsHead | None = None

    def blasts(self, readings: CellReadings, view: str) -> Numbers:
        """Return the corrected P(ALL blast) in 0..1, (n,)."""
        head = self.blast.get(view)
        return head.probabilities(readings.blast, readings.features) if head else readings.blast

    def smudges(self, readings: CellReadings, view: str) -> Numbers:
        """Return the corrected P(smudge) in 0..1, (n,)."""
        if self.smudge is None or view != View.CONTEXT:
            return readings.smudge
        return self.smudge.probabilities(readings.smudge, readings.features)

    def kind_shares(self, readings: CellReadings, view: str) -> NDArray[np.floating]:
        """Return the corrected probability of each of `kinds.KINDS` in 0..1, (n, kinds)."""
        if self.kinds is None or view != View.CONTEXT:
            return readings.kinds
        return self.kinds.corrected(readings.kinds, readings.features)


class AdaptedClassifier:
    """Reads cells as the classifier does, and lets a laboratory's head correct it."""

    def __init__(self, classifier: Classifier, embedder: Embedder, head: LaboratoryHead) -> None:
        self._classifier = classifier
        self._embedder = embedder
        self._head = head

    @property
    def version(self) -> str:
        """Versions of the classifier and of the head."""
        return f"{self._classifier.version}+{self._head.version}"

    def threshold(self, view: str) -> float:
        """Return the probability from which on a cell of a view counts as a blast."""
        head = self._head.blast.get(view)
        return head.threshold if head else self._classifier.threshold(view)

    def opinions(self, windows: Sequence[RgbImage], view: str) -> list[Opinion]:
        """Read several cells, from `cell_views.cut`, at once."""
        return self.corrected(read_cells(windows, self._classifier, self._embedder, view), view)

    def corrected(self, readings: CellReadings, view: str) -> list[Opinion]:
        """Correct what the networks say of cells."""
        told = (
            readings.outputs,
            self._head.blasts(readings, view).tolist(),
            self._head.smudges(readings, view).tolist(),
            self._head.kind_shares(readings, view).tolist(),
        )
        return [
            self._corrected(outputs, blast, _by_kind(shares, smudge), view)
            for outputs, blast, smudge, shares in zip(*told, strict=True)
        ]

    def _corrected(
        self, outputs: CellOutputs, blast: float, kinds: Mapping[str, float], view: str
    ) -> Opinion:
        base, label = self._classifier.opinion(outputs, view), self._label(blast, view)
        if base.kind is None:
            return replace(base, probability=blast, label=label)
        kind, of_kind = likeliest_kind(kinds, label, self._least_smudge())
        return replace(
            base,
            probability=blast,
            label=UNCERTAIN if kind == SMUDGE else label,
            kind=kind,
            kind_probability=of_kind,
        )

    def _label(self, blast: float, view: str) -> str:
        head = self._head.blast.get(view)
        if head is None:
            return self._classifier.label(blast, view)
        if blast >= head.threshold:
            return ALL_BLAST
        return NORMAL if blast < head.lower else UNCERTAIN

    def _least_smudge(self) -> float:
        smudge = self._head.smudge
        return smudge.threshold if smudge else self._classifier.least_smudge


def _by_kind(shares: Sequence[float], smudge: float) -> dict[str, float]:
    return {**dict(zip(KINDS, shares, strict=True)), SMUDGE: smudge}
