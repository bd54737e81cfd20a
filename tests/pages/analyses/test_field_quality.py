"""What pages say of a field of doubtful quality, or of one that is not readable."""

import json
import re

import numpy as np
import pytest
from flask import Flask
from flask.testing import FlaskClient

from models.findings import Quality, QualityIssue, Verdict
from models.registry import Models
from records import db
from records.analyses.analyses import Analysis
from records.audit.audit import Event
from services.cases.cases import Details, open_case, put
from tests.people import account_named, post
from tests.services.analyses.fields import read_field
from tests.stand_ins import drawn_field
from tests.trail import noted
from tests.uploads import png, texts, upload_field

DOUBTFUL = Quality(Verdict.DOUBTFUL, (QualityIssue.BLURRED, QualityIssue.PALE))
GREY = png(np.repeat(drawn_field()[..., :1], 3, axis=2))
BATCH = "d" * 32
WORDS = "Doubtful image: out of focus, pale stain"


@pytest.fixture
def doubtful(signed_in: FlaskClient, monkeypatch) -> dict:
    """A field of doubtful quality."""
    found = read_field(quality=DOUBTFUL)
    monkeypatch.setattr(Models, "read_field", lambda self, rgb, progress=None, **options: found)
    return upload_field(signed_in, "soft.png", batch=BATCH)


@pytest.fixture
def refused(signed_in: FlaskClient) -> dict:
    """A field that is not readable."""
    return upload_field(signed_in, "grey.png", GREY, batch=BATCH)


def case_of(app: Flask, *fields: dict) -> str:
    with app.app_context():
        case = open_case(account_named("ada").id, Details("Alder-7", "blood"))
        put(case, [field["id"] for field in fields])
        return f"/cases/{case.id}"


def test_a_doubtful_field_says_why_beside_its_counts(signed_in, doubtful):
    page = texts(signed_in.get(doubtful["url"]).text)
    assert WORDS in page
    assert "Counts may be unreliable. The cells are out of focus." in page
    assert "Blasts 2 of 4" in page
    assert doubtful["summary"] == f"Blasts: 2 of 4 white cells. {WORDS}"


def test_a_doubtful_field_is_marked_wherever_it_is_counted(app, signed_in, doubtful):
    case = case_of(app, doubtful)
    assert WORDS in texts(signed_in.get("/history").text)
    assert WORDS in texts(signed_in.get(case).text)
    assert "1 of 1 image is doubtful." in texts(signed_in.get(case).text)
    assert "1 doubtful image in this case." in texts(signed_in.get(f"{case}/room").text)
    (field,) = signed_in.get(f"{case}/room/cells.json").json["fields"]
    assert field["doubtful"] == f"{WORDS}."
    assert "1 of 1 field counted is doubtful." in texts(signed_in.get(f"/batches/{BATCH}").text)


def test_files_and_reports_of_a_doubtful_field_say_so(app, signed_in, doubtful):
    case = case_of(app, doubtful)
    warning = "Image 1 is doubtful (out of focus, pale stain): its counts may be unreliable."
    sign_off = texts(signed_in.get(f"{case}/sign-off").text)
    assert warning in sign_off
    assert "Remove one of the two" not in sign_off
    report = signed_in.get(f"{case}/report.json").json
    assert report["warnings"] == [warning]
    assert report["state"]["images"][0]["quality"] == {
        "verdict": "doubtful",
        "reasons": ["blurred", "pale"],
        "overridden": False,
    }
    assert warning in signed_in.get(f"{case}/report.csv").text
    table = signed_in.get(f"{doubtful['url']}/findings.csv").text
    assert table.splitlines()[1].endswith(",doubtful,blurred pale")
    document = json.loads(signed_in.get(f"{doubtful['url']}/findings.json").text)
    assert document["quality"]["verdict"] == "doubtful"


def test_a_field_that_is_not_readable_has_no_counts_and_says_what_to_do(signed_in, refused):
    page = signed_in.get(refused["url"]).text
    main = texts(re.search(r"<main.*?</main>", page, flags=re.DOTALL)[0])
    assert refused["summary"].startswith("Nothing counted: ")
    assert "Not readable" in main
    assert "The image has no colour" in main
    assert "Take the field again" in main
    assert "Count anyway" in main
    assert "White cells" not in main
    assert "data-count=" not in page
    assert "findings.csv" not in page


