"""Each check before a case is signed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from core.taxonomy import CLASS_CODES
from models.findings import QualityIssue, Verdict
from records.cases.reviews import Review
from services.cases.checks import (
    AtLeast,
    Check,
    CheckCode,
    CheckStatus,
    DateIssue,
    Facts,
    SignedCheck,
    checks_of,
    unresolved,
)
from services.cases.review import Cell
from services.cases.snapshot import CaseSnapshot, ImageQuality, Tally
from tests.reports import FIELD, cell, snapshot, with_duplicate

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
OK, WARNING, BLOCKING = CheckStatus.OK, CheckStatus.WARNING, CheckStatus.BLOCKING


def counted(**labels: int) -> Tally:
    """Counts of a reviewer of these labels."""
    return Tally(
        labels={**dict.fromkeys(CLASS_CODES, 0), **labels},
        white=sum(labels.values()),
        share=None,
        interval=None,
        erythroblasts_per_100=None,
    )


def live(number: int = 0, review: Review | None = None, **values: Any) -> Cell:
    """A cell that the models call a blast, as a reviewer called it, if one did."""
    given = {"proposed": "blast", "label": review.label if review else "blast", **values}
    return Cell(f"{FIELD}.{number}", FIELD, number, (0.0, 0.0, 9.0, 9.0), review=review, **given)


def named(label: str, before: str = "blast", bulk: bool = False) -> Review:
    return Review(label=label, label_before=before, bulk=bulk)


def check(code: CheckCode, **changes: Any) -> Check:
    """What this check makes of a case in which nothing else is wrong."""
    values = {
        "snapshot": snapshot(by_reviewers=counted(lymphocyte=200)),
        "cells": (),
        "missing": (),
        "at_least": 200,
        "collected_on": date(2026, 11, 20),
        "first_image": NOW - timedelta(days=1),
        "now": NOW,
    }
    return next(one for one in checks_of(Facts(**{**values, **changes})) if one.code == code)


def judged(verdict: Verdict, **values: Any) -> CaseSnapshot:
    """A case whose only image is of this quality."""
    (image,) = snapshot().images
    quality = ImageQuality(verdict=verdict, reasons=(QualityIssue.BLURRED,), overridden=False)
    return snapshot(images=(image.model_copy(update={"quality": quality}),), **values)


def test_the_worst_come_first():
    facts = Facts(
        snapshot=snapshot(),
        cells=(live(),),
        missing={"a"},
        at_least=200,
        collected_on=None,
        first_image=None,
        now=NOW,
    )
    statuses = [one.status for one in checks_of(facts)]
    assert statuses == sorted(statuses, key=list(CheckStatus).index)
    assert {one.code for one in checks_of(facts)} == set(CheckCode)
    assert set(statuses) == set(CheckStatus)


def test_cells_that_need_review_block():
    found = check(CheckCode.REVIEW, missing={"a", "b"})
    assert (found.status, found.count, found.total) == (BLOCKING, 2, 4)
    assert check(CheckCode.REVIEW).status == OK


def test_a_doubtful_image_is_named():
    found = check(CheckCode.IMAGES, snapshot=judged(Verdict.DOUBTFUL))
    assert (found.status, found.items, found.total) == (WARNING, ("1",), 1)
    assert check(CheckCode.IMAGES, snapshot=judged(Verdict.READABLE)).status == OK
    assert check(CheckCode.IMAGES).status == OK, "it was not judged then"


def test_an_image_that_is_not_readable_blocks_where_its_cells_count():
    assert check(CheckCode.IMAGES, snapshot=judged(Verdict.NOT_READABLE)).status == BLOCKING
    for cells in ((), (cell(0, "not_a_cell"),), (cell(0, left_out="single_image"),)):
        found = check(CheckCode.IMAGES, snapshot=judged(Verdict.NOT_READABLE, cells=cells))
        assert (found.status, found.items) == (WARNING, ("1",))


@pytest.mark.parametrize(
    ("day", "issues"),
    [
        (None, ()),
        (date(2026, 11, 28), ()),
        (date(2026, 11, 29), (DateIssue.AFTER_IMAGE,)),
        (date(2026, 11, 30), (DateIssue.AFTER_IMAGE,)),
        (date(2026, 12, 1), (DateIssue.IN_FUTURE,)),
        (date(1899, 12, 31), (DateIssue.TOO_OLD,)),
        (date(1900, 1, 1), ()),
    ],
)
def test_dates_that_cannot_be_block(day: date | None, issues: tuple[DateIssue, ...]):
    found = check(CheckCode.DATES, collected_on=day, first_image=NOW - timedelta(hours=30))
    assert (found.items, found.status) == (issues, BLOCKING if issues else OK)


def test_todays_date_of_the_furthest_east_is_possible():
    at = datetime(2026, 11, 29, 11, tzinfo=UTC)
    assert check(CheckCode.DATES, collected_on=date(2026, 11, 30), now=at).status == BLOCKING
    late = {"collected_on": date(2026, 11, 30), "now": NOW, "first_image": NOW}
    assert check(CheckCode.DATES, **late).status == OK


@pytest.mark.parametrize(
    ("white", "at_least", "status"),
    [(200, 200, OK), (199, 200, WARNING), (100, 100, OK), (0, 200, WARNING)],
)
def test_fewer_white_cells_than_a_differential_needs_take_a_reason(white, at_least, status):
    case = snapshot(by_reviewers=counted(lymphocyte=white))
    found = check(CheckCode.WHITE_CELLS, snapshot=case, at_least=at_least)
    assert (found.status, found.count, found.limit) == (status, white, at_least)


def test_a_case_without_any_cell_is_blocked():
    case = snapshot(cells=(), total=0, reviewed=0, by_reviewers=counted())
    assert check(CheckCode.WHITE_CELLS, snapshot=case).status == BLOCKING


def test_how_many_cells_are_needed_depends_on_specimen_and_leukopenia():
    at_least = AtLeast()
    assert at_least.of("blood", False) == 200
    assert at_least.of("blood", True) == 100
    assert at_least.of("marrow", True) == 500


@pytest.mark.parametrize(
    ("cells", "status", "count"),
    [
        ((), OK, 0),
        ((live(review=named("blast")),), OK, 0),
        ((live(review=named("blast", bulk=True)), live(1, named("blast"))), WARNING, 1),
        ((live(review=named("other", bulk=True)),), WARNING, 1),
        ((live(review=named("blast", bulk=True), proposed="unclassified"),), WARNING, 1),
        ((live(review=named("blast", bulk=True)), live(1)), BLOCKING, 1),
        ((live(candidate=True),), OK, 0),
    ],
)
def test_every_blast_is_seen_singly(cells: tuple[Cell, ...], status: CheckStatus, count: int):
    found = check(CheckCode.BLASTS, cells=cells)
    assert (found.status, found.count) == (status, count)


@pytest.mark.parametrize(("unclassified", "status"), [(0, OK), (10, OK), (11, WARNING)])
def test_at_most_a_twentieth_is_unclassified(unclassified: int, status: CheckStatus):
    case = snapshot(by_reviewers=counted(lymphocyte=200 - unclassified, unclassified=unclassified))
    found = check(CheckCode.UNCLASSIFIED, snapshot=case)
    assert (found.status, found.count, found.total) == (status, unclassified, 200)


@pytest.mark.parametrize(
    ("cells", "left"),
    [
        ((live(disagreed=True),), ["0"]),
        ((live(disagreed=True, review=named("blast", bulk=True)),), ["0"]),
        ((live(disagreed=True, review=named("blast")),), []),
        ((live(review=named("lymphocyte")),), ["0"]),
        ((live(review=named("lymphocyte", before="lymphocyte")),), []),
        ((live(proposed="unclassified", review=named("blast", before="unclassified")),), ["0"]),
        ((live(proposed="unclassified", review=named("other", before="unclassified")),), []),
        ((live(proposed=None, review=named("blast", before="not_a_cell")),), []),
        ((live(disagreed=True, candidate=True),), []),
    ],
)
def test_a_disagreement_is_resolved_by_a_single_look(cells: tuple[Cell, ...], left: list[str]):
    assert [one.id.partition(".")[2] for one in unresolved(cells)] == left
    found = check(CheckCode.DISAGREEMENTS, cells=cells)
    assert (found.status, found.count) == (WARNING if left else OK, len(left))
    assert found.items == tuple(f"1.{int(number) + 1}" for number in left)


def test_a_specimen_beyond_the_intended_use_warns():
    of = snapshot().specimen.model_copy(update={"kind": "marrow"})
    found = check(CheckCode.SPECIMEN, snapshot=snapshot(specimen=of))
    assert (found.status, found.items) == (WARNING, ("classifier", "detector"))
    assert check(CheckCode.SPECIMEN).status == OK


def test_an_image_that_counts_twice_warns():
    found = check(CheckCode.DUPLICATES, snapshot=with_duplicate())
    assert (found.status, found.items) == (WARNING, ("2",))
    assert check(CheckCode.DUPLICATES).status == OK


def test_another_open_case_of_the_same_pseudonym_warns():
    found = check(CheckCode.PSEUDONYM, namesakes=("f" * 32,))
    assert (found.status, found.items) == (WARNING, ("f" * 32,))
    assert check(CheckCode.PSEUDONYM).status == OK


def test_a_signed_check_keeps_what_was_checked():
    found = check(CheckCode.WHITE_CELLS)
    signed = SignedCheck(**found.model_dump(), reason="Leukopenia.")
    assert signed.unsigned == found
    assert "reason" not in SignedCheck(**found.model_dump()).serialize()
