"""Findings as a share, in order, as a table and as a document."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import pytest

from core.tables import BOM
from models.findings import Detection, Namer, Quality, Verdict
from records.analyses import analyses
from services.analyses.findings import (
    BlastShare,
    Opinions,
    as_csv,
    as_json,
    blast_share,
    field_counts,
    field_findings,
    field_state,
    format_interval,
    format_share,
    most_suspicious_first,
    other_share,
    read_opinions,
)
from tests.services.analyses.fields import (
    CANDIDATES,
    CELLS,
    READ_CELLS,
    THRESHOLDS,
    kept,
    kept_field,
    older_field,
    read_field,
)


def named_cell(
    place: float, label: str, probability: float, detector: float, opinion: str
) -> Detection:
    """A white cell that the classifier named."""
    box = (place, 30.0, place + 40.0, 70.0)
    return Detection(box, label, 0.9, detector, 0.95, probability, opinion)


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.removeprefix(BOM))))


def test_findings_survive_being_kept():
    analysis = kept(read_field())
    analysis.finding = json.loads(json.dumps(analysis.finding))
    assert field_findings(analysis) == read_field()


def test_older_findings_are_read():
    findings = field_findings(older_field())
    assert findings.detections == CELLS
    assert (findings.candidates, findings.thresholds, findings.classifier) == ((), {}, None)


def test_share_has_its_denominator():
    share = blast_share(field_findings(kept_field()))
    assert (share.blasts, share.white_cells, share.share) == (2, 4, 0.5)


def test_share_of_no_white_cells_is_none():
    share = blast_share(field_findings(kept_field(cells=CELLS[2:3])))
    assert (share.blasts, share.white_cells, share.share) == (0, 0, None)


def test_where_the_detector_names_the_classifier_is_the_other_opinion():
    assert blast_share(read_field()) == BlastShare(blasts=2, white_cells=4)
    assert other_share(read_field()) == BlastShare(blasts=2, white_cells=4, uncertain=1)


def test_where_the_classifier_names_the_detector_is_the_other_opinion():
    thresholds = {**THRESHOLDS, "detector_blast": 0.85}
    named = read_field(named_by=Namer.CLASSIFIER, thresholds=thresholds)
    assert blast_share(named) == BlastShare(blasts=2, white_cells=4, uncertain=1)
    assert other_share(named) == BlastShare(blasts=1, white_cells=4)


def test_one_probability_orders_the_cells_and_marks_disagreement():
    cells = (
        named_cell(0.0, "blast", 0.9, 0.2, "all_blast"),
        named_cell(50.0, "wbc", 0.1, 0.9, "normal"),
        named_cell(100.0, "wbc", 0.5, 0.9, "uncertain"),
        named_cell(150.0, "blast", 0.95, 0.8, "all_blast"),
    )
    thresholds = {**THRESHOLDS, "detector_blast": 0.5}
    white = most_suspicious_first(
        read_field(
            named_by=Namer.CLASSIFIER, detections=cells, candidates=(), thresholds=thresholds
        )
    )
    assert [cell.probability for cell in white] == [0.95, 0.9, 0.5, 0.1]
    assert [cell.disagreed for cell in white] == [False, True, False, True]


@pytest.mark.parametrize(
    ("share", "verdict", "state"),
    [
        (BlastShare(1, 6, 2), Verdict.READABLE, analyses.BLASTS),
        (BlastShare(0, 6, 2), Verdict.READABLE, analyses.UNCERTAIN_CELLS),
        (BlastShare(0, 6, 2), Verdict.DOUBTFUL, analyses.UNCERTAIN_CELLS),
        (BlastShare(0, 6), Verdict.READABLE, analyses.NO_BLASTS),
        (BlastShare(0, 0), Verdict.READABLE, analyses.NO_WHITE_CELLS),
        (BlastShare(0, 0), Verdict.NOT_READABLE, analyses.NOT_READABLE),
    ],
)
def test_the_state_of_a_field_is_the_worst_of_its_cells(share, verdict, state):
    assert field_state(share, Quality(verdict)) == state


def test_a_field_that_nobody_judged_has_a_state():
    assert field_state(BlastShare(0, 1), None) == analyses.NO_BLASTS


@pytest.mark.parametrize("named_by", Namer)
def test_what_both_networks_say_survives_being_kept_for_lists(named_by: Namer):
    thresholds = {**THRESHOLDS, "detector_blast": 0.85}
    findings = read_field(named_by=named_by, thresholds=thresholds)
    kept_counts = json.loads(json.dumps(field_counts(findings)))

    other = other_share(findings)
    assert other
    assert read_opinions(kept_counts) == Opinions(named_by, blast_share(findings), other.blasts)


def test_networks_differ_where_their_counts_do():
    assert Opinions(Namer.CLASSIFIER, BlastShare(0, 6), 2).differ
    assert not Opinions(Namer.CLASSIFIER, BlastShare(2, 6), 2).differ
    assert not Opinions(Namer.DETECTOR, BlastShare(2, 6)).differ


def test_uncertain_cells_stay_in_the_denominator():
    share = BlastShare(blasts=1, white_cells=10, uncertain=3)
    assert (share.share, share.at_most.share) == (0.1, 0.4)


def test_one_network_has_no_other_opinion():
    assert other_share(field_findings(older_field())) is None


@pytest.mark.parametrize(
    ("share", "words"),
    [
        *((0.0, "0%"), (0.004, "0.4%"), (0.0524, "5.2%"), (0.09999, "10%"), (0.125, "13%")),
        *((0.5, "50%"), (0.9, "90%"), (0.996, "99.6%"), (1.0, "100%")),
    ],
)
def test_small_shares_do_not_vanish(share, words):
    assert format_share(share) == words


def test_an_interval_in_words():
    assert format_interval(BlastShare(3, 20)) == "5.2% to 36%"
    assert format_interval(BlastShare(0, 0)) == ""


@pytest.mark.parametrize(("white_cells", "reliable"), [(99, False), (100, True)])
def test_share_needs_as_many_cells_as_a_differential(white_cells, reliable):
    cells = (Detection((0.0, 0.0, 9.0, 9.0), "wbc", 0.9),) * white_cells
    assert blast_share(field_findings(kept_field(cells=cells))).reliable is reliable


def test_what_either_network_calls_a_blast_comes_first():
    white = most_suspicious_first(read_field())
    expected = [READ_CELLS[0], READ_CELLS[2], READ_CELLS[1], READ_CELLS[3], *CANDIDATES]
    assert [cell.found for cell in white] == expected
    assert [cell.number for cell in white] == [0, 1, 2, 3, 4]


def test_candidates_are_in_their_place_and_do_not_count():
    likely = replace(CANDIDATES[0], blast=0.22)
    white = most_suspicious_first(read_field(candidates=(likely,)))
    assert [cell.counted for cell in white] == [True, True, True, False, True]
    assert white[3].shown_as == "candidate"


def test_older_findings_keep_the_order_of_their_sheet():
    white = most_suspicious_first(field_findings(older_field()))
    assert [CELLS.index(cell.found) for cell in white] == [3, 1, 4, 0]


def test_disagreement_is_to_say_the_opposite():
    white = {cell.found: cell.disagreed for cell in most_suspicious_first(read_field())}
    assert [white[cell] for cell in READ_CELLS[:4]] == [True, True, False, False]


def test_one_network_cannot_disagree():
    assert not any(cell.disagreed for cell in most_suspicious_first(field_findings(older_field())))


def test_csv_has_one_line_for_each_counted_cell():
    table = rows(as_csv(kept(read_field())))
    assert [row["cell"] for row in table] == ["1", "3", "2", "4", "6"], "as pages number them"
    assert table[1] == {
        "file": "smear.png",
        "cell": "3",
        "label": "wbc",
        "confidence": "0.9000",
        "x1": "50.0",
        "y1": "30.0",
        "x2": "90.0",
        "y2": "70.0",
        "model": "2026.11.22-1",
        "blast_probability": "0.0500",
        "blast_threshold": "0.2500",
        "classifier_label": "all_blast",
        "classifier_all_blast_probability": "0.6000",
        "classifier_model": "2026.11.23-1",
        "probability": "0.0500",
        "named_by": "detector",
        "kind": "",
        "image_quality": "",
        "image_quality_reasons": "",
    }


def test_csv_is_empty_where_a_network_says_nothing():
    red_cell = rows(as_csv(kept(read_field())))[4]
    older = rows(as_csv(older_field()))[0]
    for row in (red_cell, older):
        assert row["blast_probability"] == row["classifier_label"] == row["classifier_model"] == ""


def test_csv_without_cells_is_a_heading():
    assert as_csv(kept_field(cells=())).removeprefix(BOM).splitlines() == [
        "file,cell,label,confidence,x1,y1,x2,y2,model,blast_probability,blast_threshold,"
        "classifier_label,classifier_all_blast_probability,classifier_model,probability,named_by,kind,"
        "image_quality,image_quality_reasons"
    ]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
def test_csv_file_name_is_no_formula(start):
    name = f'{start}HYPERLINK("http://example.org";"x").png'
    assert rows(as_csv(kept_field(file_name=name)))[0]["file"] == "'" + name


def test_csv_file_name_may_hold_commas_and_quotes():
    assert rows(as_csv(kept_field(file_name='a,"b".png')))[0]["file"] == 'a,"b".png'


def test_json_has_the_form_of_the_shell():
    document = json.loads(as_json(kept(read_field())))
    assert document.pop("file") == "smear.png"
    numbers = [cell.pop("cell") for cell in (*document["detections"], *document["doubtful"])]
    assert numbers == [1, 3, 2, 4, 6, 5], "and a number for each cell, as on its page"
    assert document == json.loads(json.dumps(read_field().to_dict()))
    assert document["counts"] == {"blast": 2, "wbc": 2, "smudge": 0, "rbc": 1, "platelet": 0}
    assert [cell["second"] for cell in document["detections"]] == [0.1, 0.6, 0.8, 0.25, None]
