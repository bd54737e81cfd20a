import re
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from records import db
from records.analyses.analyses import Analysis
from records.storage.image_store import DiskStore
from tests.people import post
from tests.stand_ins import drawn_cell
from tests.uploads import PALE, png, texts, upload_cell, upload_field

NAME = re.compile(r'class="history-name">([^<]*)<')


def shown(client: FlaskClient, query: str = "") -> list[str]:
    """File names on a page of the history, from top to bottom."""
    return NAME.findall(client.get(f"/history{query}").text)


def date_back(app: Flask, analysis_id: str, time: datetime) -> None:
    with app.app_context():
        db.session.get(Analysis, analysis_id).created_at = time
        db.session.commit()


@pytest.fixture
def kept(app: Flask, signed_in: FlaskClient) -> dict[str, str]:
    """Three analyses of ada's, by file name: their ids."""
    ids = {
        "blast.png": upload_cell(signed_in, "blast.png"),
        "normal.png": upload_cell(signed_in, "normal.png", png(drawn_cell(chromatin=PALE))),
        "field.png": upload_field(signed_in)["id"],
    }
    for day, analysis_id in enumerate(ids.values(), start=1):
        date_back(app, analysis_id, datetime(2026, 3, day, 23, 59, tzinfo=UTC))
    return ids


def test_without_analyses_the_page_says_how_to_begin(signed_in: FlaskClient):
    page = signed_in.get("/history").text

    assert "No analyses yet" in page
    assert 'href="/classify"' in page
    assert '<form class="panel filters' not in page


def test_the_newest_comes_first_with_word_and_thumbnail(signed_in: FlaskClient, kept):
    page = signed_in.get("/history").text

    assert NAME.findall(page) == ["field.png", "normal.png", "blast.png"]
    assert f'src="/history/{kept["blast.png"]}/thumbnail"' in page
    assert f'href="/classify/{kept["blast.png"]}"' in page
    assert f'href="/detect/{kept["field.png"]}"' in page
    assert "blast.png Cell, 01 Mar 2026, 23:59 UTC ALL blast 98% ALL blast" in texts(page)


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("?kind=classification", ["normal.png", "blast.png"]),
        ("?kind=detection", ["field.png"]),
        ("?result=normal", ["normal.png"]),
        ("?result=blasts", ["field.png"]),
        ("?since=2026-03-02", ["field.png", "normal.png"]),
        ("?until=2026-03-02", ["normal.png", "blast.png"]),
        ("?since=2026-03-02&until=2026-03-02", ["normal.png"]),
        ("?kind=&result=&since=&until=", ["field.png", "normal.png", "blast.png"]),
        ("?page=99", ["field.png", "normal.png", "blast.png"]),
        ("?page=-1", ["field.png", "normal.png", "blast.png"]),
        ("?page=two", ["field.png", "normal.png", "blast.png"]),
        ("?kind=detection&result=normal", []),
    ],
)
def test_filters(signed_in: FlaskClient, kept, query: str, names: list[str]):
    assert shown(signed_in, query) == names


def test_no_match_is_said_and_the_filters_stay(signed_in: FlaskClient, kept):
    page = signed_in.get("/history?kind=detection&result=normal").text

    assert "No matching analyses." in page
    assert re.search(r'<option selected value="detection">', page)


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("?since=2026-31-12", "Enter a date"),
        ("?until=yesterday", "Enter a date"),
        ("?until=9999-12-31", "Enter a date"),
        ("?since=2026-03-02&until=2026-03-01", "The end date is before the start date."),
        ("?kind=person", "Not a valid choice"),
        ("?result=leukaemia", "Not a valid choice"),
    ],
)
def test_a_filter_that_cannot_be_is_said_so(signed_in: FlaskClient, kept, query, sentence):
    answer = signed_in.get(f"/history{query}")

    assert answer.status_code == 422
    assert sentence in answer.text
    assert NAME.findall(answer.text) == []


def test_filters_survive_paging(app: Flask, signed_in: FlaskClient):
    app.config["LEUKOSCOPE"] = app.config["LEUKOSCOPE"].model_copy(update={"page_size": 2})
    first = datetime(2026, 3, 1, tzinfo=UTC)
    for number in range(5):
        date_back(app, upload_cell(signed_in, f"{number}.png"), first + timedelta(hours=number))
    seen, query = [], "?result=all_blast&since=2026-01-01"
    while query is not None:
        page = signed_in.get(f"/history{query}").text
        seen += NAME.findall(page)
        older = re.search(r'rel="next" href="/history(\?[^"]*)"', page)
        query = older and older[1].replace("&amp;", "&")
        assert query is None or ("result=all_blast" in query and "since=2026-01-01" in query)

    assert seen == ["4.png", "3.png", "2.png", "1.png", "0.png"]
    assert "5 analyses matching, page 3 of 3" in texts(page)


def test_deleting_asks_first(signed_in: FlaskClient, kept):
    page = signed_in.get(f"/history/{kept['blast.png']}/delete").text

    assert "Delete this analysis?" in page
    assert "cannot be undone" in page
    assert len(shown(signed_in)) == 3


def test_deleting_needs_its_token(signed_in: FlaskClient, kept):
    assert signed_in.post(f"/history/{kept['blast.png']}/delete").status_code == 400
    assert len(shown(signed_in)) == 3


def test_deleting_removes_the_analysis_and_every_image(app: Flask, signed_in: FlaskClient, kept):
    store = DiskStore(app.config["LEUKOSCOPE"].images_dir)
    for name, analysis_id in kept.items():
        answer = post(signed_in, f"/history/{analysis_id}/delete")
        assert answer.headers["Location"] == "/history"
        assert f"Analysis “{name}” and its images deleted." in (signed_in.get("/history").text)
        assert signed_in.get(f"/history/{analysis_id}/thumbnail").status_code == 404
        assert post(signed_in, f"/history/{analysis_id}/delete").status_code == 404

    assert store.names() == set()
    assert "No analyses yet" in signed_in.get("/history").text


def test_thumbnails_are_small(signed_in: FlaskClient, kept):
    answer = signed_in.get(f"/history/{kept['field.png']}/thumbnail")

    assert answer.mimetype == "image/jpeg"
    assert len(answer.data) < 20_000
    assert answer.headers["Cache-Control"] == "no-store"
