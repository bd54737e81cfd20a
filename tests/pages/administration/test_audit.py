import csv
import io
import json
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from pages.administration import audit as page_module
from pages.common.requires import requirement_of
from records.audit.audit import Event
from services.audit import audit
from tests.people import PASSWORD, account_named, post
from tests.trail import CELL, append, entries, noted
from tests.uploads import texts, upload_cell

EXPORTS = ("/admin/audit/export.csv", "/admin/audit/export.jsonl")
ROW = re.compile(r'data-label="Entry">(\d+)<')
WHAT = re.compile(r"<strong>([^<]*)</strong>\s*(?:<span class=\"audit|</td>)")


@pytest.fixture
def cell(app: Flask, signed_in: FlaskClient, other_client: FlaskClient, client) -> str:
    """A trail with something of everybody; the id of ada's cell."""
    cell = upload_cell(signed_in)
    signed_in.get(f"/classify/{cell}")
    post(client, "/sign-in", name="ben", password="wrong")
    return cell


def shown(client: FlaskClient, query: str = "") -> list[str]:
    """What the rows of a page say happened, from top to bottom."""
    return WHAT.findall(client.get(f"/admin/audit{query}").text)


@pytest.mark.parametrize("path", ["/admin/audit", *EXPORTS])
def test_only_administrators_may(client: FlaskClient, other_client: FlaskClient, path: str):
    assert client.get(path).headers["Location"].startswith("/sign-in")
    assert other_client.get(path).status_code == 403


def test_the_newest_row_comes_first_in_plain_english(app: Flask, signed_in: FlaskClient, cell: str):
    page = signed_in.get("/admin/audit").text

    assert WHAT.findall(page)[:3] == [
        "Sign-in failed",
        "Viewed",
        "Uploaded images",
    ]
    assert ROW.findall(page)[-1] == "1"
    assert "kind: classification" in texts(page)
    assert "page: cell result" in texts(page)
    assert f"object={cell}" in page


def test_every_page_that_is_noted_has_a_name(app: Flask):
    views = {
        endpoint
        for endpoint in app.view_functions
        if (declared := requirement_of(endpoint, app))
        and declared.audit in (Event.VIEW, Event.DOWNLOAD)
    }
    assert set(page_module.PAGE_NAMES) == views


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?person=ben", ["Signed in", "Requested an account"]),
        ("?event=view", ["Viewed"]),
        ("?person=ben&event=view", []),
        ("?since=2999-01-01", []),
        ("?until=2000-01-01", []),
    ],
)
def test_filters(signed_in: FlaskClient, cell: str, query: str, found: list[str]):
    assert shown(signed_in, query) == found


def test_all_about_one_thing(app: Flask, signed_in: FlaskClient, cell: str):
    assert shown(signed_in, f"?object={cell}") == ["Viewed", "Image analysed"]
    with app.app_context():
        ben = account_named("ben").id
    assert shown(signed_in, f"?object={ben}") == [
        "Sign-in failed",
        "Signed in",
        "Requested an account",
    ]


@pytest.mark.parametrize(
    "query", ["?person=eve", "?event=dance", "?since=yesterday", f"?object={'x' * 65}"]
)
def test_a_filter_that_cannot_be_is_said_so(signed_in: FlaskClient, cell: str, query: str):
    for path in ("/admin/audit", *EXPORTS):
        answer = signed_in.get(path + query)
        assert answer.status_code == 422
        assert "Correct the highlighted fields" in answer.text


def test_no_match_is_said(signed_in: FlaskClient, cell: str):
    assert "No matching entries." in signed_in.get("/admin/audit?until=2000-01-01").text


def test_filters_survive_paging(signed_in: FlaskClient, cell: str, monkeypatch):
    monkeypatch.setattr(page_module, "PAGE_SIZE", 2)
    seen, query = [], "?event=sign-in"
    while query is not None:
        page = signed_in.get(f"/admin/audit{query}").text
        seen += WHAT.findall(page)
        older = re.search(r'rel="next" href="/admin/audit(\?[^"]*)"', page)
        query = older and older[1].replace("&amp;", "&")

    assert seen == ["Signed in", "Signed in"]
    pages = signed_in.get("/admin/audit?page=2").text
    assert 'rel="prev"' in pages
    assert 'rel="next"' in pages


