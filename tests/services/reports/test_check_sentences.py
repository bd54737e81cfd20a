"""What is said of each check."""

from __future__ import annotations

from typing import Any

import pytest

from models.findings import QualityIssue, Verdict
from services.cases.checks import Check, CheckCode, CheckStatus
from services.cases.snapshot import ImageQuality
from services.reports.check_sentences import CHECK_NAMES, format_check
from tests.reports import snapshot, with_duplicate

OK, WARNING, BLOCKING = CheckStatus.OK, CheckStatus.WARNING, CheckStatus.BLOCKING


@pytest.mark.parametrize(
    ("code", "status", "values", "sentence"),
    [
        ("review", BLOCKING, {"count": 1}, "1 cell needs review."),
        ("review", OK, {}, "Every suspicious or unclassified cell is reviewed."),
        (
            "images",
            BLOCKING,
            {"count": 1, "items": ("2",)},
            "White cells count in image 2, not readable. Name them “not a cell”.",
        ),
        ("dates", BLOCKING, {"items": ("too_old",)}, "The date of collection is before 1900."),
        (
            "white_cells",
            WARNING,
            {"count": 1, "limit": 200},
            "1 white cell reviewed; peripheral blood needs at least 200.",
        ),
        (
            "white_cells",
            BLOCKING,
            {"limit": 200},
            "There is no white cell. Add a field, or draw the cells that were missed.",
        ),
        ("blasts", OK, {}, "No cell was proposed or named as a blast."),
        (
            "blasts",
            WARNING,
            {"count": 2, "total": 9},
            "2 of 9 blasts, proposed or named, were decided in bulk.",
        ),
        (
            "unclassified",
            WARNING,
            {"count": 20, "total": 90, "limit": 0.05},
            "20 of 90 white cells unclassified; at most 5% should be.",
        ),
        ("disagreements", OK, {}, "Models and reviewer agree on every blast."),
        (
            "disagreements",
            WARNING,
            {"count": 14, "total": 20, "items": tuple(map(str, range(14)))},
            "14 of 20 disagreements on blasts not resolved: "
            "cells 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 2 more.",
        ),
        ("pseudonym", WARNING, {"count": 2}, "2 other open cases have the same pseudonym."),
    ],
)
def test_a_check_is_worded(code: str, status: CheckStatus, values: dict[str, Any], sentence: str):
    check = Check(code=CheckCode(code), status=status, **values)
    assert format_check(check, snapshot()) == sentence


def test_leukopenia_is_said_with_the_number_that_it_needs():
    of = snapshot().specimen.model_copy(update={"leukopenia": True})
    few = Check(code=CheckCode.WHITE_CELLS, status=WARNING, count=9, limit=100)
    assert "peripheral blood in leukopenia needs at least 100" in format_check(
        few, snapshot(specimen=of)
    )


def test_images_and_specimens_are_named_as_everywhere():
    (image,) = snapshot().images
    quality = ImageQuality(
        verdict=Verdict.DOUBTFUL, reasons=(QualityIssue.BLURRED,), overridden=False
    )
    doubtful = snapshot(images=(image.model_copy(update={"quality": quality}),))
    check = Check(code=CheckCode.IMAGES, status=WARNING, count=1, items=("1",))
    assert format_check(check, doubtful).startswith("Image 1 is doubtful (out of focus)")
    marrow = snapshot().specimen.model_copy(update={"kind": "marrow"})
    check = Check(code=CheckCode.SPECIMEN, status=WARNING)
    assert format_check(check, snapshot(specimen=marrow)).startswith("Bone marrow: neither model")
    check = Check(code=CheckCode.DUPLICATES, status=WARNING, items=("2",))
    assert format_check(check, with_duplicate()).startswith("Image 2 duplicates")


@pytest.mark.parametrize("code", CheckCode)
def test_every_check_has_a_name_and_passes_with_a_sentence(code: CheckCode):
    assert CHECK_NAMES[code]
    assert format_check(Check(code=code, status=OK, limit=1), snapshot()).endswith(".")
