from dataclasses import replace

import cv2
import numpy as np
import pytest

from models.findings import Detection, FieldFindings, Quality, QualityIssue, Verdict
from models.quality_control import thresholds as limits
from models.quality_control.judgement import (
    Judgement,
    field_sharpness,
    judge_cells,
    judge_field_image,
    judge_image,
)
from models.quality_control.measures import ImageMeasures
from tests.stand_ins import drawn_cell, drawn_field

FIELD = drawn_field()
MEASURES = ImageMeasures.of(FIELD)
RED = tuple(
    Detection((x - 16.0, y - 16.0, x + 16.0, y + 16.0), "rbc", 0.9)
    for y in range(20, 360, 46)
    for x in range(20, 480, 46)
)


def found(*cells: Detection, red_cell: float | None = 32.0) -> FieldFindings:
    return FieldFindings(480, 360, cells, "test-1", red_cell=red_cell)


def issues(judged: Judgement) -> tuple[set[str], set[str]]:
    return set(judged.faults), set(judged.doubts)


def test_nothing_speaks_against_a_good_field():
    assert judge_field_image(FIELD, MEASURES) == Judgement()
    assert judge_cells(FIELD, found(*RED)) == Judgement()


@pytest.mark.parametrize(
    ("changes", "faults", "doubts"),
    [
        ({"contrast": 1.0}, {"blank"}, set()),
        ({"colour": 1.0}, {"no_colour"}, set()),
        ({"bright": 250.0}, {"over_exposed"}, set()),
        ({"dark": 20.0, "light": 25.0}, {"dark"}, {"dark"}),
        ({"light": 90.0}, set(), {"dark"}),
        ({"clipped": 0.6}, set(), {"over_exposed"}),
        ({"depth": 0.05}, set(), {"pale"}),
        ({"cast": 0.5}, set(), {"colour_cast"}),
        ({"lines": 2.0}, set(), {"overlay"}),
        ({"blocks": 5.0}, set(), {"compressed"}),
        ({"green": 0.4}, {"not_a_smear"}, set()),
        ({"plain": 0.8, "plain_light": 0.0, "lone": 1.0, "green": 0.9}, {"cut_out"}, set()),
        ({"plain": 0.8, "plain_light": 255.0, "lone": 1.0}, {"cut_out"}, set()),
        ({"plain": 0.8, "plain_light": 200.0, "lone": 1.0}, set(), set()),
        ({"plain": 0.8, "plain_light": 255.0, "lone": 0.3}, set(), set()),
    ],
)
def test_each_measure_beyond_its_threshold_speaks_against_a_field(changes, faults, doubts):
    assert issues(judge_field_image(FIELD, replace(MEASURES, **changes))) == (faults, doubts)


def test_too_few_pixels_are_not_looked_at():
    assert judge_field_image(FIELD[:20], MEASURES).faults == (QualityIssue.TOO_SMALL,)


def test_a_crop_of_a_cell_need_not_show_the_slide():
    odd = replace(MEASURES, light=90.0, depth=0.05, cast=0.5)
    assert judge_image(drawn_cell(), odd, of_field=False) == Judgement()


def test_without_cells_there_is_no_smear():
    assert judge_cells(drawn_field(800, 600), found()).faults == (QualityIssue.NOT_A_SMEAR,)
    platelet = Detection((0.0, 0.0, 9.0, 9.0), "platelet", 0.5)
    assert QualityIssue.NOT_A_SMEAR in judge_cells(FIELD, found(platelet)).faults


def test_among_few_pixels_cells_may_have_been_missed():
    assert judge_cells(FIELD, found()).faults == (
        QualityIssue.NOT_A_SMEAR,
        QualityIssue.LOW_RESOLUTION,
    )


def test_the_red_cells_tell_the_focus():
    soft, blurred = (cv2.GaussianBlur(FIELD, (0, 0), sigma) for sigma in (2, 5))
    assert limits.BLURRED < field_sharpness(soft, RED, []) < limits.SOFT
    assert issues(judge_cells(soft, found(*RED))) == (set(), {"blurred"})
    assert field_sharpness(blurred, RED, []) < limits.BLURRED
    assert issues(judge_cells(blurred, found(*RED))) == ({"blurred"}, set())


