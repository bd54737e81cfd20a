"""What the page of a field shows, and what can be taken away from it."""

import csv
import io
import json
import re
import zipfile

import pydicom
import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image

from models.findings import FieldFindings, Namer
from models.registry import Models
from records import db
from records.analyses import analyses
from records.analyses.analyses import Analysis
from records.audit.audit import Event
from services.cases.review import record
from tests.cases import entry, open_case, put_field
from tests.networks import CLASSIFIER, active
from tests.people import account_named, post
from tests.services.analyses.fields import CELLS, older_field, read_field
from tests.trail import noted
from tests.uploads import texts, upload_field


@pytest.fixture
def field(signed_in: FlaskClient) -> str:
    """Address of a field in which one cell of each kind was found."""
    return upload_field(signed_in, "=field <7>.png")["url"]


@pytest.fixture
def shown(signed_in: FlaskClient, monkeypatch):
    """The page of a field of which the models say what the test says."""

    def show(found: FieldFindings) -> str:
        monkeypatch.setattr(Models, "read_field", lambda self, rgb, progress=None, **options: found)
        return signed_in.get(upload_field(signed_in)["url"]).get_data(as_text=True)

    return show


def visible(page: str) -> str:
    """What a page says without script, as far as it is in one element."""
    return texts(re.sub(r"<(\w+)[^>]* hidden>.*?</\1>", "", page, flags=re.DOTALL))


def older(app, address: str) -> None:
    """Put an older finding in the place of a kept one."""
    with app.app_context():
        analysis = db.session.get_one(Analysis, address.rsplit("/", 1)[-1])
        analysis.finding = older_field().finding
        db.session.commit()


def test_every_found_cell_has_its_box_in_pixels_of_the_file(signed_in, field):
    page = signed_in.get(field).get_data(as_text=True)
    assert 'viewBox="0 0 480 360"' in page
    boxes = re.findall(r'<rect data-label="(\w+)" x="([\d.]+)" y="([\d.]+)" width="([\d.]+)"', page)
    assert [box[0] for box in boxes] == ["candidate", "platelet", "rbc", "wbc", "blast"]
    assert boxes[3] == ("wbc", "240.0", "0.0", "240.0")


def test_few_words_stand_beside_the_gallery(shown):
    main = re.search(r"<main.*?</main>", shown(read_field()), flags=re.DOTALL)[0]
    for hidden in (
        r'<section class="gallery-section".*?</section>',
        r"<details.*?</details>",
        r"<title>.*?</title>",
        r'<(\w+) class="visually-hidden"[^>]*>.*?</\1>',
        r"<(div|p)(?! class=\"threshold\")[^>]* hidden>.*?</\1>",
    ):
        main = re.sub(hidden, "", main, flags=re.DOTALL)
    words = [word for word in texts(main).split() if re.search(r"[^\W\d_]", word)]
    assert len(words) <= 120, " ".join(words)


def test_counts_and_shares_come_with_denominator_and_interval(shown):
    page = shown(read_field())
    counts = dict(re.findall(r'data-count="(\w+)">(\d+)<', page))
    assert counts == {"blast": "2", "wbc": "2", "smudge": "0", "rbc": "1", "platelet": "0"}
    assert "Blasts 2 of 4 Percentage 50% 95% CI 15% to 85% Uncertain 0" in texts(page)
    assert "Only 4 white cells. Count at least 100." in visible(page)


def test_a_hundred_white_cells_are_a_differential(shown):
    cells = tuple(read_field().detections[:4] * 25)
    assert "Count at least 100" not in visible(shown(read_field(detections=cells)))


def test_uncertain_cells_are_spoken_of_where_there_are_any(shown):
    page = visible(shown(read_field(named_by=Namer.CLASSIFIER)))
    assert "Uncertain 1" in page
    assert "If all uncertain cells were blasts: 75%" in page
    sure = tuple(cell for cell in read_field().detections if cell.classifier_label != "uncertain")
    page = visible(shown(read_field(detections=sure, named_by=Namer.CLASSIFIER)))
    assert "Uncertain 0" in page
    assert "If all uncertain cells were blasts" not in page


def test_one_network_names_and_the_other_stays_in_details(shown):
    thresholds = {**read_field().thresholds, "detector_blast": 0.85}
    by_classifier = texts(shown(read_field(named_by=Namer.CLASSIFIER, thresholds=thresholds)))
    assert "The detector’s own opinion, not counted: 1 of 4 are blasts" in by_classifier
    by_detector = texts(shown(read_field()))
    assert "not counted: 2 of 4 ALL blasts, 1 uncertain" in by_detector


