"""Findings as a share, in order, as a table and as a document."""

from __future__ import annotations

import csv
import io
import json

import pytest
from scipy.stats import binomtest

from models.findings import CELL_LABELS, Detection
from services.findings import (
    as_csv,
    as_json,
    blast_share,
    field_findings,
    interval,
    most_suspicious_first,
)
from tests.services.fields import CELLS, kept_field


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_findings_survive_being_kept():
    kept = kept_field()
    kept.finding = json.loads(json.dumps(kept.finding))
    assert field_findings(kept).detections == CELLS


def test_share_has_its_denominator():
    share = blast_share(field_findings(kept_field()))
    assert (share.blasts, share.white_cells, share.share) == (2, 4, 0.5)


def test_share_of_no_white_cells_is_none():
    share = blast_share(field_findings(kept_field(cells=CELLS[2:3])))
    assert (share.blasts, share.white_cells, share.share) == (0, 0, None)


@pytest.mark.parametrize(("successes", "total"), [(0, 1), (1, 1), (3, 20), (0, 200), (199, 200)])
def test_the_interval_is_wilsons(successes, total):
    expected = binomtest(successes, total).proportion_ci(0.95, "wilson")
    assert interval(successes, total) == pytest.approx((expected.low, expected.high), abs=1e-7)


def test_of_nothing_there_is_no_interval():
    assert interval(0, 0) is None


@pytest.mark.parametrize(("white_cells", "reliable"), [(99, False), (100, True)])
def test_share_needs_as_many_cells_as_a_differential(white_cells, reliable):
    cells = (Detection((0.0, 0.0, 9.0, 9.0), "wbc", 0.9),) * white_cells
    assert blast_share(field_findings(kept_field(cells=cells))).reliable is reliable


def test_sure_blasts_come_first_and_unsure_white_cells_follow():
    assert most_suspicious_first(field_findings(kept_field())) == [3, 1, 4, 0]


def test_csv_has_one_line_for_each_cell():
    table = rows(as_csv(kept_field()))
    assert [row["cell"] for row in table] == ["1", "2", "3", "4", "5", "6"]
    assert table[1] == {
        "file": "smear.png",
        "cell": "2",
        "label": "blast",
        "confidence": "0.5500",
        "x1": "100.0",
        "y1": "30.0",
        "x2": "150.0",
        "y2": "70.0",
        "model": "2026.11.22-1",
    }


def test_csv_without_cells_is_a_heading():
    assert as_csv(kept_field(cells=())).splitlines() == [
        "file,cell,label,confidence,x1,y1,x2,y2,model"
    ]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
def test_csv_file_name_is_no_formula(start):
    name = f'{start}HYPERLINK("http://example.org";"x").png'
    assert rows(as_csv(kept_field(file_name=name)))[0]["file"] == "'" + name


def test_csv_file_name_may_hold_commas_and_quotes():
    assert rows(as_csv(kept_field(file_name='a,"b".png')))[0]["file"] == 'a,"b".png'


def test_json_has_the_form_of_the_shell():
    document = json.loads(as_json(kept_field()))
    assert list(document)[:4] == ["file", "width", "height", "detections"]
    assert document["detections"][0] == {
        "box": [20.0, 30.0, 60.0, 80.0],
        "label": "wbc",
        "confidence": 0.97,
        "blast": None,
        "white": None,
        "second": None,
        "second_label": None,
    }
    assert document["counts"] == {"blast": 2, "wbc": 2, "rbc": 1, "platelet": 1}
    assert list(document["counts"]) == list(CELL_LABELS)
