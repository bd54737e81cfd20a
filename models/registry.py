"""Both networks, loaded together before serving begins."""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path

from imaging.images import RgbImage
from models.classifier.cell_views import cut
from models.classifier.classifier import Classifier
from models.classifier.opinion import name_cells
from models.detector.detector import Detector
from models.findings import Classification, FieldFindings, Progress, halves
from models.quality_control.checks import Examination, examine
from models.quality_control.fields import examine_field
from models.runtime import Precision
from models.versions import active_folder

LIBRARIES = ("scipy.ndimage", "scipy.spatial", "scipy.special")
"""What reads an image beside the networks; the first one would else wait for them."""


@dataclass(frozen=True)
class Models:
    """The two networks of an installation."""

    classifier: Classifier
    detector: Detector

    def classify(self, rgb: RgbImage, override: bool = False) -> Classification:
        """Read the one cell of an image, if its quality allows it.

        Args:
            rgb: uint8 (h, w, 3) RGB of any size.
            override: Read it also where its quality speaks against it, if there is one cell.
        """
        seen = examine(rgb, self.detector)
        said = self._said(seen, rgb)
        if seen.window is None or seen.view is None:
            return said
        if seen.code and not (override and seen.can_override):
            return said
        reading = self.classifier.read(cut(rgb, seen.window, seen.view), seen.view)
        return replace(
            said,
            label=reading.label,
            probability=reading.probability,
            usable=True,
            can_override=False,
            overridden=seen.can_override,
            quality=seen.quality(override=True),
            in_distribution=reading.in_distribution,
            kind=reading.kind,
            kind_probability=reading.kind_probability,
            morphology=reading.morphology,
            morphology_probabilities=reading.morphology_probabilities,
        )

    def read_field(
        self,
        rgb: RgbImage,
        progress: Progress | None = None,
        min_confidence: float | None = None,
        override: bool = False,
    ) -> FieldFindings:
        """Find the cells of a field if its quality allows it; the classifier names the white ones.

        Args:
            rgb: uint8 (h, w, 3) RGB of any size.
            progress: Is told of both as `halves` of the way.
            min_confidence: As for `Detector.find`.
            override: Read it also where its quality speaks against it.

        Returns:
            The cells; each white one is called a blast or not by the classifier. None of a field
            that is not readable.
        """
        finding, naming = halves(progress)
        found = self.find_cells(rgb, finding, min_confidence, override)
        if found.quality and found.quality.not_readable:
            return found
        return name_cells(rgb, found, self.classifier, naming)

    def find_cells(
        self,
        rgb: RgbImage,
        progress: Progress | None = None,
        min_confidence: float | None = None,
        override: bool = False,
    ) -> FieldFindings:
        """Find the cells of a field, if its quality allows it, without asking the classifier.

        The arguments are those of `read_field`; its white cells are called as the detector does.
        """
        return examine_field(rgb, self.detector, progress, min_confidence, override)

    def _said(self, seen: Examination, rgb: RgbImage) -> Classification:
        """Tell what is known before the classifier is asked."""
        height, width = rgb.shape[:2]
        return Classification(
            label=None,
            probability=None,
            usable=False,
            model=self.classifier.version,
            code=seen.code,
            can_override=seen.can_override,
            view=seen.view,
            window=seen.window and seen.window.box,
            cells=seen.cells,
            width=width,
            height=height,
            quality=seen.quality(),
        )


def load_models(weights: Path, precision: Precision = "auto") -> Models:
    """Load the active versions of both networks.

    Args:
        weights: Folder with `classifier` and `detector`, each with its versions.
        precision: "auto" computes in bf16 where the processor has it, "f32" never does.

    Raises:
        WeightsError: Something is missing, altered, unreadable or not calibrated.
    """
    for name in LIBRARIES:
        import_module(name)
    return Models(
        Classifier.load(active_folder(weights, "classifier"), precision),
        Detector.load(active_folder(weights, "detector"), precision),
    )
