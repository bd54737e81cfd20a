"""What the served classifier says of strangers: each cell read by the network that never saw it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

from models.classifier.cell_views import VIEWS
from models.classifier.classifier import Classifier, softmax
from models.findings import ALL_BLAST, NORMAL, UNCERTAIN
from training.classifier.calibration import fit_temperature, uncertain_band
from training.classifier.data import BLAST, CellSource, Places, shown, strangers
from training.columns import Columns
from training.data import ROUNDS

SENSITIVITY = 0.95
"""Share of strangers' blasts that lie at or above the operating point, the uncertain band's foot.
"""

NORMAL_COVERAGE = 0.9
"""Share of strangers' normal cells that lie below the uncertain band's upper limit."""


@dataclass(frozen=True)
class Readings(Columns):
    """Cells of one view, arrays of n: logits (n, 2) of the network to which the cell is a stranger,
    distance from the training cells, whether it is a blast, kind, subject ("" where unknown), the
    round of that network, file.
    """

    logits: np.ndarray
    distances: np.ndarray
    blasts: np.ndarray
    kinds: np.ndarray
    subjects: np.ndarray
    rounds: np.ndarray
    files: np.ndarray


@dataclass(frozen=True)
class Limits:
    """Calibration of one view: temperature, and the uncertain band in probabilities."""

    temperature: float
    uncertain_low: float
    uncertain_high: float

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        """Return P(ALL blast), (n,), of logits (n, 2)."""
        return softmax(logits.astype(np.float64) / self.temperature)[:, BLAST]

    def labels(self, probabilities: np.ndarray) -> np.ndarray:
        """Name each probability as the served classifier does."""
        above = np.where(probabilities >= self.uncertain_high, ALL_BLAST, UNCERTAIN)
        return np.where(probabilities < self.uncertain_low, NORMAL, above)


def calibrate(readings: Readings) -> Limits:
    """Fit temperature and uncertain band to what networks said of strangers."""
    temperature = fit_temperature(readings.logits, readings.blasts.astype(int))
    probabilities = Limits(temperature, 0, 1).probabilities(readings.logits)
    band = uncertain_band(probabilities, readings.blasts, SENSITIVITY, NORMAL_COVERAGE)
    return Limits(temperature, *band)


def read_strangers(
    classifier: Classifier, places: Places, cells: int, crops: int
) -> dict[str, Readings]:
    """Read, for each round and view, what its network never saw.

    At most `cells` on black and `crops` crops of each subject (of each kind, where the subject is
    unknown).
    """
    parts: dict[str, list[Readings]] = {view: [] for view in VIEWS}
    for number, name in enumerate(ROUNDS):
        for view, sources in strangers(places, name).items():
            chosen = at_most(sources, {"black": cells, "crop": crops}[view])
            parts[view].append(_read(classifier, number, chosen, f"{name}, {view}"))
    return {view: Readings.joined(readings) for view, readings in parts.items()}


def at_most(sources: Sequence[CellSource], cells: int) -> list[CellSource]:
    """Choose up to `cells` of each subject (of each kind, if unknown), always the same ones."""
    members: dict[str, list[CellSource]] = {}
    for number in np.random.default_rng(0).permutation(len(sources)):
        source = sources[number]
        members.setdefault(source.subject or source.kind, []).append(source)
    return [source for group in members.values() for source in group[:cells]]


def _read(
    classifier: Classifier, number: int, sources: Sequence[CellSource], title: str
) -> Readings:
    """Read cells with the network of round `number`; their distance is that of the whole."""
    logits, distances = [], []
    for source in tqdm(sources, title, mininterval=5):
        outputs = classifier.outputs(shown(source))
        logits.append(outputs["members"][number])
        distances.append(classifier.ood_score(outputs))
    return Readings(
        logits=np.array(logits),
        distances=np.array(distances),
        blasts=np.array([bool(source.blast) for source in sources]),
        kinds=np.array([source.kind for source in sources]),
        subjects=np.array([source.subject for source in sources]),
        rounds=np.full(len(sources), ROUNDS[number]),
        files=np.array([source.path.name for source in sources]),
    )