def test_the_gallery_has_the_white_cells_blasts_first(signed_in, field):
    page = signed_in.get(field).get_data(as_text=True)
    assert re.findall(r'class="gallery-cell gallery-(\w+)"', page) == ["blast", "wbc", "wbc"]
    assert 'viewBox="160 0 160 160"' in page
    with Image.open(io.BytesIO(signed_in.get(f"{field}/cells").data)) as sheet:
        assert sheet.size == (12 * 160, 160)


def test_every_white_cell_has_one_probability(shown):
    def items(**changes: object) -> list[str]:
        page = shown(read_field(**changes))
        every = re.findall(r"<li data-cell=.*?</li>", page, flags=re.DOTALL)
        return [visible(item) for item in every[:4]]

    assert items() == [
        "Cell 1 Blast 90% Cut by the edge Models disagree",
        "Cell 2 Blast 30%",
        "Cell 3 Other white cell 5% Models disagree",
        "Cell 4 Other white cell 20%",
    ]
    assert items(named_by=Namer.CLASSIFIER, thresholds={"blast": 0.25, "detector_blast": 0.25}) == [
        "Cell 1 Blast 80%",
        "Cell 2 Other white cell 60%",
        "Cell 3 Blast 10% Cut by the edge",
        "Cell 4 Other white cell 25%, uncertain",
    ]


@pytest.mark.parametrize(
    ("version", "name"),
    [("2026.11.23-1", "DenseNet121"), ("2027.1.1-1", "the classifier")],
)
def test_the_classifier_goes_by_the_name_in_its_manifest(shown, settings, version, name):
    architecture = {"arguments": {"architecture": "DenseNet121"}}
    content = {**CLASSIFIER, "training": architecture, "version": version, "files": {}}
    folder = active(settings.weights_dir / "classifier")
    folder.mkdir()
    (folder / "manifest.json").write_text(json.dumps(content))
    page = shown(read_field(named_by=Namer.CLASSIFIER))
    assert f"The detector finds the white cells; {name} says which are blasts" in texts(page)
    assert "EfficientNetB3" not in page


def test_doubtful_cells_are_there_for_the_slider_and_not_to_be_seen(shown):
    page = shown(read_field())
    assert page.count('<rect data-label="candidate"') == 1
    assert page.count('<li data-cell="4" hidden>') == 1
    assert len(re.findall(r"<li data-cell", page)) == 5


def test_the_slider_stands_at_the_models_threshold(shown):
    page = shown(read_field())
    assert 'data-threshold="0.25" data-white="0.4" data-named-by="detector" hidden' in page
    assert 'min="5" max="99" step="1" value="25"' in page
    assert "Downloads hold the saved result, at the default threshold of 25%" in texts(page)


def test_the_sensitivity_that_was_aimed_at_is_told_where_it_is_known(shown, monkeypatch):
    aim = "The default was chosen to find 90% of the blasts"
    assert aim not in texts(shown(read_field()))
    monkeypatch.setattr("pages.analyses.field.aimed_sensitivity", lambda weights, findings: 0.9)
    assert aim in texts(shown(read_field()))


def test_without_script_one_word_is_said_of_the_field(shown):
    words = r'data-result="(\w+)"( hidden)?>'
    found = re.findall(words, shown(read_field()))
    assert [result for result, hidden in found if not hidden] == ["blasts", "blasts"]
    assert {result for result, _ in found} == {
        "blasts",
        "uncertain_cells",
        "no_blasts",
        "no_white_cells",
    }


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "Red cells are about 41 pixels wide, as in"),
        ({"red_cell": 7.6, "scale": 2.52}, "about 8 pixels wide; the field was analysed at 2.5"),
        ({"red_cell": None}, "Magnification could not be determined"),
    ],
)
def test_the_page_tells_the_magnification(shown, changes, words):
    assert words in texts(shown(read_field(**changes)))


def test_an_older_finding_is_shown_without_what_it_lacks(app, signed_in, field):
    older(app, field)
    page = signed_in.get(field).get_data(as_text=True)
    assert "Blasts 2 of 4 Percentage 50% 95% CI 15% to 85%" in texts(page)
    assert re.findall(r'class="gallery-cell gallery-(\w+)"', page) == [
        "blast",
        "blast",
        *["wbc"] * 2,
    ]
    assert page.count("<rect data-label=") == len(CELLS)
    for lacking in ("threshold", "Classifier", "Magnification", "Sort by", "Disagree"):
        assert lacking not in texts(page)
    for path in ("annotated.png", "findings.csv", "findings.json"):
        assert signed_in.get(f"{field}/{path}").status_code == 200


def test_it_assists_and_nothing_is_final(signed_in, field):
    text = texts(signed_in.get(field).get_data(as_text=True))
    assert "does not diagnose" in text
    assert "No result is final until a person confirms it." in text


