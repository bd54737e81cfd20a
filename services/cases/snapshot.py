"""What a report says of a case: values alone, the same for every format, and their hash."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from core.geometry import Box
from core.taxonomy import BLAST
from services.analyses.duplicates import read_again
from services.analyses.findings import BlastShare
from services.moments import when

SCHEMA = "leukoscope.report.1"
"""Name and number of the form of the JSON report: fields named as in the classes below."""

PRELIMINARY, FINAL, AMENDED = "preliminary", "final", "amended"

ASSISTS = "Leukoscope assists a qualified reader. It does not diagnose."

MOST_SUSPICIOUS = 20
"""Cells on the page of the most suspicious ones."""

REPEATED = "Image {} shows the same as another one before it, so its cells count twice."
"""A sentence, for the number of an image."""


@dataclass(frozen=True)
class Specimen:
    """What was looked at; `collected_on` is an ISO date or None."""

    pseudonym: str
    kind: str
    stain: str
    magnification: str
    collected_on: str | None
    notes: str


@dataclass(frozen=True)
class ImageRead:
    """One image of the case, numbered from 1; sizes in pixels.

    It goes by its number and the SHA-256 of its file, since a file's name may be a patient's.
    """

    number: int
    id: str
    kind: str
    sha256: str
    width: int
    height: int
    model: str
    second_model: str | None
    thresholds: dict[str, float]


@dataclass(frozen=True)
class ModelUsed:
    """A network that read images of the case; `files` has the SHA-256 of its weights by name.

    They are not known (empty) once another version is installed.
    """

    model: str
    version: str
    files: dict[str, str]


@dataclass(frozen=True)
class CellRead:
    """A white cell as `services.cases.review.Cell` has it; `image` is the number of its image.

    `by` and `at` (ISO 8601, UTC) are of the last word on it.
    """

    id: str
    image: int
    box: Box
    proposed: str | None
    label: str
    doubtful: bool
    counted: bool
    seen: bool
    blast: float | None
    second: float | None
    second_label: str | None
    by: str | None
    at: str | None

    @property
    def name(self) -> str:
        """Its name for a reader, as the reading room counts: image and cell, both from 1."""
        number = self.id.partition(".")[2]
        return f"{self.image}.{int(number) + 1 if number.isdecimal() else number}"


@dataclass(frozen=True)
class Tally:
    """Cells by label; `share` of blasts among the `white` ones in 0..1, with its 95% interval."""

    labels: dict[str, int]
    white: int
    share: float | None
    interval: tuple[float, float] | None
    erythroblasts_per_100: float | None

    def count(self, label: str) -> int:
        """Cells of a class; 0 of one that was not known yet when this was signed."""
        return self.labels.get(label, 0)

    @property
    def blasts(self) -> BlastShare:
        """Blasts among white cells, as pages show them."""
        return BlastShare(self.count(BLAST), self.white)


@dataclass(frozen=True)
class CaseState:
    """A whole case in one version, as it is signed; `amended_because` from version 2 on."""

    case_id: str
    version: int
    amended_because: str | None
    specimen: Specimen
    images: tuple[ImageRead, ...]
    models: tuple[ModelUsed, ...]
    cells: tuple[CellRead, ...]
    by_models: Tally
    by_reviewers: Tally
    reviewed: int
    total: int

    @property
    def repeated(self) -> tuple[int, ...]:
        """Numbers of images whose cells count twice: the same file was read so before."""
        with_cells = {cell.image for cell in self.cells if cell.counted}
        again = read_again(image for image in self.images if image.number in with_cells)
        return tuple(image.number for image in again)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is wrong with the counts, a sentence each."""
        return tuple(REPEATED.format(number) for number in self.repeated)

    @property
    def most_suspicious(self) -> tuple[CellRead, ...]:
        """Counted cells: blasts of the reviewer first, then the models' order."""
        counted = [cell for cell in self.cells if cell.counted]
        ordered = sorted(counted, key=lambda cell: cell.label != BLAST)
        return tuple(ordered[:MOST_SUSPICIOUS])


@dataclass(frozen=True)
class Disagreement:
    """A cell that two readers name differently; None where one did not mark it at all."""

    cell: str
    first: str | None
    second: str | None


@dataclass(frozen=True)
class Agreement:
    """How far two readers agree: Cohen's kappa, -1..1 or None, over `cells` that each named."""

    kappa: float | None
    cells: int
    disagreements: tuple[Disagreement, ...]


@dataclass(frozen=True)
class Signed:
    """One signature; `sha256` is of the canonical JSON of all that this reader signed."""

    reader: str
    role: str
    at: datetime
    conclusion: str
    sha256: str


@dataclass(frozen=True)
class Later:
    """The newest signed `version` after that of a report, else the open one; opened at `since`."""

    version: int
    since: datetime
    signed: bool


@dataclass(frozen=True)
class ReportContents:
    """Everything that a report says; `sha256` is that of the last signature, else of the state.

    `later` is told beside what was signed: it is no part of what is hashed.
    """

    state: CaseState
    status: str
    sha256: str
    signatures: tuple[Signed, ...]
    agreement: Agreement | None
    made_at: datetime
    later: Later | None = None

    @property
    def later_words(self) -> str:
        """A sentence where the case was opened again after this version, else empty."""
        if self.later is None:
            return ""
        if self.later.signed:
            return f"Superseded by version {self.later.version}."
        since, version = when(self.later.since), self.later.version
        return f"Being amended since {since} (version {version}, not signed yet)."

    @property
    def signed(self) -> bool:
        """Whether the version is complete: otherwise it carries a watermark."""
        return self.status != PRELIMINARY

    @property
    def conclusion(self) -> str:
        """The last word of the readers, empty before the first signature."""
        return self.signatures[-1].conclusion if self.signatures else ""


def document(value: CaseState | Agreement) -> dict[str, Any]:
    """The value as JSON takes it."""
    return json.loads(json.dumps(asdict(value)))


def read_state(kept: Mapping[str, Any]) -> CaseState:
    """The state that `document` wrote."""
    return CaseState(
        **{
            **kept,
            "specimen": Specimen(**kept["specimen"]),
            "images": tuple(ImageRead(**each) for each in kept["images"]),
            "models": tuple(ModelUsed(**each) for each in kept["models"]),
            "cells": tuple(_read_cell(each) for each in kept["cells"]),
            "by_models": _read_tally(kept["by_models"]),
            "by_reviewers": _read_tally(kept["by_reviewers"]),
        }
    )


def read_agreement(kept: Mapping[str, Any] | None) -> Agreement | None:
    """The agreement that `document` wrote."""
    if kept is None:
        return None
    found = tuple(Disagreement(**each) for each in kept["disagreements"])
    return Agreement(kept["kappa"], kept["cells"], found)


def _read_cell(kept: Mapping[str, Any]) -> CellRead:
    return CellRead(**{**kept, "box": tuple(kept["box"])})


def _read_tally(kept: Mapping[str, Any]) -> Tally:
    return Tally(**{**kept, "interval": kept["interval"] and tuple(kept["interval"])})
