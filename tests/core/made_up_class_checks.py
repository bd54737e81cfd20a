"""What must follow from one more row in the taxonomy; run by `test_made_up_class.py`."""

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import pypdfium2
import pytest
from flask import Flask
from flask.testing import FlaskClient

from core.taxonomy import BUILT_IN, CLASS_CODES, DIFFERENTIAL, TRAINING_KINDS
from records import db
from records.cases.cases import Case
from records.cases.reviews import Review
from services.cases.cases import Details, open_case, put
from services.cases.review import cells_of, differential, record
from services.learning.export_reviewed import export_reviewed
from services.reports.contents import ReportContents, collect_report
from services.reports.fhir import as_fhir
from services.reports.pdf import as_pdf
from services.reports.text import as_csv, as_json
from tests.cases import entry, sign_case
from tests.people import account_named
from tests.reports import signed
from tests.uploads import upload_field

CODE, NAME = "plasma_cell", "Plasma cell"


@pytest.fixture(autouse=True)
def _migrated(app: Flask) -> None:
    """What a migration would do: the check of `reviews.label` takes the class as well."""
    with app.app_context():
        Review.__table__.drop(db.engine)
        db.create_all()


@pytest.fixture
def case(app: Flask, signed_in: FlaskClient):
    """A case of one field, of whose cells each is named, one as the new class."""
    field = upload_field(signed_in)["id"]
    with app.app_context():
        ada = account_named("ada")
        made = open_case(ada.id, Details("Alder-7", "blood"))
        put(made, [field])
        counted = [cell for cell in cells_of(made) if cell.counted]
        labels = [CODE, *(cell.label for cell in counted[1:])]
        record(made, ada.id, [entry(c.id, x) for c, x in zip(counted, labels, strict=True)])
        yield made


def sign(app: Flask, case: Case) -> None:
    by, ada = app.extensions["leukoscope_sign_off"], account_named("ada")
    sign_case(by, case, ada)


def text_of(contents: ReportContents) -> str:
    document = pypdfium2.PdfDocument(as_pdf(contents, {}))
    return " ".join(page.get_textpage().get_text_range() for page in document)


def test_it_is_in_every_list():
    assert CODE in CLASS_CODES
    assert CODE in DIFFERENTIAL
    assert CODE in TRAINING_KINDS


def test_the_reading_room_offers_it(case: Case, signed_in: FlaskClient):
    page = signed_in.get(f"/cases/{case.id}/room").text
    assert f'data-label="{CODE}" data-name="{NAME}" data-key="y" data-white="yes"' in page
    assert f'id="class-{CODE}"' in page
    assert f'data-count="reviewer-{CODE}"' in page


def test_it_counts_among_the_white_cells(case: Case):
    counts = differential(cells_of(case), BUILT_IN).reviewers
    assert counts.labels[CODE] == 1
    assert counts.white == sum(counts.labels[code] for code in DIFFERENTIAL)


def test_every_report_has_it(app: Flask, case: Case, signed_in: FlaskClient):
    sign(app, case)
    contents = collect_report(case, app.config["LEUKOSCOPE"].weights_dir)
    assert NAME in text_of(contents)
    rows = list(csv.DictReader(io.StringIO(as_csv(contents).decode("utf-8-sig"))))
    assert {row["value"] for row in rows if row["what"] == f"{CODE}_by_reviewers"} == {"1"}
    assert CODE in {row["label"] for row in rows}
    assert json.loads(as_json(contents))["state"]["by_reviewers"]["labels"][CODE] == 1
    codes = [
        coding["code"]
        for one in json.loads(as_fhir(contents))["entry"]
        if one["resource"]["resourceType"] == "Observation"
        for coding in one["resource"]["code"]["coding"]
    ]
    assert f"{CODE}-count" in codes


def test_what_was_signed_before_can_still_be_read():
    contents = signed()
    for by in ("by_models", "by_reviewers"):
        tally = getattr(contents.snapshot, by)
        labels = {code: count for code, count in tally.labels.items() if code != CODE}
        contents = replace(
            contents,
            snapshot=contents.snapshot.model_copy(
                update={by: tally.model_copy(update={"labels": labels})}
            ),
        )
    assert NAME in text_of(contents)
    assert as_fhir(contents)
    assert as_csv(contents)


def test_the_export_has_it(app: Flask, case: Case, tmp_path: Path):
    sign(app, case)
    export_reviewed(tmp_path / "out", app.extensions["leukoscope_analyst"])
    manifest = (tmp_path / "out" / "reviewed" / "manifest.csv").read_text()
    assert CODE in {row["label"] for row in csv.DictReader(io.StringIO(manifest))}
