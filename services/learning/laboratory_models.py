"""The networks with the heads in use: one that answers, one in shadow that is only compared."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.geometry import Box
from core.taxonomy import BLAST, SMUDGE, WBC, WHITE_CELLS
from imaging.images import RgbImage
from models.classifier.opinion import VIEW, CellReader, white_cells, with_opinions
from models.findings import FieldFindings, Progress, halves
from models.installed import InstalledModels
from models.laboratory.adapted import AdaptedClassifier
from models.laboratory.cells import CellReadings, read_boxes
from models.laboratory.embedder import EMBEDDER, Embedder
from models.laboratory.head_file import from_bytes
from models.manifest import load_manifest
from models.runtime import Precision
from models.versions import active_folder
from records.learning import heads, shadow_answers
from records.learning.heads import FittedHead, HeadUse
from records.learning.shadow_answers import ShadowAnswers
from services.analyses.field_reading import NetworksAlone, ReadField
from services.learning.kept_features import keep_features
from services.learning.observations import Networks


@dataclass(frozen=True)
class _InUse:
    """A head under which cells are named; `model` is None where it fits other networks."""

    head_id: str
    model: AdaptedClassifier | None


class LaboratoryModels:
    """Reads fields as `FieldReader` says, under the laboratory's head where one is active."""

    def __init__(
        self, models: InstalledModels, weights: Path, precision: Precision = "auto"
    ) -> None:
        self._models = models
        self._alone = NetworksAlone(models.get)
        self._weights = weights
        self._precision: Precision = precision
        self._networks: Networks | None = None
        self._embedder_version: str | None = None
        self._loaded: dict[str, _InUse] = {}
        self._loading = threading.Lock()

    def networks(self) -> Networks:
        """Return the networks, the embedder loaded at the first call; raises `WeightsError`."""
        with self._loading:
            if self._networks is None:
                embedder = load_embedder(self._weights, self._precision)
                self._networks = Networks(self._models.get(), embedder)
            return self._networks

    def fits(self, head: FittedHead) -> bool:
        """Say whether a head was fitted to the networks that are served; raises `WeightsError`."""
        return (head.classifier, head.embedder) == self.versions()

    def versions(self) -> tuple[str, str]:
        """Return those of classifier and embedder, without loading the latter.

        Raises:
            WeightsError: The network of the features is not there.
        """
        if self._networks is not None:
            self._embedder_version = self._networks.embedder.version
        elif self._embedder_version is None:
            self._embedder_version = embedder_version(self._weights)
        return self._models.versions.classifier, self._embedder_version

    def read(self, rgb: RgbImage, progress: Progress | None, override: bool) -> ReadField:
        """Read a field; raises `WeightsError` where a head is in use, and its network is not there.

        A head that was fitted to other networks than those that are served does not answer.
        """
        active, shadow = self._in_use(HeadUse.ACTIVE), self._in_use(HeadUse.SHADOW)
        if not any(use and use.model for use in (active, shadow)):
            return self._alone.read(rgb, progress, override)
        finding, naming = halves(progress)
        found = self._models.get().find_cells(rgb, finding, override=override)
        boxes = [cell.box for cell in white_cells(found)]
        networks = self.networks()
        readings = read_boxes(rgb, boxes, networks.classifier, networks.embedder, naming)
        if readings is None:
            # Nothing to name: as the networks alone would leave it.
            return ReadField(self._named(found, None, active))
        return self._read(found, boxes, readings, active, shadow)

    def _read(
        self,
        found: FieldFindings,
        boxes: Sequence[Box],
        readings: CellReadings,
        active: _InUse | None,
        shadow: _InUse | None,
    ) -> ReadField:
        networks = self.networks()
        named = self._named(found, readings, active)
        compared = shadow.model and self._named(found, readings, shadow) if shadow else None

        def keep(analysis_id: str) -> None:
            keep_features(networks, analysis_id, boxes, readings.inputs)
            if shadow and compared:
                shadow_answers.add(_compared(analysis_id, shadow.head_id, named, compared))

        return ReadField(named, keep)

    def _named(
        self, found: FieldFindings, readings: CellReadings | None, use: _InUse | None
    ) -> FieldFindings:
        if found.quality and found.quality.not_readable:
            return found
        model = use.model if use else None
        reader: CellReader = model or self._models.get().classifier
        if readings is None:
            return with_opinions(found, [], reader)
        if model:
            return with_opinions(found, model.corrected(readings, VIEW), reader)
        base = self._models.get().classifier
        opinions = [base.opinion(outputs, VIEW) for outputs in readings.outputs]
        return with_opinions(found, opinions, reader)

    def _in_use(self, use: HeadUse) -> _InUse | None:
        head_id = heads.id_in_use(use)
        if head_id is None:
            return None
        if head_id not in self._loaded:
            self._loaded[head_id] = self._load(heads.get(head_id))
        return self._loaded[head_id]

    def _load(self, head: FittedHead) -> _InUse:
        if head.contents is None or not self.fits(head):
            return _InUse(head.id, None)
        networks = self.networks()
        fitted = from_bytes(head.contents)
        model = AdaptedClassifier(networks.classifier, networks.embedder, fitted)
        return _InUse(head.id, model)


def load_embedder(weights: Path, precision: Precision) -> Embedder:
    """Load the active version of the network that computes features; raises `WeightsError`."""
    return Embedder.load(active_folder(weights, EMBEDDER), precision)


def embedder_version(weights: Path) -> str:
    """Return the version that `load_embedder` would load; raises `WeightsError`."""
    return load_manifest(active_folder(weights, EMBEDDER), EMBEDDER).version


def _compared(
    analysis_id: str, head_id: str, named: FieldFindings, compared: FieldFindings
) -> ShadowAnswers:
    """Compare what the model that answers and the one in shadow call the cells of a field."""
    called, shadow = _blasts(named), _blasts(compared)
    kinds, shadow_kinds = _kinds(named), _kinds(compared)
    return ShadowAnswers(
        analysis_id=analysis_id,
        head_id=head_id,
        cells=sum(cell.label in WHITE_CELLS for cell in named.detections),
        blasts=len(called),
        shadow_blasts=len(shadow),
        differing=len(called ^ shadow),
        kinds_differing=sum(
            kinds[box] != shadow_kinds[box] for box in kinds.keys() & shadow_kinds.keys()
        ),
    )


def _kinds(findings: FieldFindings) -> dict[Box, str | None]:
    """Return the kinds of the counted cells that are not called blasts, by their boxes."""
    return {cell.box: cell.kind for cell in findings.detections if cell.label in (WBC, SMUDGE)}


def _blasts(findings: FieldFindings) -> set[Box]:
    """Return the boxes of the counted cells that are called blasts."""
    return {cell.box for cell in findings.detections if cell.label == BLAST}