def test_no_style_or_script_stands_in_the_page(signed_in, field):
    page = signed_in.get(field).get_data(as_text=True)
    assert not re.search(r"style=|<style|onclick|<script(?! type=\"module\" src)", page)


def test_the_json_download_is_what_the_shell_prints(signed_in, field):
    answer = signed_in.get(f"{field}/findings.json")
    assert answer.mimetype == "application/json"
    assert "attachment" in answer.headers["Content-Disposition"]
    document = json.loads(answer.data)
    assert document["counts"] == {"blast": 1, "wbc": 1, "smudge": 0, "rbc": 1, "platelet": 1}


def test_the_csv_download_is_no_formula(signed_in, field):
    answer = signed_in.get(f"{field}/findings.csv")
    rows = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert [row["label"] for row in rows] == ["blast", "rbc", "wbc", "platelet"]
    assert rows[0]["file"].startswith("'=field")


def test_the_csv_download_may_have_semicolons(signed_in, field):
    answer = signed_in.get(f"{field}/findings.semicolon.csv")
    rows = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig")), delimiter=";"))
    assert [row["label"] for row in rows] == ["blast", "rbc", "wbc", "platelet"]
    assert rows[2]["x1"] == "240,0"
    assert "findings.semicolon.csv" in answer.headers["Content-Disposition"]


def test_the_annotated_image_is_the_field_with_a_legend(signed_in, field):
    answer = signed_in.get(f"{field}/annotated.png")
    assert answer.mimetype == "image/png"
    with Image.open(io.BytesIO(answer.data)) as picture:
        assert picture.width >= 480
        assert picture.height > picture.width * 360 / 480


def test_images_are_kept_by_no_browser(signed_in, field):
    for path in ("image", "cells", "annotated.png", "findings.csv", "findings.json"):
        answer = signed_in.get(f"{field}/{path}")
        assert answer.status_code == 200
        assert "no-store" in answer.headers["Cache-Control"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_field_without_white_cells_says_so(signed_in, shown):
    page = shown(read_field(detections=(CELLS[2],), candidates=()))
    assert "No white cells found" in visible(page)
    assert "<div data-shares hidden>" in page
    assert "data-gallery" not in page
    address = re.search(r"/detect/\w{32}", page).group()
    assert signed_in.get(f"{address}/cells").status_code == 404


def test_a_field_with_doubtful_cells_only_has_a_gallery_for_the_slider(shown):
    page = shown(read_field(detections=(CELLS[2],)))
    assert "No white cells found" in visible(page)
    assert page.count('<li data-cell="0" hidden>') == 1


def test_the_dicom_download_has_the_pseudonym_of_its_case(app, signed_in):
    opened = post(signed_in, "/cases/new", pseudonym="Alder-7", specimen="marrow")
    case_id = opened.headers["Location"].removeprefix("/cases/")
    field = upload_field(signed_in, "Jane Doe.png", case=case_id)
    answer = signed_in.get(f"{field['url']}/dicom.zip")
    assert answer.mimetype == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        objects = [pydicom.dcmread(io.BytesIO(archive.read(name))) for name in archive.namelist()]
    assert [one.Modality for one in objects] == ["GM", "SR"]
    assert {str(one.PatientID) for one in objects} == {"Alder-7"}
    assert not any("Jane" in str(one) for one in objects)
    assert (objects[0].Columns, objects[0].Rows) == (480, 360)
    with app.app_context():
        row = noted(Event.DOWNLOAD)[-1]
        assert (row.object_id, row.known) == (field["id"], {"page": "field.dicom"})


def test_a_field_of_a_case_leads_to_its_cells_and_says_how_far_their_review_is(
    app: Flask, signed_in: FlaskClient
):
    with app.app_context():
        case = open_case(account_named("ada").id)
        put_field(case, name="first.png")
        field = put_field(case)
        number = 1 + [one.id for one in analyses.of_case(case.id)].index(field.id)
        record(case, case.owner_id, [entry(f"{field.id}.1", "monocyte")])
        room, url = f"/cases/{case.id}/room", f"/detect/{field.id}"
    page = signed_in.get(url).text

    for name in ("1", "2", "3", "4"):
        assert f"Cell {number}.{name} " in texts(page)
    assert f'href="{room}#{field.id}.1">Reviewed: Monocyte</a>' in page
    assert f'href="{room}#{field.id}.0">Not reviewed</a>' in page
    assert f"Image {number} of case Alder-7 . 1 of 4 cells reviewed." in texts(page)
    assert f'href="{room}#{field.id}.0">Review in the reading room</a>' in page
