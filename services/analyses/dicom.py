"""The field as DICOM: the picture, and what the models found in it as a structured report.

The picture is a Secondary Capture Image, an image that was no DICOM object before (DICOM PS3.3
A.8.1). The report is a Comprehensive SR (A.35.3) after the template Measurement Report (PS3.16
TID 1500), with a planar region of interest (TID 1410) for each white cell.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from uuid import NAMESPACE_URL, uuid5

import numpy as np
from highdicom import CoordinateSystemNames, SpecimenDescription
from highdicom.sc import SCImage
from highdicom.sr import (
    AlgorithmIdentification,
    CodedConcept,
    ComprehensiveSR,
    DeviceObserverIdentifyingAttributes,
    GraphicTypeValues,
    ImageRegion,
    Measurement,
    MeasurementReport,
    MeasurementsAndQualitativeEvaluations,
    ObservationContext,
    ObserverContext,
    PlanarROIMeasurementsAndQualitativeEvaluations,
    QualitativeEvaluation,
    SourceImageForMeasurementGroup,
    SourceImageForRegion,
    SubjectContext,
    SubjectContextSpecimen,
    TrackingIdentifier,
)
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes

from core.coding import LOCAL_CODES, OWN, REPORT_CODE, SPECIMEN_CODES
from core.geometry import Box, clipped
from core.taxonomy import BLAST, DETECTED, REVIEWED
from imaging.images import RgbImage
from models.findings import ALL_BLAST, NORMAL, UNCERTAIN, Detection, FieldFindings, Namer
from records.analyses.analyses import Analysis
from services.analyses.annotation import NOTICE
from services.analyses.findings import cell_numbers, field_findings

PICTURE, REPORT = "field.dcm", "findings.dcm"
"""Names of the files in the archive."""

FAST = 1
"""Level of compression: more takes seconds and saves little of a photograph."""

MAKER = "Leukoscope"
PSEUDONYMS_ONLY = "Pseudonym of the case; no name was recorded"
JPEG_METHOD = "ISO_10918_1"

BLAST_PROBABILITY = CodedConcept("blast-prob", LOCAL_CODES, "Probability of a blast")
RATIO = CodedConcept("1", "UCUM", "no units")
CELLS = CodedConcept("{cells}", "UCUM", "cells")
OPINIONS = {ALL_BLAST: "ALL blast", NORMAL: "Normal", UNCERTAIN: "Uncertain"}


@dataclass(frozen=True)
class _Subject:
    """Whose field it is: by the case's pseudonym, or by the analysis alone where it is in no case.

    `key` changes with everything that is written of the patient and the specimen.
    """

    key: str
    patient_id: str
    study_id: str
    began_at: datetime
    specimen: CodedConcept | None


def as_dicom(
    analysis: Analysis, image: bytes, classifier: str, micrometres: float | None = None
) -> bytes:
    """Write a ZIP archive with `PICTURE` and `REPORT`.

    The same finding of the same patient gives the same UIDs, so that an archive takes it for what
    it has. Red cells and platelets are counted; only white cells have regions.

    Args:
        analysis: the field.
        image: its kept PNG or display JPEG.
        classifier: the name of the network that read the white cells.
        micrometres: the size of a pixel of the field, where it is known.
    """
    subject = _subject(analysis)
    with Image.open(io.BytesIO(image), formats=["PNG", "JPEG"]) as stored:
        rgb = np.asarray(stored.convert("RGB"))
    picture = _picture(analysis, subject, rgb, micrometres)
    report = _report(analysis, subject, picture, classifier)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, dataset in ((PICTURE, picture), (REPORT, report)):
            entry = _entry(name, analysis.created_at)
            archive.writestr(entry, _file(dataset), compresslevel=FAST)
    return buffer.getvalue()


def _entry(name: str, at: datetime) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, at.timetuple()[:6])
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


def _file(dataset: Dataset) -> bytes:
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def _subject(analysis: Analysis) -> _Subject:
    case = analysis.case
    if case is None:
        return _Subject(analysis.id, analysis.id, analysis.id[:16], analysis.created_at, None)
    # A backslash would divide it into two values.
    pseudonym = case.pseudonym.replace("\\", "/")
    code, term = SPECIMEN_CODES[case.specimen]
    key = f"{case.id}/{pseudonym}/{case.specimen}"
    specimen = CodedConcept(code, "SCT", term)
    return _Subject(key, pseudonym, case.id[:16], case.created_at, specimen)


def _uid(*parts: str) -> str:
    """Derive a UID from what it stands for (DICOM PS3.5 B.2)."""
    return f"2.25.{uuid5(NAMESPACE_URL, '/'.join((OWN, 'dicom', *parts))).int}"


def _picture(
    analysis: Analysis, subject: _Subject, rgb: RgbImage, micrometres: float | None
) -> SCImage:
    at = analysis.created_at
    # In millimetres; a reduced picture has larger pixels.
    spacing = micrometres and micrometres / 1000 * analysis.width / rgb.shape[1]
    made = SCImage(
        pixel_array=rgb,
        photometric_interpretation="RGB",
        bits_allocated=8,
        coordinate_system=CoordinateSystemNames.SLIDE,
        study_instance_uid=_uid("study", subject.key),
        series_instance_uid=_uid("picture series", subject.key, analysis.id),
        series_number=1,
        series_description="Field",
        sop_instance_uid=_uid("picture", subject.key, analysis.id),
        instance_number=1,
        manufacturer=MAKER,
        manufacturer_model_name=MAKER,
        patient_id=subject.patient_id,
        study_id=subject.study_id,
        study_date=subject.began_at.date(),
        study_time=subject.began_at.time(),
        content_date=at.date(),
        content_time=at.time(),
        pixel_spacing=(spacing, spacing) if spacing else None,
        container_identifier=subject.study_id,
        specimen_descriptions=[_specimen(subject)],
        specific_character_set="ISO_IR 192",
    )
    made.Modality = "GM"
    made.DateOfSecondaryCapture, made.TimeOfSecondaryCapture = made.ContentDate, made.ContentTime
    _describe_compression(made, analysis, rgb)
    _describe_origin(made, at)
    return made


def _specimen(subject: _Subject) -> SpecimenDescription:
    return SpecimenDescription(
        specimen_id=subject.study_id,
        specimen_uid=_uid("specimen", subject.key),
        specimen_type=subject.specimen,
    )


def _describe_compression(made: Dataset, analysis: Analysis, rgb: RgbImage) -> None:
    """Say that pixels were once compressed with loss, and how much; as far as that is known."""
    reduced = rgb.shape[1] != analysis.width
    if reduced:
        made.DerivationDescription = (
            f"Reduced from {analysis.width} x {analysis.height} pixels, compressed as JPEG"
        )
    if reduced or analysis.file_format == "JPEG":
        made.LossyImageCompression = "01"
        made.LossyImageCompressionMethod = JPEG_METHOD
    if analysis.file_format == "JPEG" and not reduced:
        ratio = 3 * analysis.width * analysis.height / analysis.file_bytes
        made.LossyImageCompressionRatio = f"{ratio:.2f}"


def _describe_origin(made: Dataset, at: datetime) -> None:
    """Put in what neither class of objects asks for, and leave out what would not be true."""
    made.StudyDescription = REPORT_CODE[1]
    made.PatientIdentityRemoved = "YES"
    made.DeidentificationMethod = PSEUDONYMS_ONLY
    made.TimezoneOffsetFromUTC = "+0000"
    made.InstanceCreationDate, made.InstanceCreationTime = at.date(), at.time()
    # It says when the library was called, and that we took the picture.
    del made.ContributingEquipmentSequence


def _report(
    analysis: Analysis, subject: _Subject, picture: SCImage, classifier: str
) -> ComprehensiveSR:
    at = analysis.created_at
    findings = field_findings(analysis)
    made = ComprehensiveSR(
        evidence=[picture],
        content=_content(analysis, subject, picture, _algorithms(findings, classifier)),
        series_instance_uid=_uid("report series", subject.key, analysis.id),
        series_number=2,
        series_description="Findings of the models, not reviewed",
        sop_instance_uid=_uid("report", subject.key, analysis.id),
        instance_number=1,
        manufacturer=MAKER,
        manufacturer_model_name=MAKER,
        software_versions=_versions(findings),
        is_complete=True,
        content_date=at.date(),
        content_time=at.time(),
    )
    _describe_origin(made, at)
    return made


def _versions(findings: FieldFindings) -> list[str]:
    versions = [f"detector {findings.model}"]
    return versions + ([f"classifier {findings.classifier}"] if findings.classifier else [])


def _algorithms(findings: FieldFindings, classifier: str) -> dict[Namer, AlgorithmIdentification]:
    """Describe the networks that read the field; the one that names cells with its threshold."""
    names = {Namer.DETECTOR: ("Detector", findings.model)}
    if findings.classifier:
        names[Namer.CLASSIFIER] = (classifier, findings.classifier)
    threshold = findings.thresholds.get(BLAST)
    return {
        namer: AlgorithmIdentification(
            name=f"{MAKER} {name}",
            version=version,
            parameters=[f"Blast from a probability of {threshold}"]
            if namer == findings.named_by and threshold is not None
            else None,
        )
        for namer, (name, version) in names.items()
    }


def _content(
    analysis: Analysis,
    subject: _Subject,
    picture: SCImage,
    algorithms: dict[Namer, AlgorithmIdentification],
) -> MeasurementReport:
    findings = field_findings(analysis)
    numbers = cell_numbers(findings)
    white = [(numbers[id(one)], one) for one in findings.detections if one.label in REVIEWED]
    cells = [
        _cell(
            findings,
            cell,
            TrackingIdentifier(_uid("cell", analysis.id, str(number)), f"Cell {number}"),
            _region(picture, findings, cell.box),
            algorithms,
        )
        for number, cell in sorted(white, key=itemgetter(0))
    ]
    return MeasurementReport(
        observation_context=_context(subject),
        procedure_reported=_own(*REPORT_CODE),
        imaging_measurements=[_whole(analysis, findings, picture, algorithms), *cells],
        title=codes.DCM.ImagingMeasurementReport,
        referenced_images=[picture],
    )


def _context(subject: _Subject) -> ObservationContext:
    """Say that a device observed a specimen (TID 1001)."""
    device = DeviceObserverIdentifyingAttributes(
        uid=_uid("device"), name=MAKER, manufacturer_name=MAKER, model_name=MAKER
    )
    specimen = SubjectContextSpecimen(
        uid=_uid("specimen", subject.key),
        identifier=subject.study_id,
        container_identifier=subject.study_id,
        specimen_type=subject.specimen,
    )
    return ObservationContext(
        observer_device_context=ObserverContext(codes.DCM.Device, device),
        subject_context=SubjectContext(codes.DCM.Specimen, specimen),
    )


def _whole(
    analysis: Analysis,
    findings: FieldFindings,
    picture: SCImage,
    algorithms: Mapping[Namer, AlgorithmIdentification],
) -> MeasurementsAndQualitativeEvaluations:
    """Give the counts of the field, and what a reader must know of them."""
    return MeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(_uid("field", analysis.id), "Field"),
        algorithm_id=algorithms[findings.named_by],
        measurements=[
            Measurement(_own(f"{label}-count", DETECTED[label].plural), count, CELLS)
            for label, count in findings.counts.items()
        ],
        qualitative_evaluations=[
            QualitativeEvaluation(_own("notice", "Notice"), _own("assists", NOTICE))
        ],
        source_images=[SourceImageForMeasurementGroup.from_source_image(picture)],
    )


def _cell(
    findings: FieldFindings,
    cell: Detection,
    tracking: TrackingIdentifier,
    region: ImageRegion,
    algorithms: Mapping[Namer, AlgorithmIdentification],
) -> PlanarROIMeasurementsAndQualitativeEvaluations:
    probabilities = {
        Namer.DETECTOR: cell.blast,
        Namer.CLASSIFIER: cell.classifier_probability,
    }
    return PlanarROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=tracking,
        referenced_region=region,
        finding_type=_own(cell.label, DETECTED[cell.label].name),
        algorithm_id=algorithms[findings.named_by],
        measurements=[
            Measurement(BLAST_PROBABILITY, value, RATIO, algorithm_id=algorithms.get(namer))
            for namer, value in probabilities.items()
            if value is not None
        ],
        qualitative_evaluations=_opinion(cell),
    )


def _opinion(cell: Detection) -> list[QualitativeEvaluation]:
    if cell.classifier_label is None:
        return []
    opinion = _own(cell.classifier_label, OPINIONS[cell.classifier_label])
    return [QualitativeEvaluation(_own("opinion", "Classifier opinion"), opinion)]


def _region(picture: SCImage, findings: FieldFindings, box: Box) -> ImageRegion:
    """Draw a box as a closed line, in pixels of the picture."""
    scale = picture.Columns / findings.width
    x1, y1, x2, y2 = clipped(_scaled(box, scale), picture.Columns, picture.Rows)
    corners = np.array([[x1, y1], [x2, y1], [x2, y2], [x1, y2], [x1, y1]])
    source = SourceImageForRegion.from_source_image(picture)
    return ImageRegion(GraphicTypeValues.POLYLINE, corners, source)


def _scaled(box: Box, scale: float) -> Box:
    x1, y1, x2, y2 = box
    return x1 * scale, y1 * scale, x2 * scale, y2 * scale


def _own(code: str, meaning: str) -> CodedConcept:
    return CodedConcept(code, LOCAL_CODES, meaning)
