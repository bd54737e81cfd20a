"""A snapshot of a case as it is now, collected for a report or a signature."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from core.taxonomy import ERYTHROBLAST
from models.manifest import Manifest
from records.analyses.analyses import Analysis, AnalysisKind
from records.cases import signatures
from records.cases.cases import Case
from services import model_cards
from services.analyses.findings import image_quality
from services.cases.review import Cell, Counts, differential
from services.cases.snapshot import (
    CaseSnapshot,
    CellSnapshot,
    ImageQuality,
    ImageSnapshot,
    ModelUsed,
    OwnClass,
    Specimen,
    Tally,
)
from services.laboratory.classes import cell_classes
from services.model_cards import CLASSIFIER, DETECTOR

PROPOSING = {AnalysisKind.CLASSIFICATION: CLASSIFIER, AnalysisKind.DETECTION: DETECTOR}
"""The network that says what the cells of an image are, by kind of analysis."""


def collect_snapshot(
    case: Case, kept: Sequence[Analysis], cells: Sequence[Cell], weights: Path
) -> CaseSnapshot:
    """Collect all of a case as it stands now.

    Args:
        case: the case.
        kept: all its analyses.
        cells: all its cells (`services.cases.review.cells_of`).
        weights: the folder of the installed networks.
    """
    numbers = {analysis.id: number for number, analysis in enumerate(kept, start=1)}
    classes = cell_classes().used_by({cell.label for cell in cells})
    counted = differential(cells, classes)
    return CaseSnapshot(
        case_id=case.id,
        version=signatures.version_of(case.id),
        amended_because=_reason(case),
        specimen=_specimen(case),
        images=tuple(_image(number, one) for number, one in enumerate(kept, start=1)),
        models=_models(kept, weights),
        cells=tuple(_cell(cell, numbers[cell.analysis_id]) for cell in cells),
        by_models=_tally(counted.models),
        by_reviewers=_tally(counted.reviewers, counted.complete),
        reviewed=counted.reviewed,
        total=counted.total,
        own_classes=tuple(map(OwnClass.of, classes.own)),
    )


def _reason(case: Case) -> str | None:
    amendments = signatures.amendments_of(case.id)
    return amendments[-1].reason if amendments else None


def _specimen(case: Case) -> Specimen:
    return Specimen(
        pseudonym=case.pseudonym,
        kind=case.specimen,
        stain=case.stain,
        magnification=case.magnification,
        collected_on=case.collected_on and case.collected_on.isoformat(),
        notes=case.notes,
        leukopenia=case.leukopenia,
        accession=case.accession,
        priority=case.priority,
    )


def _image(number: int, analysis: Analysis) -> ImageSnapshot:
    return ImageSnapshot(
        number=number,
        id=analysis.id,
        kind=analysis.kind,
        sha256=analysis.sha256,
        width=analysis.width,
        height=analysis.height,
        model=analysis.model_version,
        second_model=analysis.finding.get("second_model"),
        thresholds=dict(analysis.finding.get("thresholds", {})),
        quality=_quality(analysis),
    )


def _quality(analysis: Analysis) -> ImageQuality | None:
    quality = image_quality(analysis)
    if quality is None:
        return None
    return ImageQuality(
        verdict=quality.verdict, reasons=quality.reasons, overridden=quality.overridden
    )


def _models(kept: Iterable[Analysis], weights: Path) -> tuple[ModelUsed, ...]:
    """Return the networks that read the images, with hashes of the installed ones."""
    used = set()
    for analysis in kept:
        used.add((PROPOSING[analysis.kind], analysis.model_version))
        if second := analysis.finding.get("second_model"):
            used.add((CLASSIFIER, second))
    installed = {model: model_cards.read_card(weights, model).manifest for model, _ in used}
    return tuple(_model(model, version, installed[model]) for model, version in sorted(used))


def _model(model: str, version: str, installed: Manifest | None) -> ModelUsed:
    if installed is None or installed.version != version:
        return ModelUsed(model=model, version=version, files={})
    return ModelUsed(
        model=model,
        version=version,
        architecture=installed.architecture,
        files=dict(installed.files),
        specimens=installed.specimens,
    )


def _cell(cell: Cell, image: int) -> CellSnapshot:
    return CellSnapshot(
        id=cell.id,
        image=image,
        box=cell.box,
        proposed=cell.proposed,
        label=cell.label,
        doubtful=cell.candidate,
        counted=cell.counted,
        seen=cell.seen,
        blast=cell.blast,
        second=cell.classifier_probability,
        second_label=cell.classifier_label,
        by=cell.by,
        at=cell.at and cell.at.isoformat(),
        at_edge=cell.at_edge,
        left_out=cell.left_out,
    )


def _tally(counts: Counts, complete: bool = True) -> Tally:
    return Tally(
        labels=counts.labels,
        white=counts.white,
        share=counts.blasts.share if complete else None,
        interval=counts.blasts.interval if complete else None,
        erythroblasts_per_100=counts.per_100(ERYTHROBLAST) if complete else None,
    )
