"""What is signed: a case in one version, as values that are kept and hashed as JSON."""

from __future__ import annotations

from typing import Any, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from core.taxonomy import BLAST
from models.findings import QualityIssue, Verdict
from records.analyses.analyses import AnalysisKind
from services.analyses.findings import BlastShare
from services.cases.duplicates import duplicates_of

Number: TypeAlias = int | float
"""A number that keeps its JSON form: the first signatures hash "10" and "10.0" as they stand."""

Edges: TypeAlias = tuple[Number, Number, Number, Number]
"""x1, y1, x2, y2 in pixels of the upright image."""


class SnapshotModel(BaseModel):
    """A value that never changes; an unknown field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def serialize(self) -> dict[str, Any]:
        """Return the value as JSON takes it; `model_validate` reads it back."""
        return self.model_dump(mode="json", by_alias=True)


class Specimen(SnapshotModel):
    """What was looked at; `collected_on` is an ISO date or None."""

    pseudonym: str
    kind: str
    stain: str
    magnification: str
    collected_on: str | None
    notes: str


class ImageQuality(SnapshotModel):
    """What quality control says of an image: codes of `models.findings.Quality`."""

    verdict: Verdict
    reasons: tuple[QualityIssue, ...]
    overridden: bool


class ImageSnapshot(SnapshotModel):
    """One image of the case, numbered from 1; sizes in pixels.

    It goes by its number and the SHA-256 of its file, since a file's name may be a patient's.
    """

    number: int
    id: str
    kind: AnalysisKind
    sha256: str
    width: int
    height: int
    model: str
    second_model: str | None
    thresholds: dict[str, Number]
    # Left out where it was not judged: what was signed without it keeps its hash.
    quality: ImageQuality | None = Field(default=None, exclude_if=lambda quality: quality is None)


class ModelUsed(SnapshotModel):
    """A network that analysed images of the case; `files` has the SHA-256 of its weights by name.

    They are not known (empty) once another version is installed; neither is the `architecture`,
    which detectors and versions signed in the past do not state.
    """

    model: str
    version: str
    # Left out where unknown: what was signed without it keeps its hash.
    architecture: str | None = Field(default=None, exclude_if=lambda name: name is None)
    files: dict[str, str]


class CellSnapshot(SnapshotModel):
    """A white cell as `services.cases.review.Cell` has it; `image` is the number of its image.

    `blast` is the detector's probability of a blast, `second` and `second_label` what the
    classifier says. `by` and `at` (ISO 8601, UTC) are of the last review.
    """

    id: str
    image: int
    box: Edges
    proposed: str | None
    label: str
    doubtful: bool
    counted: bool
    seen: bool
    blast: Number | None
    second: Number | None
    second_label: str | None
    by: str | None
    at: str | None

    @property
    def name(self) -> str:
        """Its name for people, as the reading room counts: image and cell, both from 1."""
        number = self.id.partition(".")[2]
        return f"{self.image}.{int(number) + 1 if number.isdecimal() else number}"


class Tally(SnapshotModel):
    """Cells by label; `share` of blasts among the `white` ones in 0..1, with its 95% interval."""

    labels: dict[str, int]
    white: int
    share: Number | None
    interval: tuple[Number, Number] | None
    erythroblasts_per_100: Number | None

    def count(self, label: str) -> int:
        """Return how many cells a class has; 0 if it is newer than the signature."""
        return self.labels.get(label, 0)

    @property
    def blasts(self) -> BlastShare:
        """Blasts among white cells, as pages show them."""
        return BlastShare(self.count(BLAST), self.white)


class CaseSnapshot(SnapshotModel):
    """A whole case in one version, as it is signed; `amended_because` from version 2 on."""

    case_id: str
    version: int
    amended_because: str | None
    specimen: Specimen
    images: tuple[ImageSnapshot, ...]
    models: tuple[ModelUsed, ...]
    cells: tuple[CellSnapshot, ...]
    by_models: Tally
    by_reviewers: Tally
    reviewed: int
    total: int

    @property
    def duplicates(self) -> tuple[int, ...]:
        """Numbers of images that show the same as an earlier one: their cells count twice."""
        with_cells = {cell.image for cell in self.cells if cell.counted}
        images = duplicates_of(image for image in self.images if image.number in with_cells)
        return tuple(image.number for image in images)


class Disagreement(SnapshotModel):
    """A cell that two readers name differently; None where one did not mark it at all."""

    cell: str
    first: str | None
    second: str | None


class Agreement(SnapshotModel):
    """How far two readers agree: Cohen's kappa, -1..1 or None, over `cells` that each named."""

    kappa: Number | None
    cells: int
    disagreements: tuple[Disagreement, ...]
