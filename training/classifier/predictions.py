"""Predictions for held-out subjects: of each cell by the network that never saw it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import softmax
from tqdm import tqdm

from models.classifier.cell_views import VIEWS
from models.classifier.classifier import Classifier
from models.findings import ALL_BLAST, NORMAL, UNCERTAIN
from training.classifier.calibration import fit_temperature, uncertain_band
from training.classifier.data import BLAST, CellSource, Places, classifier_view, held_out_sources
from training.columns import Columns
from training.data import FOLDS, DataError

SENSITIVITY = 0.95
"""Share of held-out blasts at or above the operating point, the uncertain band's lower end."""

NORMAL_COVERAGE = 0.9
"""Share of held-out normal cells below the uncertain band's upper end."""


@dataclass(frozen=True)
class Predictions(Columns):
    """Cells of one view, arrays (n, ...).

    Attributes:
        logits: (n, 2), of the network that was not trained on the cell's subject.
        ood_scores: Out-of-distribution score: distance from the training cells, 1 is usual.
        blasts: Ground truth, bool.
        kinds: "all", "hem" or what a set calls the cell.
        subjects: The person, empty where unknown.
        folds: That network's fold.
        files: Name of the image.
    """

    logits: np.ndarray
    ood_scores: np.ndarray
    blasts: np.ndarray
    kinds: np.ndarray
    subjects: np.ndarray
    folds: np.ndarray
    files: np.ndarray


@dataclass(frozen=True)
class Limits:
    """Calibration of one view.

    Attributes:
        temperature: Divides the logits.
        uncertain_low: The operating point: lower end of the uncertain band, a probability.
        uncertain_high: Its upper end.
    """

    temperature: float
    uncertain_low: float
    uncertain_high: float

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        """Return P(ALL blast), (n,), of logits (n, 2)."""
        return softmax(logits.astype(np.float64) / self.temperature, axis=1)[:, BLAST]

    def labels(self, probabilities: np.ndarray) -> np.ndarray:
        """Name each probability as the served classifier does."""
        above = np.where(probabilities >= self.uncertain_high, ALL_BLAST, UNCERTAIN)
        return np.where(probabilities < self.uncertain_low, NORMAL, above)


def calibrate(predictions: Predictions) -> Limits:
    """Fit temperature and uncertain band to predictions for held-out subjects."""
    temperature = fit_temperature(predictions.logits, predictions.blasts.astype(int))
    probabilities = Limits(temperature, 0, 1).probabilities(predictions.logits)
    band = uncertain_band(probabilities, predictions.blasts, SENSITIVITY, NORMAL_COVERAGE)
    return Limits(temperature, *band)


def predict_held_out(
    classifier: Classifier, places: Places, cells: int, crops: int
) -> dict[str, Predictions]:
    """Predict, for each fold, the cells that its network never saw.

    Args:
        classifier: As served, all networks together.
        places: Where the cells are.
        cells: Cells on black of each subject, at most.
        crops: Crops of each subject (of each kind, where unknown), at most.

    Returns:
        Predictions by view.
    """
    parts: dict[str, list[Predictions]] = {view: [] for view in VIEWS}
    for number, name in enumerate(FOLDS):
        for view, sources in held_out_sources(places, name).items():
            chosen = limit_per_subject(sources, {"black": cells, "crop": crops}[view])
            parts[view].append(_predict(classifier, number, chosen, f"{name}, {view}"))
    return {view: Predictions.concatenate(predictions) for view, predictions in parts.items()}


def limit_per_subject(sources: Sequence[CellSource], cells: int) -> list[CellSource]:
    """Choose up to `cells` of each subject (or kind), always the same ones."""
    members: dict[str, list[CellSource]] = {}
    for number in np.random.default_rng(0).permutation(len(sources)):
        source = sources[number]
        members.setdefault(source.subject or source.kind, []).append(source)
    return [source for group in members.values() for source in group[:cells]]


def _predict(
    classifier: Classifier, number: int, sources: Sequence[CellSource], title: str
) -> Predictions:
    """Predict cells with one fold's network; the score is that of the ensemble."""
    logits, ood_scores = [], []
    for source in tqdm(sources, title, mininterval=5):
        outputs = classifier.outputs(classifier_view(source))
        if "members" not in outputs:
            raise DataError(
                f"Classifier {classifier.version} is one network, not the ensemble that this "
                "command measures. Its metrics come with: python -m training.cells export"
            )
        logits.append(outputs["members"][number])
        ood_scores.append(classifier.ood_score(outputs))
    return Predictions(
        logits=np.array(logits),
        ood_scores=np.array(ood_scores),
        blasts=np.array([bool(source.blast) for source in sources]),
        kinds=np.array([source.kind for source in sources]),
        subjects=np.array([source.subject for source in sources]),
        folds=np.full(len(sources), FOLDS[number]),
        files=np.array([source.path.name for source in sources]),
    )
