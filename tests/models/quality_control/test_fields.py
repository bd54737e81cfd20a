import cv2
import numpy as np
import pytest

from imaging.images import RgbImage
from models.findings import Detection, FieldFindings, QualityIssue, Verdict
from models.quality_control.fields import examine_field
from tests.models.quality_control.test_eyepiece import through_eyepiece
from tests.stand_ins import drawn_cell, drawn_field, stand_in_models


class RedCells:
    """Finds the red cells of `drawn_field`."""

    version = "test-1"

    def __init__(self, *boxes: tuple[float, float, float, float], red_cell: float = 32.0) -> None:
        self.boxes = boxes or tuple(
            (x - 16.0, y - 16.0, x + 16.0, y + 16.0)
            for x in range(20, 480, 46)
            for y in range(20, 360, 46)
        )
        self.red_cell = red_cell
        self.seen: list[RgbImage] = []

    def find(self, rgb, min_confidence=None, progress=None) -> FieldFindings:
        self.seen.append(rgb)
        cells = tuple(Detection(box, "rbc", 0.9) for box in self.boxes)
        white = (Detection((10.0, 10.0, 60.0, 60.0), "wbc", 0.3, 0.1, 0.2),)
        height, width = rgb.shape[:2]
        return FieldFindings(
            width, height, cells, self.version, candidates=white, red_cell=self.red_cell
        )


def test_a_good_field_is_readable_and_has_its_cells():
    found = examine_field(drawn_field(), RedCells())
    assert found.quality.verdict == Verdict.READABLE
    assert found.counts["rbc"] == 80
    assert FieldFindings.from_dict(found.to_dict()) == found


@pytest.mark.parametrize(
    ("rgb", "reason"),
    [
        (np.full((360, 480, 3), 220, np.uint8), "blank"),
        (np.repeat(drawn_field()[..., :1], 3, axis=2), "no_colour"),
        (np.pad(drawn_cell(), ((80, 80), (80, 80), (0, 0))), "cut_out"),
        (drawn_field()[..., [1, 0, 2]], "not_a_smear"),
        (np.full((9, 9, 3), 220, np.uint8), "too_small"),
    ],
)
def test_what_can_be_told_before_is_not_shown_to_the_detector(rgb, reason):
    detector = RedCells()
    found = examine_field(rgb, detector)
    assert found.quality.verdict == Verdict.NOT_READABLE
    assert found.quality.reasons == (reason,)
    assert (found.detections, found.candidates, detector.seen) == ((), (), [])
    assert (found.width, found.height) == rgb.shape[1::-1]
    assert FieldFindings.from_dict(found.to_dict()) == found


def test_a_field_out_of_focus_has_no_counts_until_a_person_overrides():
    blurred = cv2.GaussianBlur(drawn_field(), (0, 0), 5)
    refused = examine_field(blurred, RedCells())
    assert (refused.quality.verdict, refused.quality.can_override) == (Verdict.NOT_READABLE, True)
    assert (refused.detections, refused.candidates) == ((), ())

    counted = examine_field(blurred, RedCells(), override=True)
    assert (counted.quality.verdict, counted.quality.overridden) == (Verdict.DOUBTFUL, True)
    assert counted.quality.reasons == refused.quality.reasons == (QualityIssue.BLURRED,)
    assert counted.counts["rbc"] == 80


def test_a_doubtful_field_keeps_its_counts():
    found = examine_field(drawn_field(), RedCells(red_cell=12.0))
    assert found.quality.verdict == Verdict.DOUBTFUL
    assert found.quality.reasons == (QualityIssue.LOW_RESOLUTION,)
    assert found.counts["rbc"] == 80


def test_an_override_of_nothing_reads_nothing():
    blank = np.full((360, 480, 3), 220, np.uint8)
    assert examine_field(blank, RedCells(), override=True).quality.not_readable


def test_of_an_eyepiece_only_the_circle_is_read_and_boxes_are_put_back():
    plain = drawn_field(640, 480)
    rgb = through_eyepiece(plain, 320, 240, 210)
    detector = RedCells(
        (190.0, 190.0, 222.0, 222.0), (0.0, 0.0, 30.0, 30.0), (98.0, 98.0, 130, 130)
    )
    found = examine_field(rgb, detector, override=True)
    (seen,) = detector.seen
    left, top, *_ = found.quality.cropped
    assert seen.shape[0] < 440
    assert (found.width, found.height) == (640, 480)
    # The one in the corner lies beyond the circle.
    assert [cell.box[:2] for cell in found.detections] == [
        (190 + left, 190 + top),
        (98 + left, 98 + top),
    ]
    assert found.candidates == ()


def test_models_name_cells_only_of_what_is_readable():
    models = stand_in_models()
    blank = models.read_field(np.full((360, 480, 3), 220, np.uint8))
    assert (blank.quality.verdict, blank.classifier) == (Verdict.NOT_READABLE, None)
    named = models.read_field(drawn_field())
    assert (named.quality.verdict, named.classifier) == (Verdict.READABLE, "stand-in-1")


def test_findings_of_before_have_no_quality():
    kept = stand_in_models().read_field(drawn_field()).to_dict()
    del kept["quality"]
    assert FieldFindings.from_dict(kept).quality is None
    assert FieldFindings.from_dict(kept).to_dict()["quality"] is None
