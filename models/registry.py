"""Both networks, loaded together before serving begins."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from imaging.images import RgbImage
from models.classifier.cell_views import cut
from models.classifier.classifier import Classifier
from models.classifier.opinion import name_cells
from models.detector.detector import Detector
from models.findings import Classification, FieldFindings, Progress
from models.quality_control.checks import Examination, examine
from models.quality_control.fields import examine_field
from models.runtime import Precision
from models.versions import active_folder


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
            quality=seen.judgement.quality(override=True),
            in_distribution=reading.in_distribution,
            kind=reading.kind,
            kind_probability=reading.kind_probability,
            morphology=reading.morphology,
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
            progress: Is told of both as halves of the way: which takes longer is not known before.
            min_confidence: As for `Detector.find`.
            override: Read it also where its quality speaks against it.

        Returns:
            The cells; each white one is called a blast or not by the classifier. None of a field
            that is not readable.
        """
        tell = progress or _nobody
        found = examine_field(
            rgb,
            self.detector,
            lambda done, total: tell(done, 2 * total),
            min_confidence,
            override,
        )
        if found.quality and found.quality.not_readable:
            return found
        return name_cells(
            rgb, found, self.classifier, lambda done, total: tell(total + done, 2 * total)
        )

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
            quality=replace(seen.judgement.quality(), can_override=seen.can_override),
        )


def load_models(weights: Path, precision: Precision = "auto") -> Models:
    """Load the active versions of both networks.

    Args:
        weights: Folder with `classifier` and `detector`, each with its versions.
        precision: "auto" computes in bf16 where the processor has it, "f32" never does.

    Raises:
        WeightsError: Something is missing, altered, unreadable or not calibrated.
    """
    return Models(
        Classifier.load(active_folder(weights, "classifier"), precision),
        Detector.load(active_folder(weights, "detector"), precision),
    )


def _nobody(done: int, total: int) -> None:
    """Stand in where nobody asked for progress."""