def test_a_field_that_is_not_readable_is_counted_nowhere(app, signed_in, refused):
    case = case_of(app, refused)
    assert "Not readable No colour" in texts(signed_in.get("/history?result=not_readable").text)
    assert "Not readable" in texts(signed_in.get(case).text)
    batch = texts(signed_in.get(f"/batches/{BATCH}").text)
    assert "1 field is not readable and not counted." in batch
    assert "Cells in" not in batch
    (warning,) = signed_in.get(f"{case}/report.json").json["warnings"]
    assert warning.startswith("Image 1 is not readable (")


def test_counted_anyway_it_is_a_new_analysis_marked_ever_after(app, signed_in, refused):
    case = case_of(app, refused)
    url = f"{refused['url']}/override-quality-check"
    counted = texts(signed_in.get(post(signed_in, url).location).text)
    assert "Counted at your request despite the warning." in counted
    assert "Blasts 0 of 2" in counted
    with app.app_context():
        assert [one.object_id for one in noted(Event.OVERRIDE_QUALITY_CHECK)] == [refused["id"]]
        first, second = db.session.query(Analysis).order_by(Analysis.created_at).all()
        assert (first.result, second.result) == ("not_readable", "uncertain_cells")
        assert first.finding["detections"] == []
        assert second.quality["overridden"] is True
        assert second.case_id == first.case_id
    assert "duplicates" not in texts(signed_in.get(case).text)
    warnings = signed_in.get(f"{case}/report.json").json["warnings"]
    assert any("failed the quality check" in warning for warning in warnings)


def test_what_is_readable_or_blank_is_not_overridden(signed_in):
    readable = upload_field(signed_in)
    blank = upload_field(signed_in, "b.png", png(np.full((100, 90, 3), 220, np.uint8)))
    for field in (readable, blank):
        url = f"{field['url']}/override-quality-check"
        assert post(signed_in, url).status_code == 409
        assert "Count anyway" not in signed_in.get(field["url"]).text


def test_another_team_overrides_nothing(signed_in, other_client, refused):
    url = f"{refused['url']}/override-quality-check"
    assert post(other_client, url).status_code == 404


def test_a_field_of_before_has_no_quality_and_shows_none(app, signed_in):
    field = upload_field(signed_in)
    with app.app_context():
        analysis = db.session.get_one(Analysis, field["id"])
        finding = {name: value for name, value in analysis.finding.items() if name != "quality"}
        analysis.finding, analysis.quality = finding, None
        db.session.commit()
    case = case_of(app, field)
    for url in (field["url"], "/history", case, f"{case}/room", f"{case}/sign-off"):
        page = texts(signed_in.get(url).text)
        assert "Doubtful image" not in page
    image = signed_in.get(f"{case}/report.json").json["state"]["images"][0]
    assert "quality" not in image


def test_the_circle_of_an_eyepiece_is_shown_and_spoken_of(signed_in, monkeypatch):
    quality = Quality(Verdict.READABLE, cropped=(10.0, 20.0, 110.0, 120.0))
    found = read_field(quality=quality)
    monkeypatch.setattr(Models, "read_field", lambda self, rgb, progress=None, **options: found)
    page = signed_in.get(upload_field(signed_in)["url"]).text
    assert "only its circle was read" in page
    assert '<rect class="frame-dashes" x="10.0" y="20.0" width="100.0" height="100.0"/>' in page


def test_a_doubtful_field_without_blasts_does_not_look_reassuring(signed_in, monkeypatch):
    normal = read_field(quality=DOUBTFUL, detections=read_field().detections[1:2], candidates=())
    monkeypatch.setattr(Models, "read_field", lambda self, rgb, progress=None, **options: normal)
    field = upload_field(signed_in)
    assert (field["word"], field["tone"]) == ("No blasts seen", "uncertain")
    for url in (field["url"], "/history"):
        page = re.sub(r"<option.*?</option>", "", signed_in.get(url).text)
        assert 'tone-normal"' not in page
        assert "tone-uncertain" in page
