from typing import get_args

from flask import Flask
from flask.testing import FlaskClient

from api.v1.reports import Suffix
from records.audit.audit import Event
from services.reports.formats import FORMATS
from tests.cases import open_case
from tests.people import account_named, post
from tests.trail import noted
from tests.uploads import upload_field


def test_reports_are_those_of_the_pages(app: Flask, program: FlaskClient, case):
    for suffix, form in FORMATS.items():
        with program.get(f"{case['url']}/report.{suffix}") as answer:
            assert (answer.status_code, answer.mimetype) == (200, form.mimetype)
            assert f"-v1.{suffix}" in answer.headers["Content-Disposition"]
    with app.app_context():
        assert [entry.known["format"] for entry in noted(Event.REPORT)] == list(FORMATS)
    assert program.get(f"{case['url']}/report.json?version=2").status_code == 404
    assert program.get(f"{case['url']}/report.html").status_code == 422


def test_images_and_labels_are_those_of_the_page(app, program, signed_in: FlaskClient, case):
    upload_field(signed_in, case=case["id"])
    field = f"{case['url'].replace('/api/v1', '')}/analyses/{case['field']}/take-out"
    post(signed_in, field)
    with program.get(f"{case['url']}/images-and-labels.zip") as answer:
        assert (answer.status_code, answer.mimetype) == (200, "application/zip")
        assert answer.data.startswith(b"PK")
    with app.app_context():
        assert [entry.known["page"] for entry in noted(Event.DOWNLOAD)] == ["api_reports.labels"]


def test_a_demo_has_no_report(app: Flask, program: FlaskClient):
    with app.app_context():
        demo = open_case(account_named("ada").id, demo=True).id
    answer = program.get(f"/api/v1/cases/{demo}/report.pdf")
    assert answer.status_code == 409
    assert "demo" in answer.json["detail"]


def test_suffixes_are_those_of_the_formats():
    assert get_args(Suffix) == tuple(FORMATS)