def test_white_cells_tell_the_focus_where_there_are_few_red_ones():
    crop = drawn_cell(200)
    white = Detection((10.0, 10.0, 190.0, 190.0), "wbc", 0.9)
    assert judge_cells(crop, found(white)) == Judgement()
    blurred = cv2.GaussianBlur(crop, (0, 0), 24)
    assert QualityIssue.BLURRED in judge_cells(blurred, found(white, red_cell=None)).faults


@pytest.mark.parametrize(
    ("red_cell", "expected"),
    [(None, (set(), set())), (32, (set(), set())), (12, (set(), {"low_resolution"})),
     (4, ({"low_resolution"}, set()))],
)  # fmt: skip
def test_few_pixels_a_red_cell_are_doubtful_and_too_few_unreadable(red_cell, expected):
    assert issues(judge_cells(FIELD, found(*RED, red_cell=red_cell))) == expected


def test_the_verdict_is_that_of_the_worst_reason_and_names_it_once():
    blurred, cast = QualityIssue.BLURRED, QualityIssue.COLOUR_CAST
    assert Judgement().quality().verdict == Verdict.READABLE
    assert Judgement(doubts=(cast,)).quality().verdict == Verdict.DOUBTFUL
    quality = Judgement((blurred,), (blurred, cast)).quality()
    assert (quality.verdict, quality.can_override) == (Verdict.NOT_READABLE, True)
    assert quality.reasons == (blurred, cast)


def test_what_was_overridden_is_doubtful_ever_after():
    quality = Judgement((QualityIssue.BLURRED,)).quality(override=True)
    assert (quality.verdict, quality.overridden) == (Verdict.DOUBTFUL, True)
    assert quality.reasons == (QualityIssue.BLURRED,)
    assert Judgement().quality(override=True).overridden is False


@pytest.mark.parametrize("issue", [QualityIssue.BLANK, QualityIssue.TOO_SMALL])
def test_where_there_is_nothing_nobody_can_insist(issue):
    quality = Judgement((issue,)).quality(override=True)
    assert (quality.verdict, quality.can_override) == (Verdict.NOT_READABLE, False)
    assert quality.overridden is False


def test_every_image_gets_an_answer():
    rng = np.random.default_rng(0)
    for shape in ((1, 1), (33, 32), (40, 900), (900, 40)):
        for rgb in (np.zeros((*shape, 3), np.uint8), rng.integers(0, 256, (*shape, 3), np.uint8)):
            judged = judge_field_image(rgb, ImageMeasures.of(rgb))
            assert isinstance(judged.quality().verdict, Verdict)


def test_what_lies_beside_the_cells_speaks_against_a_smear():
    white = [
        Detection((x - 30.0, y - 30.0, x + 30.0, y + 30.0), "wbc", 0.9)
        for x, y in ((120, 90), (360, 180))
    ]
    assert issues(judge_cells(FIELD, found(*RED[:10], *white)))[0] == {"not_a_smear"}
    assert issues(judge_cells(FIELD, found(*RED[:50], *white))) == (set(), {"not_a_smear"})


def test_cells_of_few_pixels_are_known_where_too_few_red_ones_were_measured():
    small = [replace(cell, box=(*cell.box[:2], cell.box[0] + 9, cell.box[1] + 9)) for cell in RED]
    judged = judge_cells(FIELD, found(*small, red_cell=None))
    assert QualityIssue.LOW_RESOLUTION in judged.doubts


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"light": 60.0}, "dark"),
        ({"clipped": 0.9}, "over_exposed"),
        ({}, "blank"),
        ({"light": 60.0, "contrast": 0.5}, "blank"),
    ],
)
def test_an_image_spoilt_by_its_light_is_not_called_blank(changes, reason):
    measures = replace(MEASURES, **{"contrast": 2.0, **changes})
    assert judge_field_image(FIELD, measures).faults == (reason,)


def test_what_was_measured_is_kept_beside_the_verdict():
    measures = replace(MEASURES, light=201.23456, green=0.5)
    judged = judge_field_image(FIELD, measures) + judge_cells(FIELD, found(*RED))
    kept = judged.quality().measures
    assert set(kept) == {"light", "depth", "balance", "cast", "focus"}
    assert kept["light"] == 201.2346
    assert kept["focus"] == pytest.approx(field_sharpness(FIELD, list(RED), []), abs=1e-4)
    assert Quality.from_dict(judged.quality().to_dict()).measures == kept
    assert "measures" not in Judgement().quality().to_dict()
