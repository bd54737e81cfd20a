"""The archive of a field, read back by pydicom and highdicom."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, datetime

import highdicom
import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.dataset import Dataset

from models.findings import Namer
from records.analyses.analyses import Analysis
from records.cases.cases import Case
from services.analyses.annotation import NOTICE
from services.analyses.dicom import PICTURE, REPORT, as_dicom
from services.analyses.findings import most_suspicious_first
from tests.services.analyses.fields import READ_CELLS, kept, older_field, read_field

AT = datetime(2026, 11, 23, 7, 5, 6, tzinfo=UTC)
WHITE = [cell for cell in READ_CELLS if cell.label in ("blast", "wbc")]


def pixels(width: int, height: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def encoded(rgb: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "PNG")
    return buffer.getvalue()


def field(pseudonym: str | None = "Alder-7", **changes: object) -> Analysis:
    """A kept field, in a case unless there is no pseudonym."""
    analysis = kept(read_field(**changes))
    analysis.id, analysis.created_at = "a" * 32, AT
    analysis.file_format, analysis.file_bytes = "PNG", 1000
    analysis.width, analysis.height = read_field().width, read_field().height
    if pseudonym is not None:
        analysis.case = Case(id="c" * 32, pseudonym=pseudonym, specimen="blood", created_at=AT)
    return analysis


def archived(analysis: Analysis, rgb: np.ndarray | None = None) -> tuple[Dataset, Dataset]:
    """Picture and report, as pydicom reads them."""
    if rgb is None:
        rgb = pixels(analysis.finding["width"], analysis.finding["height"])
    content = as_dicom(analysis, encoded(rgb), "DenseNet121")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.namelist() == [PICTURE, REPORT]
        assert archive.testzip() is None
        files = [io.BytesIO(archive.read(name)) for name in (PICTURE, REPORT)]
    return tuple(pydicom.dcmread(file) for file in files)


def groups(report: Dataset) -> list[highdicom.sr.PlanarROIMeasurementsAndQualitativeEvaluations]:
    read = highdicom.sr.ComprehensiveSR.from_dataset(report)
    return read.content.get_planar_roi_measurement_groups()


def test_the_picture_is_the_field():
    rgb = pixels(read_field().width, read_field().height)
    picture, _ = archived(field(), rgb)
    assert picture.SOPClassUID == pydicom.uid.SecondaryCaptureImageStorage
    assert np.array_equal(picture.pixel_array, rgb)
    assert picture.Modality == "GM"
    assert "LossyImageCompression" not in picture


def test_the_patient_is_a_pseudonym_and_nothing_else():
    for dataset in archived(field()):
        assert dataset.PatientID == "Alder-7"
        for name in ("PatientName", "PatientBirthDate", "PatientSex", "ReferringPhysicianName"):
            assert not dataset[name].value
        assert dataset.PatientIdentityRemoved == "YES"
        assert "smear" not in str(dataset).replace("smear-review", ""), "no file name"


def test_a_field_in_no_case_is_a_patient_of_its_own():
    picture, report = archived(field(pseudonym=None))
    assert picture.PatientID == report.PatientID == "a" * 32
    assert "SpecimenTypeCodeSequence" not in picture.SpecimenDescriptionSequence[0]


def test_each_white_cell_has_its_box_label_and_probabilities():
    thresholds = {**read_field().thresholds, "detector_blast": 0.85}
    for namer in Namer:
        _, report = archived(field(named_by=namer, thresholds=thresholds))
        found = groups(report)
        order = {cell.box: cell for cell in WHITE}
        named = read_field(named_by=namer, thresholds=thresholds)
        white = [order[one.found.box] for one in most_suspicious_first(named) if one.counted]
        assert [one.finding_type.value for one in found] == [cell.label for cell in white]
        for one, cell in zip(found, white, strict=True):
            x1, y1, x2, y2 = cell.box
            box = [[x1, y1], [x2, y1], [x2, y2], [x1, y2], [x1, y1]]
            assert np.allclose(one.roi.value, box)
            values = [measured.value for measured in one.get_measurements()]
            assert values == pytest.approx([cell.blast, cell.classifier_probability])
            (opinion,) = one.get_qualitative_evaluations()
            assert opinion.value.value == cell.classifier_label


def test_counts_notice_and_versions_are_told():
    _, report = archived(field())
    read = highdicom.sr.ComprehensiveSR.from_dataset(report)
    (whole,) = read.content.get_image_measurement_groups()
    counts = {one.name.value: one.value for one in whole.get_measurements()}
    assert counts == {f"{label}-count": n for label, n in read_field().counts.items()}
    assert [one.value.meaning for one in whole.get_qualitative_evaluations()] == [NOTICE]
    assert list(report.SoftwareVersions) == ["detector 2026.11.22-1", "classifier 2026.11.23-1"]
    assert "2026.11.22-1" in str(report.ContentSequence)
    assert (report.VerificationFlag, report.PreliminaryFlag) == ("UNVERIFIED", "PRELIMINARY")


def test_the_report_refers_to_the_picture_of_its_study():
    picture, report = archived(field())
    assert report.StudyInstanceUID == picture.StudyInstanceUID
    assert report.SeriesInstanceUID != picture.SeriesInstanceUID
    (evidence,) = report.CurrentRequestedProcedureEvidenceSequence
    (series,) = evidence.ReferencedSeriesSequence
    (instance,) = series.ReferencedSOPSequence
    assert instance.ReferencedSOPInstanceUID == picture.SOPInstanceUID


def test_the_specimen_is_coded():
    picture, _ = archived(field())
    (specimen,) = picture.SpecimenDescriptionSequence
    (kind,) = specimen.SpecimenTypeCodeSequence
    assert (kind.CodeValue, kind.CodingSchemeDesignator) == ("119297000", "SCT")


def uids(analysis: Analysis) -> list[str]:
    return [one.SOPInstanceUID for one in archived(analysis)]


def test_uids_are_those_of_before_unless_the_patient_is_another():
    rgb = encoded(pixels(read_field().width, read_field().height))
    assert as_dicom(field(), rgb, "x") == as_dicom(field(), rgb, "x")
    assert all(pydicom.uid.UID(uid).is_valid for uid in uids(field()))
    assert not set(uids(field())) & set(uids(field(pseudonym="Birch-2")))
    assert not set(uids(field())) & set(uids(field(pseudonym=None)))


def test_every_attribute_is_as_the_standard_wants_it():
    strict = pydicom.config.RAISE
    for dataset in archived(field("Ärbol-7 血")):
        for element in dataset.iterall():
            if element.VR != "SQ" and element.keyword != "PixelData":
                pydicom.DataElement(element.tag, element.VR, element.value, validation_mode=strict)
        assert dataset.PatientID == "Ärbol-7 血"


def test_a_backslash_makes_no_two_patients():
    assert archived(field("Alder\\7"))[0].PatientID == "Alder/7"


def test_a_reduced_picture_says_so_and_boxes_fit_it():
    analysis = field()
    half = pixels(read_field().width // 2, read_field().height // 2)
    picture, report = archived(analysis, half)
    assert picture.LossyImageCompression == "01"
    assert picture.DerivationDescription.startswith("Reduced from")
    assert np.allclose(groups(report)[0].roi.value[2], [edge / 2 for edge in WHITE[0].box[2:]])


def test_a_picture_that_came_as_a_jpeg_was_compressed_with_loss():
    analysis = field()
    analysis.file_format = "JPEG"
    picture, _ = archived(analysis)
    assert picture.LossyImageCompression == "01"
    pixels_in_bytes = 3 * analysis.width * analysis.height
    assert float(picture.LossyImageCompressionRatio) == pytest.approx(pixels_in_bytes / 1000, 0.01)


def test_an_older_finding_has_what_is_known_of_it():
    analysis = older_field()
    analysis.id, analysis.created_at = "a" * 32, AT
    analysis.file_format, analysis.file_bytes = "PNG", 1000
    analysis.width, analysis.height = analysis.finding["width"], analysis.finding["height"]
    _, report = archived(analysis)
    assert [one.get_measurements() for one in groups(report)] == [[]] * len(groups(report))


def test_the_size_of_pixels_is_told_where_it_is_known():
    analysis, half = field(), encoded(pixels(read_field().width // 2, read_field().height // 2))
    with zipfile.ZipFile(io.BytesIO(as_dicom(analysis, half, "x", micrometres=0.25))) as archive:
        picture = pydicom.dcmread(io.BytesIO(archive.read(PICTURE)))
    assert list(picture.PixelSpacing) == pytest.approx([0.0005, 0.0005])
    assert "PixelSpacing" not in archived(field())[0]
