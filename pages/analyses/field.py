"""The result of one field: the page, its pictures, its downloads."""

from __future__ import annotations

import io
from pathlib import PurePath

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    flash,
    redirect,
    render_template,
    send_file,
    url_for,
)
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from core.tables import COMMA, SEMICOLON
from core.taxonomy import DRAWING_ORDER
from jobs.work import QueueFullError
from models.findings import Namer, Quality
from pages.analyses import detection
from pages.analyses.batches import get_field_queue
from pages.common.formatting import field_quality_sentences
from pages.common.lookups import (
    get_analyst,
    get_classifier_name,
    image_response,
    team_analysis,
)
from pages.common.requires import Look, requires
from records.accounts.accounts import Role
from records.analyses import slide_areas
from records.analyses.analyses import (
    NOT_READABLE,
    RESULTS,
    Analysis,
    AnalysisKind,
    place_in_batch,
)
from records.audit.audit import Event
from services.analyses import pictures
from services.analyses.analysis import GALLERY_CELLS
from services.analyses.annotation import annotated_png
from services.analyses.findings import (
    CANDIDATE,
    LOWEST_THRESHOLD,
    USUAL_DIFFERENTIAL,
    as_csv,
    as_json,
    blast_share,
    field_counts,
    field_findings,
    image_quality,
    most_suspicious_first,
    other_share,
    read_opinions,
)
from services.cases.review import image_in_case
from services.formatting import FIELD_CLASS_TEXTS, class_texts
from services.laboratory.classes import cell_classes
from services.language import ENGLISH, in_language
from services.model_cards import aimed_sensitivity

blueprint = Blueprint("field", __name__, url_prefix="/detect")


@blueprint.get("/<analysis_id>")
@requires(Role.VIEWER, audit=Event.VIEW)
def result(analysis_id: str) -> str:
    """Show the detector's findings in one field."""
    analysis = team_analysis(analysis_id, AnalysisKind.DETECTION)
    findings = field_findings(analysis)
    return render_template(
        "analyses/field/result.html",
        analysis=analysis,
        area=slide_areas.find(analysis.id),
        place=place_in_batch(analysis),
        findings=findings,
        share=blast_share(findings),
        other=other_share(findings),
        opinions=read_opinions(field_counts(findings)),
        by_classifier=findings.named_by == Namer.CLASSIFIER,
        classifier=get_classifier_name(findings.classifier),
        results=[one for one in RESULTS[AnalysisKind.DETECTION] if one != NOT_READABLE],
        quality=findings.quality,
        quality_sentences=_quality_sentences(analysis, findings.quality),
        sensitivity=aimed_sensitivity(current_app.config["LEUKOSCOPE"].weights_dir, findings),
        lowest=LOWEST_THRESHOLD,
        usual_differential=USUAL_DIFFERENTIAL,
        in_case=image_in_case(analysis, current_user.id),
        labels=class_texts(cell_classes()),
        white_cells=most_suspicious_first(findings),
        gallery_cells=GALLERY_CELLS,
        styles=FIELD_CLASS_TEXTS,
        drawing_order=(CANDIDATE, *DRAWING_ORDER),
        tile=pictures.TILE_SIDE,
        columns=pictures.COLUMNS,
    )


def _quality_sentences(analysis: Analysis, quality: Quality | None) -> list[str]:
    """Say what is wrong with the field; nothing where nothing is, or was not asked."""
    return field_quality_sentences(quality, analysis.width, analysis.height) if quality else []


@blueprint.post("/<analysis_id>/override-quality-check")
@requires(Role.READER, audit=Event.OVERRIDE_QUALITY_CHECK)
def override_quality_check(analysis_id: str) -> AnyResponse:
    """Count a field despite its quality, as a new analysis."""
    analysis = team_analysis(analysis_id, AnalysisKind.DETECTION)
    quality = image_quality(analysis)
    if quality is None or not quality.can_override:
        abort(409)
    try:
        return detection.go_on(get_field_queue().carry_over(current_user.id, analysis))
    except QueueFullError as error:
        flash(str(error), "danger")
        return redirect(url_for("field.result", analysis_id=analysis.id), code=303)


@blueprint.get("/<analysis_id>/image")
@requires(Role.VIEWER, audit=Look.PICTURE)
def image(analysis_id: str) -> Response:
    """Send the field, upright and without metadata, at a bounded size."""
    analysis = team_analysis(analysis_id, AnalysisKind.DETECTION)
    return image_response(analysis.display_name or analysis.image_name)


@blueprint.get("/<analysis_id>/cells")
@requires(Role.VIEWER, audit=Look.PICTURE)
def cells(analysis_id: str) -> Response:
    """Send the white cells of the gallery on one sheet; 404 without any."""
    return image_response(team_analysis(analysis_id, AnalysisKind.DETECTION).cells_name)


@blueprint.get("/<analysis_id>/annotated.png")
@requires(Role.VIEWER, audit=Event.DOWNLOAD)
def annotated(analysis_id: str) -> Response:
    """Send the field with boxes and legend as a download."""
    analysis = team_analysis(analysis_id, AnalysisKind.DETECTION)
    classifier = get_classifier_name(analysis.finding.get("second_model"))
    # The picture and the objects go to other programs, in English.
    with in_language(ENGLISH):
        made = annotated_png(analysis, _shown(analysis), classifier)
    return _download(analysis, made, "annotated.png", "image/png")


@blueprint.get("/<analysis_id>/dicom.zip")
@requires(Role.VIEWER, audit=Event.DOWNLOAD)
def dicom(analysis_id: str) -> Response:
    """Send the field and what the models found in it as DICOM objects."""
    # Here and not above: its dictionaries take 27 MB, and few are sent.
    from services.analyses.dicom import as_dicom

    analysis = team_analysis(analysis_id, AnalysisKind.DETECTION)
    classifier = get_classifier_name(analysis.finding.get("second_model"))
    area = slide_areas.find(analysis.id)
    with in_language(ENGLISH):
        made = as_dicom(analysis, _shown(analysis), classifier, area and area.micrometres)
    return _download(analysis, made, "dicom.zip", "application/zip")


@blueprint.get("/<analysis_id>/findings.<any(csv, 'semicolon.csv'):suffix>")
@requires(Role.VIEWER, audit=Event.DOWNLOAD)
def table(analysis_id: str, suffix: str) -> Response:
    """Send the findings as CSV, one cell a line."""
    analysis = team_analysis(analysis_id, AnalysisKind.DETECTION)
    separator = COMMA if suffix == "csv" else SEMICOLON
    content = as_csv(analysis, slide_areas.find(analysis.id), separator)
    return _download(analysis, content.encode(), f"findings.{suffix}", "text/csv")


@blueprint.get("/<analysis_id>/findings.json")
@requires(Role.VIEWER, audit=Event.DOWNLOAD)
def document(analysis_id: str) -> Response:
    """Send the findings in the form that `python -m models detect` prints."""
    analysis = team_analysis(analysis_id, AnalysisKind.DETECTION)
    content = as_json(analysis, slide_areas.find(analysis.id))
    return _download(analysis, content.encode(), "findings.json", "application/json")


def _shown(analysis: Analysis) -> bytes:
    """Return the field at a bounded size, encoded; 404 when it is gone."""
    try:
        return get_analyst().image(analysis.display_name or analysis.image_name)
    except FileNotFoundError:
        abort(404)


def _download(analysis: Analysis, content: bytes, name: str, mimetype: str) -> Response:
    stem = PurePath(analysis.file_name).stem
    return send_file(
        io.BytesIO(content), mimetype, as_attachment=True, download_name=f"{stem}-{name}"
    )
