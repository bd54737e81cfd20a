import json
from pathlib import Path

import pytest

from models.findings import Quality, QualityIssue, Verdict
from tests.stand_ins import drawn_field, stand_in_models
from training.__main__ import main
from training.quality_control import evaluation, field_evaluation
from training.quality_control.field_evaluation import (
    FieldResult,
    FieldResults,
    evaluate_fields,
    fields_to_dict,
    format_fields,
)
from training.quality_control.fields import DEGRADED, FieldSet

READABLE = Quality(Verdict.READABLE)
DOUBTFUL = Quality(Verdict.DOUBTFUL, (QualityIssue.BLURRED, QualityIssue.PALE))
REFUSED = Quality(Verdict.NOT_READABLE, (QualityIssue.BLURRED,))


class DrawnSet(FieldSet):
    def images(self):
        return (drawn_field() for _ in self.paths)


@pytest.fixture
def drawn(monkeypatch) -> None:
    """Three sources of drawn fields, and blank images as what is no field."""
    sets = [DrawnSet(title, (Path("a"), Path("b"))) for title in ("A", "B", "C")]
    monkeypatch.setattr(field_evaluation, "good_fields", lambda data, limit: sets)
    others = {"blank": lambda: iter([drawn_field() * 0 + 220] * 2)}
    monkeypatch.setattr(field_evaluation, "no_fields", lambda data, limit: others)


def results(*good: Quality) -> FieldResults:
    one = FieldResult("Fields", good)
    bad = FieldResult("blurred", (DOUBTFUL, REFUSED, READABLE))
    return FieldResults((one, one), one, (bad,), ())


def test_rates_and_reasons():
    each = FieldResult("A", (READABLE, DOUBTFUL, REFUSED, REFUSED))
    assert each.rate(Verdict.NOT_READABLE) == 0.5
    assert each.rate(Verdict.DOUBTFUL, Verdict.NOT_READABLE) == 0.75
    assert each.reasons == "blurred 3, pale 1"


@pytest.mark.parametrize(
    ("good", "doubtful", "not_readable"),
    [
        ((READABLE,) * 9 + (DOUBTFUL,), "0.100, target at most 0.1, met", "0.000"),
        ((READABLE,) * 8 + (DOUBTFUL,) * 2, "0.200, target at most 0.1, not met", "0.000"),
        ((READABLE,) * 9 + (REFUSED,), "0.000", "0.100, target at most 0.02, not met"),
    ],
)
def test_good_fields_are_held_against_the_targets(good, doubtful, not_readable):
    text = format_fields(results(*good))
    assert f"Good fields called doubtful: {doubtful}" in text
    assert f"Good fields called not readable: {not_readable}" in text
    assert "| blurred | 3 | 0.333 | 0.333 | 0.333 | blurred 2, pale 1 |" in text


def test_json_has_every_kind():
    plain = fields_to_dict(results(READABLE))
    assert plain["All"] == {
        "fields": 2,
        "readable": 1.0,
        "doubtful": 0.0,
        "not_readable": 0.0,
        "cropped": 0.0,
        "reasons": "",
    }
    assert plain["blurred"]["not_readable"] == pytest.approx(1 / 3)


def test_every_degradation_is_tried_on_fields_of_every_source(drawn):
    found = evaluate_fields(stand_in_models().detector, Path(), 2, 3)
    assert [len(each.qualities) for each in found.good] == [2, 2, 2]
    assert {each.title for each in found.degraded} == set(DEGRADED)
    assert {len(each.qualities) for each in found.degraded} == {3}
    assert found.eyepiece.cropped == 1
    (blank,) = found.others
    assert blank.rate(Verdict.NOT_READABLE) == 1


def test_the_command_judges_fields_alone(drawn, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(evaluation, "load_models", lambda weights: stand_in_models())
    monkeypatch.setattr(evaluation, "PROJECT", tmp_path)
    (tmp_path / "docs").mkdir()
    out = tmp_path / "out.json"
    options = ["--only", "fields", "--degraded", "3", "--out", str(out), "--record"]
    assert main(["evaluate", "quality-control", *options]) == 0
    assert list(json.loads(out.read_text())) == ["fields"]
    printed = capsys.readouterr().out
    assert printed.strip() in (tmp_path / "docs" / "validation.md").read_text()
