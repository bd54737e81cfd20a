"""What is signed: a case in one version, as values that are kept and hashed as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TypeAlias

from pydantic import Field

from core.taxonomy import BLAST, PROPOSED, CellClass, CellClasses
from models.findings import QualityIssue, Verdict
from models.manifest import VALIDATED_FOR
from records.analyses.analyses import AnalysisKind
from records.cases.cases import Priority
from services.analyses.findings import BlastShare
from services.cases.duplicates import duplicates_of
from services.cases.review import LeftOut, cell_name
from services.signed_model import Number, SignedModel

Edges: TypeAlias = tuple[Number, Number, Number, Number]
"""x1, y1, x2, y2 in pixels of the upright image."""


class Specimen(SignedModel):
    """What was looked at; `collected_on` is an ISO date or None."""

    pseudonym: str
    kind: str
    stain: str
    magnification: str
    collected_on: str | None
    notes: str
    # Left out where it is not: what was signed without it keeps its hash.
    leukopenia: bool = Field(default=False, exclude_if=lambda leukopenia: not leukopenia)
    # Likewise: signatures of before say neither.
    accession: str = Field(default="", exclude_if=lambda accession: not accession)
    priority: Priority | None = Field(default=None, exclude_if=lambda priority: priority is None)


class ImageQuality(SignedModel):
    """What quality control says of an image: codes of `models.findings.Quality`."""

    verdict: Verdict
    reasons: tuple[QualityIssue, ...]
    overridden: bool


class ImageSnapshot(SignedModel):
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


class ModelUsed(SignedModel):
    """A network that analysed images of the case; `files` has the SHA-256 of its weights by name.

    They are not known (empty) once another version is installed; neither is the `architecture`,
    which detectors and versions signed in the past do not state.
    """

    model: str
    version: str
    # Left out where unknown: what was signed without it keeps its hash.
    architecture: str | None = Field(default=None, exclude_if=lambda name: name is None)
    files: dict[str, str]
    # Left out where unknown, likewise.
    specimens: tuple[str, ...] | None = Field(default=None, exclude_if=lambda kinds: kinds is None)

    def validated_for(self, specimen: str) -> bool:
        """Say whether it was validated for a kind of specimen."""
        return specimen in (VALIDATED_FOR if self.specimens is None else self.specimens)


class CellSnapshot(SignedModel):
    """A white cell as `services.cases.review.Cell` has it; `image` is the number of its image.

    `blast` is the detector's probability of a blast, `second` and `second_label` what the
    classifier says. `by` and `at` (ISO 8601, UTC) are of the last review. One that is `left_out` is
    in no tally.
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
    # Left out where they say nothing: what was signed without them keeps its hash.
    at_edge: bool = Field(default=False, exclude_if=lambda at_edge: not at_edge)
    left_out: LeftOut | None = Field(default=None, exclude_if=lambda reason: reason is None)

    @property
    def name(self) -> str:
        """Its name for people: see `cell_name`."""
        return cell_name(self.image, self.id)


class OwnClass(SignedModel):
    """A class of the laboratory's own as it was when the case was collected.

    Attributes:
        code: What cells have as their label.
        name: As the laboratory typed it.
        white: Whether it counts among the white cells.
        loinc: LOINC code of its share of them in blood, else of its number per 100 of them; left
            out where there is none.
    """

    code: str
    name: str
    white: bool
    loinc: str | None = Field(default=None, exclude_if=lambda code: code is None)

    @classmethod
    def of(cls, one: CellClass) -> OwnClass:
        """Write a class down as it is now."""
        loinc = one.loinc[0] if one.loinc else None
        return cls(code=one.code, name=one.name, white=one.differential, loinc=loinc)

    @property
    def cell_class(self) -> CellClass:
        """The class itself."""
        loinc = (self.loinc, "") if self.loinc else None
        return CellClass(self.code, self.name, "", differential=self.white, loinc=loinc)


class Tally(SignedModel):
    """Cells by label; `share` of blasts among the `white` ones in 0..1, with its 95% interval.

    Share, interval and ratio of reviewers are None until every cell is reviewed.
    """

    labels: dict[str, int]
    white: int
    share: Number | None
    interval: tuple[Number, Number] | None
    erythroblasts_per_100: Number | None

    def count(self, label: str) -> int:
        """Return how many cells a class has; 0 if it is newer than the signature."""
        return self.labels.get(label, 0)

    def proposed(self, label: str) -> int | None:
        """Return how many cells models take for a class; None where they may not look for it."""
        return self.count(label) or (0 if label in PROPOSED else None)

    def per_100(self, label: str) -> float | None:
        """Return cells of a class to every hundred white cells; None where there is no share."""
        return None if self.share is None else 100 * self.count(label) / self.white

    @property
    def blasts(self) -> BlastShare:
        """Blasts among white cells, as pages show them."""
        return BlastShare(self.count(BLAST), self.white)


class CaseSnapshot(SignedModel):
    """A whole case in one version, as it is signed; `amended_because` from version 2 on.

    `own_classes` are those of the laboratory's that its cells have.
    """

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
    # Left out where there are none: what was signed without them keeps its hash.
    own_classes: tuple[OwnClass, ...] = Field(default=(), exclude_if=lambda classes: not classes)

    @property
    def classes(self) -> CellClasses:
        """The classes that its cells can have."""
        return CellClasses(tuple(one.cell_class for one in self.own_classes))

    @property
    def complete(self) -> bool:
        """Whether people reviewed every cell."""
        return self.reviewed == self.total

    @property
    def left_out(self) -> Counter[LeftOut]:
        """Cells that are no part of the tallies, by why."""
        return Counter(cell.left_out for cell in self.cells if cell.counted and cell.left_out)

    @property
    def not_validated(self) -> frozenset[str]:
        """Models that read its images without being validated for such a specimen."""
        kind = self.specimen.kind
        return frozenset(used.model for used in self.models if not used.validated_for(kind))

    @property
    def duplicates(self) -> tuple[int, ...]:
        """Numbers of images that show the same as an earlier one: their cells count twice."""
        with_cells = {cell.image for cell in self.cells if cell.counted}
        images = duplicates_of(image for image in self.images if image.number in with_cells)
        return tuple(image.number for image in images)


def classes_of(snapshots: Iterable[CaseSnapshot]) -> CellClasses:
    """Return the classes of all of these; one that several have is as the last one has it."""
    own = {one.code: one for snapshot in snapshots for one in snapshot.classes.own}
    return CellClasses(tuple(own.values()))


class Disagreement(SignedModel):
    """A cell that two readers name differently; None where one did not mark it at all.

    `decided` is what it was called in the end, where that was decided after both had signed.
    """

    cell: str
    first: str | None
    second: str | None
    # Left out where nothing was decided: what was signed without it keeps its hash.
    decided: str | None = Field(default=None, exclude_if=lambda label: label is None)


class Agreement(SignedModel):
    """How far two readers agree: Cohen's kappa, -1..1 or None, over `cells` that each named.

    `blind` where the second did not see what the first said.
    """

    kappa: Number | None
    cells: int
    disagreements: tuple[Disagreement, ...]
    # Left out where it is not: what was signed without it keeps its hash.
    blind: bool = Field(default=False, exclude_if=lambda blind: not blind)
