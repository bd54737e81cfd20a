"""One cell image to ALL blast, normal or uncertain."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.taxonomy import BLAST, SMUDGE
from imaging.images import RgbImage, classifier_input
from models.classifier.calibration import IN_DISTRIBUTION_LIMIT, check_calibrated
from models.classifier.cell_views import View
from models.findings import ALL_BLAST, NORMAL, UNCERTAIN
from models.manifest import Manifest, load_manifest
from models.runtime import Network, Precision

CellOutputs = dict[str, NDArray[np.float32]]
"""The network's outputs for one cell, by name."""

_NEVER = 2.0
"""A threshold for weights that were not trained on a kind."""

BATCHES = (1, 8)
"""Cells that the network is asked about at once; larger batches gain little and start slowly."""


@dataclass(frozen=True)
class Reading:
    """What the classifier says of one cell.

    Attributes:
        probability: Calibrated P(ALL blast) in 0..1.
        label: `ALL_BLAST`, `NORMAL` or `UNCERTAIN`.
        ood_score: How far the cell lies from those trained on; 1 is usual.
        in_distribution: Whether that is within the validated domain.
        kind: What the cell is, one of the manifest's kinds; None where the weights or the view do
            not tell.
        kind_probability: Probability of that kind in 0..1; None likewise.
        morphology: Value of each attribute of the cell's form, by attribute; empty likewise.
        morphology_probabilities: Probability of that value in 0..1, by attribute; empty likewise.
    """

    probability: float
    label: str
    ood_score: float
    in_distribution: bool
    kind: str | None = None
    kind_probability: float | None = None
    morphology: dict[str, str] = field(default_factory=dict)
    morphology_probabilities: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Opinion:
    """The classifier's opinion on one cell of a field.

    Attributes:
        probability: Calibrated P(ALL blast) in 0..1.
        label: `ALL_BLAST`, `NORMAL` or `UNCERTAIN`.
        kind: As in `Reading`.
        kind_probability: As in `Reading`.
        morphology: As in `Reading`.
        morphology_probabilities: As in `Reading`.
        in_distribution: As in `Reading`; None where nobody asked.
    """

    probability: float
    label: str
    kind: str | None = None
    kind_probability: float | None = None
    morphology: dict[str, str] = field(default_factory=dict)
    morphology_probabilities: dict[str, float] = field(default_factory=dict)
    in_distribution: bool | None = None