def test_a_long_trail_is_not_counted_to_its_end(app: Flask, signed_in: FlaskClient, monkeypatch):
    """Its pages end there, and a link goes on behind the last entry of these."""
    monkeypatch.setattr(page_module, "PAGE_SIZE", 2)
    monkeypatch.setattr(page_module, "MOST_COUNTED", 4)
    with app.app_context():
        append(9)
        numbers = [entry.number for entry in entries() if entry.object_id == CELL.id]
    seen, counts, query = [], [], f"?object={CELL.id}"
    while query is not None:
        page = signed_in.get(f"/admin/audit{query}").text
        seen += [int(number) for number in ROW.findall(page)]
        counts += re.findall(r"More than 4 entries|\d entry matching|Page \d of \d", page)
        older = re.search(r'rel="next" href="/admin/audit(\?[^"]*)"', page)
        query = older and older[1].replace("&amp;", "&")

    assert seen == numbers[::-1]
    block = ["More than 4 entries", "Page 1 of 2", "More than 4 entries", "Page 2 of 2"]
    assert counts == [*block, *block, "1 entry matching"]


@pytest.mark.parametrize("behind", ["0", "-1", str(2**31), "first"])
def test_a_list_goes_on_behind_an_entry_only(signed_in: FlaskClient, behind: str):
    assert signed_in.get(f"/admin/audit?behind={behind}").status_code == 422


def test_the_end_of_the_trail_can_be_written_down(app: Flask, signed_in: FlaskClient, cell: str):
    page = signed_in.get("/admin/audit").text
    with app.app_context():
        before_the_search = entries()[-2]

    assert f"{before_the_search.number}:{before_the_search.hash}" in page


def test_searching_and_exporting_are_noted(app: Flask, signed_in: FlaskClient, cell: str):
    signed_in.get("/admin/audit?event=view")
    signed_in.get("/admin/audit/export.csv?person=ben").close()
    with app.app_context():
        (search,), (export,) = noted(Event.AUDIT_SEARCH), noted(Event.AUDIT_EXPORT)

    assert search.known == {"event": "view", "page": 1}
    assert export.known == {"person": "ben", "format": "csv"}
    assert search.account_name == export.account_name == "ada"


def test_what_is_found_is_exported_oldest_first(signed_in: FlaskClient, cell: str):
    table = signed_in.get(f"{EXPORTS[0]}?person=ben")
    rows = list(csv.DictReader(io.StringIO(table.data.decode("utf-8-sig"))))
    lines = signed_in.get(f"{EXPORTS[1]}?person=ben").text.splitlines()

    assert [row["event"] for row in rows] == ["sign-up", "sign-in"]
    assert [json.loads(line)["hash"] for line in lines] == [row["hash"] for row in rows]
    assert table.headers["Content-Disposition"] == "attachment; filename=audit.csv"
    assert table.mimetype == "text/csv"


def test_the_bar_offers_it_to_administrators_only(signed_in, other_client: FlaskClient):
    assert 'href="/admin/audit"' in signed_in.get("/account/password").text
    assert 'href="/admin/audit"' not in other_client.get("/account/password").text


@pytest.mark.parametrize(("count", "folded"), [(3, False), (4, True)])
def test_many_details_of_a_kind_are_folded_away(app: Flask, signed_in, count: int, folded: bool):
    cells = {f"cell-{number}": ["blast", "monocyte"] for number in range(count)}
    with app.app_context():
        audit.keep(Event.CORRECTION, cells=cells)
    page = signed_in.get("/admin/audit").get_data(as_text=True)
    assert "cell-2: blast to monocyte" in page
    assert (f"<summary>cells: {count}</summary>" in page) == folded


def test_all_words_on_a_cell_are_told(app: Flask, signed_in: FlaskClient):
    with app.app_context():
        audit.keep(Event.CORRECTION, cells={"cell-1": [None, "blast", "monocyte"]})
    assert "cell-1: nothing to blast to monocyte" in signed_in.get("/admin/audit").text


def test_names_are_escaped(signed_in: FlaskClient, client: FlaskClient):
    post(client, "/sign-in", name="<b>bold", password=PASSWORD)

    assert "<b>bold" not in signed_in.get("/admin/audit?object=<b>bold").text
