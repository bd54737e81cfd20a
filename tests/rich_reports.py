"""Contents of reports in which everything is said that a report can say, without a database.

What people typed, and the names of files and models, is in Greek: any Latin word is the report's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

from core.taxonomy import CLASS_CODES
from models.detector.operating_point import KINDS
from models.findings import DETECTOR_BLAST, QualityIssue, Verdict
from records.cases.cases import Priority
from records.cases.signatures import SignatureRole
from services.cases.checks import CheckCode, CheckStatus, DateIssue, SignedCheck
from services.cases.review import LeftOut
from services.cases.snapshot import (
    Agreement,
    CaseSnapshot,
    Disagreement,
    ImageQuality,
    ImageSnapshot,
    ModelUsed,
    OwnClass,
    Specimen,
    Tally,
)
from services.laboratory.letterhead import Laboratory, ReferenceRange
from services.model_cards import CLASSIFIER, DETECTOR
from services.reports.contents import LaterVersion, ReportContents, ReportStatus, SignatureLine
from tests.reports import cell

AT = datetime(2026, 3, 20, 22, 30, tzinfo=UTC)
"""In March: “März” is no English month."""

TYPED = "Κείμενο"
PLASMA = OwnClass(code="own_plasma", name="Πλασματοκύτταρο", white=True)
MEGA = OwnClass(code="own_mega", name="Μεγακαρυοκύτταρο", white=False)
REASONS = tuple(QualityIssue)
HASH = "12" * 32

CHECKS: dict[CheckCode, list[dict[str, object]]] = {
    CheckCode.REVIEW: [{}, {"status": CheckStatus.BLOCKING, "count": 2}],
    CheckCode.IMAGES: [
        {},
        {"status": CheckStatus.WARNING, "count": 1, "items": ("2",)},
        {"status": CheckStatus.BLOCKING, "count": 14, "items": (*map(str, range(14)),)},
    ],
    CheckCode.DATES: [{}, {"status": CheckStatus.WARNING, "items": tuple(DateIssue)}],
    CheckCode.WHITE_CELLS: [
        {"count": 87, "limit": 200},
        {"status": CheckStatus.BLOCKING},
    ],
    CheckCode.BLASTS: [
        {},
        {"total": 3},
        {"total": 3, "count": 1, "status": CheckStatus.WARNING},
        {"total": 3, "count": 1, "status": CheckStatus.BLOCKING},
    ],
    CheckCode.UNCLASSIFIED: [{"count": 9, "total": 90, "limit": 0.075}],
    CheckCode.DISAGREEMENTS: [
        {},
        {"total": 2},
        {"total": 2, "count": 1, "items": ("1.2",), "status": CheckStatus.WARNING},
    ],
    CheckCode.SPECIMEN: [{}, {"status": CheckStatus.WARNING}],
    CheckCode.DUPLICATES: [{}, {"status": CheckStatus.WARNING}],
    CheckCode.PSEUDONYM: [{}, {"status": CheckStatus.WARNING, "count": 2}],
}
"""Each check in each way in which it can end."""


def every_check() -> tuple[SignedCheck, ...]:
    """Each check in each way in which it can end, all of them with a reason."""
    return tuple(
        SignedCheck.model_validate(
            {"status": CheckStatus.OK, **values, "code": code, "reason": TYPED}
        )
        for code, each in CHECKS.items()
        for values in each
    )


def image(number: int, quality: ImageQuality | None = None) -> ImageSnapshot:
    """An image read by both models, with every threshold; the first two are the same file."""
    return ImageSnapshot(
        number=number,
        id=str(number) * 32,
        kind="detection",
        sha256=f"{max(number, 2):02}" * 32,
        width=400,
        height=300,
        model="7",
        second_model="8",
        thresholds={**dict.fromkeys(KINDS, 0.25), DETECTOR_BLAST: 0.055},
        quality=quality,
    )


def images() -> tuple[ImageSnapshot, ...]:
    """Images of every quality, for every reason."""
    return (
        image(1),
        image(2, ImageQuality(verdict=Verdict.DOUBTFUL, reasons=REASONS, overridden=False)),
        image(3, ImageQuality(verdict=Verdict.NOT_READABLE, reasons=REASONS, overridden=False)),
        image(4, ImageQuality(verdict=Verdict.DOUBTFUL, reasons=REASONS, overridden=True)),
    )


def tally(labels: Iterable[str] = (), blasts: int = 1) -> Tally:
    """Counts of one cell for each label."""
    white = 8
    return Tally(
        labels={**dict.fromkeys(labels, 1), "blast": blasts},
        white=white,
        share=blasts / white,
        interval=(0.055, 0.5),
        erythroblasts_per_100=12.5,
    )


def rich_snapshot(**changes: object) -> CaseSnapshot:
    """A case of marrow with cells of every class, and whatever can be said of one."""
    codes = (*CLASS_CODES, PLASMA.code, MEGA.code)
    cells = [cell(number, label) for number, label in enumerate(codes)]
    cells += [cell(20, left_out=LeftOut.EDGE, at_edge=True), cell(21, left_out=LeftOut.SINGLE)]
    cells += [cell(22, image=2), cell("d0000000f", seen=False, blast=None, second=None)]
    values = {
        "case_id": "1" * 32,
        "version": 2,
        "amended_because": TYPED,
        "specimen": Specimen(
            pseudonym="Σημύδα",
            kind="marrow",
            stain="Χρώση",
            magnification="100×",
            collected_on="2026-03-19",
            notes=TYPED,
            leukopenia=True,
            accession="4711",
            priority=Priority.STAT,
        ),
        "images": images(),
        "models": (
            ModelUsed(
                model=CLASSIFIER,
                version="8",
                architecture="Δίκτυο",
                files={"αρχείο": HASH},
                specimens=("blood",),
            ),
            ModelUsed(model=DETECTOR, version="7", files={}, specimens=("blood",)),
        ),
        "cells": tuple(cells),
        "by_models": tally(("blast", "unclassified", "smudge")),
        "by_reviewers": tally(codes),
        "reviewed": len(cells),
        "total": len(cells),
        "own_classes": (PLASMA, MEGA),
    }
    return CaseSnapshot.model_validate({**values, **changes})


def rich() -> ReportContents:
    """A report that two blind readers and an adjudicator signed, since superseded."""
    snapshot = rich_snapshot()
    letterhead = Laboratory(
        name="Εργαστήριο",
        contact=TYPED,
        ranges={
            "blast": ReferenceRange(low=0, high=0),
            "lymphocyte": ReferenceRange(low=20.5, high=None),
            "monocyte": ReferenceRange(low=2.5, high=10.5),
            "basophil": ReferenceRange(low=None, high=2.5),
        },
    )
    lines = tuple(
        SignatureLine(
            reader="Άδα",
            role=role,
            at=AT,
            conclusion=TYPED,
            sha256=HASH,
            final=role == SignatureRole.ADJUDICATOR,
            checks=every_check(),
            full_name="Άδα Βύρων",
            laboratory=letterhead,
        )
        for role in SignatureRole
    )
    differences = (
        Disagreement(cell="1.1", first="blast", second=None, decided="lymphocyte"),
        Disagreement(cell="1.2", first=None, second=PLASMA.code),
    )
    return ReportContents(
        snapshot=snapshot,
        status=ReportStatus.AMENDED,
        sha256=HASH,
        signatures=lines,
        agreement=Agreement(kappa=0.5, cells=3, disagreements=differences, blind=True),
        made_at=AT,
        later=LaterVersion(3, AT, signed=True),
        laboratory=letterhead,
        classes=snapshot.classes,
    )


def _of(**changes: object) -> ReportContents:
    return replace(rich(), snapshot=rich_snapshot(**changes))


def _blood() -> ReportContents:
    """Of blood and read by one model alone; read in the open, and being amended."""
    of = rich_snapshot().specimen.model_copy(update={"kind": "blood", "collected_on": None})
    models = rich_snapshot().models
    detector = models[1].model_copy(update={"specimens": ("marrow",)})
    classifier = models[0].model_copy(update={"specimens": None})
    made = _of(specimen=of, models=(classifier, detector), amended_because=None)
    (line, *_) = made.signatures
    return replace(
        made,
        status=ReportStatus.FINAL,
        signatures=(line, replace(line, role=SignatureRole.SECOND, full_name="", final=True)),
        agreement=Agreement(kappa=None, cells=1, disagreements=()),
        later=LaterVersion(2, AT, signed=False),
        laboratory=None,
    )


def _unsigned(**changes: object) -> ReportContents:
    made = _of(**changes)
    return replace(made, status=ReportStatus.PRELIMINARY, signatures=(), agreement=None, later=None)


def _no_white_cells() -> ReportContents:
    empty = Tally(labels={}, white=0, share=None, interval=None, erythroblasts_per_100=None)
    made = _of(by_reviewers=empty, by_models=empty)
    return replace(made, agreement=Agreement(kappa=None, cells=0, disagreements=()))


def every_report() -> dict[str, ReportContents]:
    """Reports that say together all that reports can say, by what they are."""
    return {
        "marrow": rich(),
        "blood": _blood(),
        "no blasts": _of(by_reviewers=tally(blasts=0)),
        "no white cells": _no_white_cells(),
        "not reviewed": _unsigned(reviewed=0),
        "half reviewed": _unsigned(reviewed=1),
        "unsigned": _unsigned(),
    }
