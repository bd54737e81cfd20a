import csv
import io
import json

from services.reports.contents import ASSISTS, SCHEMA, document, read_state
from services.reports.text import COLUMNS, as_csv, as_json
from tests.reports import AT, CELLS, cell, signed, state, twice_signed


def table(**changes: object) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(as_csv(signed(**changes)).decode(), newline="")))


def test_one_cell_a_line():
    rows = table()
    assert len(rows) == len(CELLS)
    assert rows[0] == {
        "pseudonym": "Alder-7",
        "version": "1",
        "status": "final",
        "image": "1",
        "cell": "1",
        **{"x1": "10.0", "y1": "20.0", "x2": "50.5", "y2": "60.2"},
        "label": "blast",
        "proposed": "blast",
        "counted": "yes",
        "seen": "yes",
        "reviewer": "ada",
        "reviewed_at": AT.isoformat(),
        "blast_probability": "0.9123",
        "second_label": "uncertain",
        "second_all_blast_probability": "0.4000",
    }
    assert tuple(rows[0]) == COLUMNS


def test_what_is_not_known_is_empty():
    unseen, drawn = table()[2:]
    assert (unseen["reviewer"], unseen["reviewed_at"], unseen["seen"]) == ("", "", "no")
    assert (drawn["cell"], drawn["proposed"], drawn["blast_probability"]) == ("d0000000f", "", "")


def test_nothing_is_a_formula():
    of = state().specimen.__class__("=1+1", "blood", "", "", None, "")
    rows = table(state=state(specimen=of, cells=(cell(0, by="@reader"),)))
    assert (rows[0]["pseudonym"], rows[0]["reviewer"]) == ("'=1+1", "'@reader")


def test_the_document_says_what_it_is_and_holds_everything():
    report = json.loads(as_json(twice_signed()))

    assert (report["schema"], report["notice"]) == (SCHEMA, ASSISTS)
    assert (report["status"], report["sha256"]) == ("final", "ef" * 32)
    assert [one["role"] for one in report["signatures"]] == ["first", "adjudicator"]
    assert report["signatures"][0]["at"] == AT.isoformat()
    assert report["agreement"]["kappa"] == 0.5
    assert read_state(report["state"]) == state()
    assert document(state()) == report["state"]