class Classifier:
    """The classifier served by OpenVINO: calibrated, with an uncertain band."""

    def __init__(self, network: Network, manifest: Manifest) -> None:
        self._network = network
        self._manifest = manifest
        self._blast = manifest.classes.index(ALL_BLAST)
        self._normal = manifest.classes.index(NORMAL)

    @classmethod
    def load(cls, folder: Path, precision: Precision = "auto") -> Classifier:
        """Check and compile the network in `folder`, a version's; raises `WeightsError`."""
        manifest = load_manifest(folder, "classifier")
        check_calibrated(manifest)
        image = (manifest.input_size, manifest.input_size, 3)
        return cls(Network(manifest.network, image, BATCHES, precision), manifest)

    @property
    def version(self) -> str:
        """Version of the weights, as the manifest states it."""
        return self._manifest.version

    @property
    def manifest(self) -> Manifest:
        """What the weights say of themselves."""
        return self._manifest

    @property
    def least_smudge(self) -> float:
        """Probability from which on a cell is a smudge; above 1 where the weights know none."""
        return self._manifest.thresholds.get(SMUDGE, _NEVER)

    def read(self, window: RgbImage, view: str) -> Reading:
        """Read one cell.

        Args:
            window: uint8 (side, side, 3) RGB, from `cell_views.cut`.
            view: How it is seen, one of `cell_views.VIEWS`.
        """
        outputs = self.outputs(window)
        opinion = self.opinion(outputs, view)
        return Reading(
            opinion.probability,
            opinion.label,
            self.ood_score(outputs),
            self._in_distribution(outputs),
            opinion.kind,
            opinion.kind_probability,
            opinion.morphology,
            opinion.morphology_probabilities,
        )

    def opinions(self, windows: Sequence[RgbImage], view: str) -> list[Opinion]:
        """Read several cells at once.

        Args:
            windows: uint8 (side, side, 3) RGB each, from `cell_views.cut`.
            view: How they are seen, one of `cell_views.VIEWS`.
        """
        return [self.opinion(outputs, view) for outputs in self.all_outputs(windows)]

    def probabilities(self, windows: Sequence[RgbImage], view: str) -> NDArray[np.float64]:
        """Read several cells at once.

        Args:
            windows: uint8 (side, side, 3) RGB each, from `cell_views.cut`.
            view: How they are seen, one of `cell_views.VIEWS`.

        Returns:
            Calibrated P(ALL blast) in 0..1, (n,).
        """
        outputs = self.all_outputs(windows)
        return np.array([self.probability(each, view) for each in outputs])

    def activation_map(self, window: RgbImage) -> NDArray[np.float32]:
        """Compute what each place adds to the answer.

        Class activation mapping (Zhou et al. 2016) of a network that is pooled last.

        Args:
            window: uint8 (side, side, 3) RGB, from `cell_views.cut`.

        Returns:
            float32 (h, w) in log odds: above 0 for ALL blast, below for normal. Its mean is the
            difference of the two logits, exactly.
        """
        cam = self.outputs(window)["cam"]
        return cam[..., self._blast] - cam[..., self._normal]

    def label(self, probability: float, view: str) -> str:
        """Name a calibrated probability: below, in or above the uncertain band."""
        limits = self._manifest.views[view]
        if probability >= limits["uncertain_high"]:
            return ALL_BLAST
        if probability < limits["uncertain_low"]:
            return NORMAL
        return UNCERTAIN

    def threshold(self, view: str) -> float:
        """Return the probability from which on a cell of a view counts as a blast."""
        return self._manifest.views[view]["uncertain_high"]

    def outputs(self, window: RgbImage) -> CellOutputs:
        """Return all that the network says of one window, before calibration.

        "logits" (2,), "cam" (h, w, 2), "embedding" (features,); where the weights have them "kind"
        (kinds,) and "attributes" (values of all attributes,), logits both.
        """
        return next(self.all_outputs([window]))

    @staticmethod
    def ood_score(outputs: CellOutputs) -> float:
        """Compute how unlike the trained-on cells this one is; 1 is usual.

        Root mean square of the whitened features: a Mahalanobis distance over their number.
        """
        return float(np.sqrt((outputs["embedding"] ** 2).mean()))

    def all_outputs(self, windows: Sequence[RgbImage]) -> Iterator[CellOutputs]:
        """Give what the network says of each of several windows, as `outputs` does of one."""
        step = max(BATCHES)
        for at in range(0, len(windows), step):
            of_part = self._network.run(self._batch(windows[at : at + step]))
            for row in range(len(of_part["logits"])):
                yield {name: values[row] for name, values in of_part.items()}

    def _batch(self, windows: Sequence[RgbImage]) -> NDArray[np.float32]:
        size, stretched = self._manifest.input_size, self._manifest.stretched
        return np.stack([classifier_input(window, size, stretched) for window in windows])

    def opinion(self, outputs: CellOutputs, view: str) -> Opinion:
        """Read what the network says of one cell."""
        probability = self.probability(outputs, view)
        label = self.label(probability, view)
        # Kinds and morphology are learnt from cells with their surroundings alone.
        if not self._manifest.kinds or view != View.CONTEXT:
            return Opinion(probability, label, in_distribution=self._in_distribution(outputs))
        kind, of_kind = likeliest_kind(self.kinds(outputs), label, self.least_smudge)
        form = self._morphology(outputs)
        return Opinion(
            probability,
            UNCERTAIN if kind == SMUDGE else label,
            kind,
            of_kind,
            {name: value for name, (value, _) in form.items()},
            {name: share for name, (_, share) in form.items()},
            self._in_distribution(outputs),
        )

    def _in_distribution(self, outputs: CellOutputs) -> bool:
        return self.ood_score(outputs) <= self._manifest.thresholds[IN_DISTRIBUTION_LIMIT]

    def probability(self, outputs: CellOutputs, view: str) -> float:
        """Return the calibrated P(ALL blast), 0..1, of what the network says of one cell."""
        from scipy.special import expit

        logits = outputs["logits"]
        limits = self._manifest.views[view]
        difference = float(logits[self._blast]) - float(logits[self._normal])
        return float(expit(difference / limits["temperature"] + limits.get("offset", 0.0)))

    def kinds(self, outputs: CellOutputs) -> dict[str, float]:
        """Return the probability (0..1) of each kind that the weights tell apart, if they do."""
        from scipy.special import softmax

        if not self._manifest.kinds:
            return {}
        shares = softmax(outputs["kind"].astype(np.float64)).tolist()
        return dict(zip(self._manifest.kinds, shares, strict=True))

    def _morphology(self, outputs: CellOutputs) -> dict[str, tuple[str, float]]:
        """Return the likeliest value of each attribute, with its probability in 0..1."""
        attributes = self._manifest.attributes
        if not attributes:
            return {}
        ends = np.cumsum([len(values) for values in attributes.values()])[:-1]
        parts = np.split(outputs["attributes"], ends)
        return {
            name: _likeliest(values, part)
            for (name, values), part in zip(attributes.items(), parts, strict=True)
        }


def likeliest_kind(
    kinds: Mapping[str, float], label: str, least_smudge: float
) -> tuple[str, float]:
    """Name the kind of a cell, with its probability in 0..1.

    A smudge from its threshold on, whatever else it may have been; a blast where the label says so;
    else the likeliest other kind.

    Args:
        kinds: Probability of each kind.
        label: `ALL_BLAST`, `NORMAL` or `UNCERTAIN`.
        least_smudge: Probability from which on a cell is a smudge.
    """
    smudge = kinds.get(SMUDGE, 0.0)
    if smudge >= least_smudge:
        return SMUDGE, smudge
    if label == ALL_BLAST:
        return BLAST, kinds[BLAST]
    kind = max(kinds.keys() - {BLAST, SMUDGE}, key=lambda one: kinds[one])
    return kind, kinds[kind]


def _likeliest(values: Sequence[str], logits: NDArray[np.float32]) -> tuple[str, float]:
    from scipy.special import softmax

    shares = softmax(logits.astype(np.float64))
    best = int(shares.argmax())
    return values[best], float(shares[best])
