"""Contents of reports, made without a database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from core.taxonomy import CLASS_CODES
from services.cases.snapshot import (
    FINAL,
    Agreement,
    CaseState,
    CellRead,
    Disagreement,
    ImageRead,
    Later,
    ModelUsed,
    ReportContents,
    Signed,
    Specimen,
    Tally,
)

AT = datetime(2026, 11, 23, 7, 5, 6, 7000, tzinfo=UTC)
FIELD, DRAWN = "a" * 32, "d0000000f"
SUPERSEDED, BEING_AMENDED = Later(3, AT, signed=True), Later(2, AT, signed=False)


def cell(number: int | str, label: str = "blast", **changes: Any) -> CellRead:
    """A cell of the first field, proposed as a blast and reviewed."""
    told = {
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
    return CellRead(**{**told, **changes})


CELLS = (
    cell(0),
    cell(1, "lymphocyte"),
    cell(2, "unclassified", proposed="unclassified", seen=False, by=None, at=None, blast=None),
    cell(DRAWN, "blast", proposed=None, blast=None, second=None, second_label=None),
)


def tally(**labels: int) -> Tally:
    """Counts of these labels, of four white cells; the interval is not a real one."""
    share = labels.get("blast", 0) / 4
    return Tally({**dict.fromkeys(CLASS_CODES, 0), **labels}, 4, share, (share / 2, 0.95), 25.0)


def state(**changes: Any) -> CaseState:
    """A case of blood with one field."""
    told = {
        "case_id": "c" * 32,
        "version": 1,
        "amended_because": None,
        "specimen": Specimen(
            "Alder-7", "blood", "Wright", "100x oil", "2026-11-20", "Second smear."
        ),
        "images": (
            ImageRead(1, FIELD, "detection", "ab" * 32, 400, 300, "d-1", "c-1", {"blast": 0.25}),
        ),
        "models": (
            ModelUsed("classifier", "c-1", {}),
            ModelUsed("detector", "d-1", {"network.bin": "12" * 32, "network.xml": "34" * 32}),
        ),
        "cells": CELLS,
        "by_models": tally(blast=2, unclassified=1),
        "by_reviewers": tally(blast=2, lymphocyte=1, unclassified=1, erythroblast=1),
        "reviewed": 3,
        "total": 4,
    }
    return CaseState(**{**told, **changes})


def twice_read() -> CaseState:
    """A case in which one image is read twice, so that its cell counts twice."""
    (image,) = state().images
    images, cells = (image, replace(image, number=2)), (cell(0), replace(cell(1), image=2))
    return state(images=images, cells=cells)


def signed(**changes: Any) -> ReportContents:
    """A report that one reader signed."""
    signature = Signed("ada", "first", AT, "Blasts are present.", "ef" * 32)
    told = ReportContents(state(), FINAL, "ef" * 32, (signature,), None, AT)
    return replace(told, **changes)


def twice_signed() -> ReportContents:
    """A report of two readers who differed."""
    second = Signed("ben", "adjudicator", AT, "I call cell 1.1 a lymphocyte.", "fe" * 32)
    differed = Agreement(0.5, 3, (Disagreement("1.1", "blast", "lymphocyte"),))
    once = signed()
    return replace(once, signatures=(*once.signatures, second), agreement=differed)
