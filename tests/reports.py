"""Contents of reports, made without a database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from core.taxonomy import CLASS_CODES
from records.cases.cases import Priority
from services.cases.checks import SignedCheck
from services.cases.snapshot import (
    Agreement,
    CaseSnapshot,
    CellSnapshot,
    Disagreement,
    ImageSnapshot,
    ModelUsed,
    Specimen,
    Tally,
)
from services.laboratory.letterhead import Laboratory, ReferenceRange
from services.reports.contents import (
    LaterVersion,
    ReportContents,
    ReportStatus,
    SignatureLine,
)

AT = datetime(2026, 11, 23, 7, 5, 6, 7000, tzinfo=UTC)
FIELD, DRAWN = "a" * 32, "d0000000f"
SUPERSEDED, BEING_AMENDED = LaterVersion(3, AT, signed=True), LaterVersion(2, AT, signed=False)


LABORATORY = Laboratory(
    name="Haematology, Elm Hospital",
    contact="12 Elm Street\nTel. 555 0100",
    ranges={
        "blast": ReferenceRange(low=0, high=0),
        "lymphocyte": ReferenceRange(low=40, high=None),
    },
    ranges_source="Adults; our own",
)
WARNED = SignedCheck(
    code="white_cells",
    status="warning",
    count=87,
    total=90,
    limit=200,
    reason="No further field.",
)


def cell(number: int | str, label: str = "blast", **changes: Any) -> CellSnapshot:
    """A cell of the first field, proposed as a blast and reviewed."""
    values = {
        "id": f"{FIELD}.{number}",
        "image": 1,
        "box": (10.0, 20.0, 50.5, 60.25),
        "proposed": "blast",
        "label": label,
        "doubtful": False,
        "counted": True,
        "seen": True,
        "blast": 0.91234567,
        "second": 0.4,
        "second_label": "uncertain",
        "by": "ada",
        "at": AT.isoformat(),
    }
    return CellSnapshot(**{**values, **changes})


CELLS = (
    cell(0),
    cell(1, "lymphocyte"),
    cell(2, "unclassified", proposed="unclassified", seen=False, by=None, at=None, blast=None),
    cell(DRAWN, "blast", proposed=None, blast=None, second=None, second_label=None),
)


def tally(**labels: int) -> Tally:
    """Counts of these labels, of four white cells; the interval is not a real one."""
    share = labels.get("blast", 0) / 4
    return Tally(
        labels={**dict.fromkeys(CLASS_CODES, 0), **labels},
        white=4,
        share=share,
        interval=(share / 2, 0.95),
        erythroblasts_per_100=25.0,
    )


def snapshot(**changes: Any) -> CaseSnapshot:
    """A case of blood with one field."""
    values = {
        "case_id": "c" * 32,
        "version": 1,
        "amended_because": None,
        "specimen": Specimen(
            pseudonym="Alder-7",
            kind="blood",
            stain="Wright",
            magnification="100x oil",
            collected_on="2026-11-20",
            notes="Second smear.",
        ),
        "images": (
            ImageSnapshot(
                number=1,
                id=FIELD,
                kind="detection",
                sha256="ab" * 32,
                width=400,
                height=300,
                model="d-1",
                second_model="c-1",
                thresholds={"blast": 0.25},
            ),
        ),
        "models": (
            ModelUsed(model="classifier", version="c-1", files={}),
            ModelUsed(
                model="detector",
                version="d-1",
                files={"network.bin": "12" * 32, "network.xml": "34" * 32},
            ),
        ),
        "cells": CELLS,
        "by_models": tally(blast=2, unclassified=1),
        "by_reviewers": tally(blast=2, lymphocyte=1, unclassified=1, erythroblast=1),
        "reviewed": 4,
        "total": 4,
    }
    return CaseSnapshot(**{**values, **changes})


def with_architecture() -> CaseSnapshot:
    """A case read by a classifier whose architecture is known."""
    classifier, detector = snapshot().models
    known = {"architecture": "ResNet50", "files": {"network.bin": "56" * 32}}
    return snapshot(models=(classifier.model_copy(update=known), detector))


def with_duplicate() -> CaseSnapshot:
    """A case in which one image is read twice, so that its cell counts twice."""
    (image,) = snapshot().images
    images = image, image.model_copy(update={"number": 2})
    return snapshot(images=images, cells=(cell(0), cell(1, image=2)))


def signed(**changes: Any) -> ReportContents:
    """A report that one reader signed."""
    signature = SignatureLine("ada", "first", AT, "Blasts are present.", "ef" * 32)
    values = ReportContents(snapshot(), ReportStatus.FINAL, "ef" * 32, (signature,), None, AT)
    return replace(values, **changes)


def twice_signed() -> ReportContents:
    """A report of two readers who differed."""
    second = SignatureLine("ben", "adjudicator", AT, "I call cell 1.1 a lymphocyte.", "fe" * 32)
    differed = Agreement(
        kappa=0.5,
        cells=3,
        disagreements=(Disagreement(cell="1.1", first="blast", second="lymphocyte"),),
    )
    once = signed()
    return replace(once, signatures=(*once.signatures, second), agreement=differed)


def with_letterhead(**changes: Any) -> ReportContents:
    """A report of a laboratory, with accession number and priority, signed despite a warning."""
    known = {"accession": "H26-4711", "priority": Priority.URGENT}
    of = snapshot().specimen.model_copy(update=known)
    (once,) = signed().signatures
    line = replace(once, full_name="Dr Ada Byron", checks=(WARNED,), laboratory=LABORATORY)
    values = signed(snapshot=snapshot(specimen=of), signatures=(line,), laboratory=LABORATORY)
    return replace(values, **changes)
