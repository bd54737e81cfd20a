"""The white cells that a laboratory's readers named and signed, with the networks' output."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.geometry import Box
from core.taxonomy import ARTEFACT, BLAST, NOT_A_CELL, SMUDGE, UNCLASSIFIED, WBC, CellClasses
from core.translatable import translatable
from models.laboratory.cells import HeadInputs, joined_inputs
from models.laboratory.head import Samples
from models.laboratory.kinds import KIND_CLASSES, KindSamples
from records.analyses.analyses import AnalysisKind
from records.cases import cases, signatures
from records.learning import withdrawn_cases
from services.cases.signed_contents import read_contents
from services.cases.snapshot import CaseSnapshot, CellSnapshot, ImageSnapshot
from services.learning.kept_features import FeatureStore
from services.learning.observations import NO_CELL

NOTHING_SIGNED = translatable("No signed case has a field with a cell that a reader named.")

Progress = Callable[[int, int], None]
"""Told how many fields are read, and how many there are."""

_LABELS = {BLAST: BLAST, SMUDGE: SMUDGE, ARTEFACT: NO_CELL, NOT_A_CELL: NO_CELL}
"""What a class teaches; any other is a white cell that is no blast, unless an own class is none."""


class NothingSignedError(Exception):
    """There is no cell to learn from; the text is a sentence for the operator."""

    def __init__(self) -> None:
        super().__init__(NOTHING_SIGNED)


@dataclass(frozen=True)
class CellPlace:
    """Where a signed cell is found again.

    Attributes:
        case_id: Of its case.
        analysis_id: Of its field.
        box: In pixels of the field.
        name: As the reading room has it, behind its patient's pseudonym.
        label: The class that it was signed with.
    """

    case_id: str
    analysis_id: str
    box: Box
    name: str
    label: str


@dataclass(frozen=True)
class SignedCells:
    """Cells of fields that readers named and signed, n of them.

    Attributes:
        inputs: What a head reads of them.
        labels: Blast, other white cell, smudge or `NO_CELL`, (n,).
        patients: Number of each cell's patient, (n,).
        places: Which cell each is, with its name in the reading room.
        signed: Days of the first and the last signature that covers one, as YYYY-MM-DD.
        contradictions: Cells of one file that were signed with several labels; they are not among
            the n.
    """

    inputs: HeadInputs
    labels: NDArray[np.str_]
    patients: NDArray[np.int64]
    places: tuple[CellPlace, ...]
    signed: tuple[str, str]
    contradictions: tuple[tuple[CellPlace, ...], ...]

    def blasts(self) -> Samples:
        """Return the cells as blasts against all others."""
        return self._samples(self.inputs.blast, BLAST)

    def smudges(self) -> Samples:
        """Return the cells as smudges against all others."""
        return self._samples(self.inputs.smudge, SMUDGE)

    def kinds(self) -> KindSamples:
        """Return the cells under the classes whose kinds the classifier tells apart."""
        signed = np.array([place.label for place in self.places], str)
        every = KindSamples(self.inputs.kinds, self.inputs.features, signed, self.patients)
        return every.of(np.isin(signed, KIND_CLASSES))

    def _samples(self, base: NDArray[np.float64], label: str) -> Samples:
        return Samples(base, self.inputs.features, self.labels == label, self.patients)


@dataclass(frozen=True)
class _Named:
    """A cell under the label that it was signed with."""

    patient: int
    case_id: str
    pseudonym: str
    day: str
    image: ImageSnapshot
    cell: CellSnapshot
    classes: CellClasses

    @property
    def label(self) -> str:
        own = next((one for one in self.classes.own if one.code == self.cell.label), None)
        if own is not None:
            return WBC if own.differential else NO_CELL
        return _LABELS.get(self.cell.label, WBC)

    @property
    def name(self) -> str:
        return f"{self.pseudonym} {self.cell.name}"

    @property
    def cell_place(self) -> CellPlace:
        box = self.cell.box
        return CellPlace(self.case_id, self.image.id, box, self.name, self.cell.label)

    @property
    def place(self) -> tuple[str, tuple[int, ...]]:
        """Tell which cell of which file it is, however often the file was uploaded."""
        return self.image.sha256, tuple(round(edge) for edge in self.cell.box)


@dataclass(frozen=True)
class SignedCase:
    """The newest signed version of a case, and the day of its signature as YYYY-MM-DD (UTC)."""

    id: str
    day: str
    snapshot: CaseSnapshot


def signed_patients() -> list[list[SignedCase]]:
    """Return the newest signed version of every case, a list for each patient.

    A patient is a pseudonym within a team. The order is that of signing. Cases that were withdrawn
    from learning are left out.
    """
    withdrawn = withdrawn_cases.ids()
    by_patient: dict[tuple[str, str], list[SignedCase]] = defaultdict(list)
    for signature in signatures.newest_final():
        if signature.case_id in withdrawn:
            continue
        snapshot = read_contents(signature).snapshot
        case = cases.get(signature.case_id)
        signed = SignedCase(case.id, signature.at.date().isoformat(), snapshot)
        by_patient[case.team_id, snapshot.specimen.pseudonym].append(signed)
    return list(by_patient.values())


def read_signed_cells(features: FeatureStore, progress: Progress) -> SignedCells:
    """Gather what a head reads of every signed cell; raises `NothingSignedError`.

    Cells whose image is gone are left out.
    """
    agreed, contradictions = _agreed(list(_named_cells(signed_patients())))
    by_image: dict[str, list[_Named]] = defaultdict(list)
    for one in agreed:
        by_image[one.image.id].append(one)
    inputs: list[HeadInputs] = []
    ordered: list[_Named] = []
    for done, (image, named) in enumerate(by_image.items(), 1):
        with suppress(FileNotFoundError):
            inputs.append(features.read(image, [one.cell.box for one in named]))
            ordered += named
        progress(done, len(by_image))
    if not inputs:
        raise NothingSignedError
    days = sorted(one.day for one in ordered)
    return SignedCells(
        joined_inputs(inputs),
        np.array([one.label for one in ordered]),
        np.array([one.patient for one in ordered]),
        tuple(one.cell_place for one in ordered),
        (days[0], days[-1]),
        contradictions,
    )


def _named_cells(patients: Sequence[Sequence[SignedCase]]) -> Iterator[_Named]:
    for number, cases_of_patient in enumerate(patients):
        for case in cases_of_patient:
            yield from _named_in(number, case)


def _named_in(patient: int, case: SignedCase) -> Iterator[_Named]:
    fields = {
        image.number: image
        for image in case.snapshot.images
        if image.kind == AnalysisKind.DETECTION
    }
    for cell in case.snapshot.cells:
        if cell.seen and cell.label != UNCLASSIFIED and cell.image in fields:
            pseudonym = case.snapshot.specimen.pseudonym
            image, classes = fields[cell.image], case.snapshot.classes
            yield _Named(patient, case.id, pseudonym, case.day, image, cell, classes)


def _agreed(named: Sequence[_Named]) -> tuple[list[_Named], tuple[tuple[CellPlace, ...], ...]]:
    """Keep each cell once, and none that was signed with several labels."""
    by_place: dict[tuple[str, tuple[int, ...]], list[_Named]] = defaultdict(list)
    for one in named:
        by_place[one.place].append(one)
    agreed: list[_Named] = []
    contradictions: list[tuple[CellPlace, ...]] = []
    for group in by_place.values():
        if len({one.label for one in group}) == 1:
            agreed.append(group[-1])
        else:
            contradictions.append(tuple(one.cell_place for one in group))
    return agreed, tuple(contradictions)
