import json
from dataclasses import replace

import pytest

from models.findings import (
    Classification,
    Detection,
    FieldFindings,
    Namer,
    QualityIssue,
    halves,
)

WHITE = Detection((1.0, 2.0, 3.5, 4.25), "wbc", 0.9, 0.1, 0.95, 0.2, "normal")
RED = Detection((5.0, 6.0, 7.0, 8.0), "rbc", 0.8)
FIELD = FieldFindings(
    *(40, 30, (WHITE, RED), "d-1"),
    candidates=(WHITE,),
    thresholds={"blast": 0.4},
    red_cell=2.0,
    classifier="c-1",
)
CELL = Classification(
    *("normal", 0.1, True, "c-1"),
    code=QualityIssue.BLURRED,
    overridden=True,
    view="crop",
    window=(-1.0, 2.0, 30.0, 33.0),
    in_distribution=True,
    cells=1,
    width=40,
    height=30,
)


def test_findings_of_a_field_are_read_as_they_were_written():
    kept = json.loads(json.dumps(FIELD.to_dict()))
    assert FieldFindings.from_dict(kept) == FIELD
    assert kept["counts"] == {"blast": 0, "wbc": 1, "smudge": 0, "rbc": 1, "platelet": 0}
    (candidate,) = kept["doubtful"]
    assert candidate["box"] == [1.0, 2.0, 3.5, 4.25]
    assert (candidate["second"], candidate["second_label"]) == (0.2, "normal")
    assert kept["second_model"] == "c-1"


@pytest.mark.parametrize(("named_by", "probability"), [("detector", 0.1), ("classifier", 0.2)])
def test_a_white_cell_has_the_one_probability_of_the_network_that_names_it(named_by, probability):
    named = replace(FIELD, named_by=Namer(named_by))
    assert named.probability(WHITE) == probability
    white, red = named.to_dict()["detections"]
    assert white["probability"] == probability
    assert "probability" not in red


def test_findings_of_before_were_named_by_the_detector():
    kept = FIELD.to_dict()
    del kept["named_by"]
    for cell in kept["detections"]:
        cell.pop("probability", None)
        del cell["kind"]
    assert FieldFindings.from_dict(kept) == FIELD


def test_only_the_cells_that_are_wanted_are_read():
    found = FieldFindings.from_dict(FIELD.to_dict(), ("rbc",))
    assert (found.detections, found.candidates) == ((RED,), ())


def test_what_is_written_cannot_change_what_was_found():
    kept = FIELD.to_dict()
    kept["detections"][0]["label"] = kept["thresholds"]["blast"] = "other"
    assert FieldFindings.from_dict(FIELD.to_dict()) == FIELD


@pytest.mark.parametrize("found", [CELL, Classification(None, None, False, "c-1")])
def test_the_finding_of_a_cell_is_read_as_it_was_written(found):
    again = Classification.from_dict(json.loads(json.dumps(found.to_dict())))
    assert again == found
    assert again.code is None or isinstance(again.code, QualityIssue)


def test_an_older_finding_lacks_what_was_not_asked():
    kept = {"label": "normal", "probability": 0.1, "usable": True, "model": "c-1"}
    assert Classification.from_dict(kept) == Classification("normal", 0.1, True, "c-1")


def test_two_tasks_in_a_row_are_told_as_halves_of_the_way():
    told: list[float] = []
    first, second = halves(lambda done, total: told.append(done / total))
    first(1, 2)
    first(2, 2)
    second(1, 4)
    second(4, 4)
    assert told == [0.25, 0.5, 0.625, 1.0]
    halves(None)[0](1, 1)
