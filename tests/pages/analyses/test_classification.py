import re
from io import BytesIO

import numpy as np
import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image, ImageFilter

from models.findings import Classification, Quality, QualityIssue, Verdict
from pages.analyses import detection
from pages.common.formatting import (
    FIELD_QUALITY_SENTENCES,
    QUALITY_SENTENCES,
    QUALITY_TITLES,
    field_quality_sentences,
    quality_sentence,
)
from records import db
from records.analyses.analyses import Analysis
from records.storage.image_store import DiskStore
from tests.models.quality_control.test_eyepiece import through_eyepiece
from tests.people import post
from tests.stand_ins import drawn_cell, drawn_field
from tests.uploads import (
    MIDDLE,
    PALE,
    cell_image,
    encoded,
    png,
    send,
    texts,
    upload_cell,
    upload_field,
)
from tests.waiting import HANGS

RESULTS = {
    "all_blast": (png(), "ALL blast", "exclamation-triangle", "immunophenotyping"),
    "normal": (png(drawn_cell(chromatin=PALE)), "Normal", "search", "One normal cell"),
    "uncertain": (png(drawn_cell(chromatin=MIDDLE)), "Uncertain", "question-circle", "neither"),
    "not_usable": (
        png(np.full((120, 120, 3), 200, np.uint8)),
        "Not usable",
        "x-circle",
        "The image is blank",
    ),
}


def result_page(client: FlaskClient, content: bytes, name: str = "cell.png") -> str:
    answer = send(client, "/classify", (name, content))
    assert answer.status_code == 303, answer.text
    return client.get(answer.headers["Location"]).text


def test_the_page_offers_a_chooser_that_works_without_script(signed_in: FlaskClient):
    page = signed_in.get("/classify").text

    assert 'enctype="multipart/form-data"' in page
    assert re.search(r'<input[^>]*type="file"[^>]*multiple', page)
    assert 'type="submit"' in page
    assert 'src="/static/js/upload/upload.js"' in page


@pytest.mark.parametrize("result", RESULTS)
def test_each_result_has_its_word_icon_and_next_step(signed_in: FlaskClient, result: str):
    content, word, icon, sentence = RESULTS[result]
    page = result_page(signed_in, content)
    finding = page.split('id="finding"')[1].split("</section>")[0]

    assert f"<span>{word}</span>" in finding
    assert f"icons.svg#{icon}" in finding
    assert sentence in texts(finding)
    assert "No result is final until a person confirms it." in texts(finding)
    assert "It does not diagnose" in texts(finding)


def test_a_view_through_an_eyepiece_is_spoken_of(signed_in: FlaskClient):
    rgb = np.pad(drawn_cell(200), ((150, 150), (150, 150), (0, 0)), "edge")
    cropped = result_page(signed_in, png(through_eyepiece(rgb, 250, 250, 200)))
    assert "View through an eyepiece: only its circle was read." in texts(cropped)
    assert "Dashed square: analysed" in texts(cropped)
    assert "eyepiece" not in result_page(signed_in, png())


def test_the_probability_is_a_number_and_a_meter(signed_in: FlaskClient):
    page = result_page(signed_in, RESULTS["uncertain"][0])

    assert "Probability of ALL blast: 50%" in texts(page)
    assert re.search(r'<meter[^>]*min="0" max="1" value="0\.5000"', page)


def test_what_is_not_usable_has_no_probability(signed_in: FlaskClient):
    page = result_page(signed_in, RESULTS["not_usable"][0])

    assert "<meter" not in page
    assert "Probability" not in page


def test_the_page_tells_of_file_model_and_conversions(signed_in: FlaskClient):
    content = encoded(cell_image().convert("CMYK"), "TIFF")
    page = texts(result_page(signed_in, content, "slide 7.tif"))

    assert "slide 7.tif" in page
    assert "120 × 120 pixels, TIFF, 56 kB" in page
    assert "CMYK colours were converted to RGB." in page
    assert "Classifier stand-in-1" in page
    assert re.search(r"SHA-256 [0-9a-f]{64}", page)
    assert re.search(r"\d\d \w{3} 20\d\d, \d\d:\d\d UTC", page)


def test_a_file_name_is_shown_and_never_obeyed(signed_in: FlaskClient):
    page = result_page(signed_in, png(), "<script>alert(1)</script>.png")

    assert "<script>alert(1)" not in page
    assert "script&gt;.png" in page


@pytest.mark.parametrize("result", RESULTS)
def test_nothing_is_inline(signed_in: FlaskClient, result: str):
    page = result_page(signed_in, RESULTS[result][0])

    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:|<script(?![^>]*\ssrc=)", page)


def test_the_image_comes_back_upright_and_without_metadata(signed_in: FlaskClient):
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "Patient Zero"
    wide = Image.fromarray(np.concatenate([drawn_cell(), drawn_cell()], axis=1))
    analysis_id = upload_cell(signed_in, "cell.jpg", encoded(wide, "JPEG", exif=exif))
    answer = signed_in.get(f"/classify/{analysis_id}/image")

    assert answer.mimetype == "image/png"
    assert b"Patient Zero" not in answer.data
    with Image.open(BytesIO(answer.data)) as image:
        assert image.size == (120, 240)
        assert not image.getexif()


def test_a_very_large_image_is_shown_as_a_bounded_copy(signed_in: FlaskClient):
    analysis_id = upload_cell(signed_in, content=png(np.tile(drawn_cell(), (2, 40, 1))))
    answer = signed_in.get(f"/classify/{analysis_id}/image")

    assert answer.mimetype == "image/jpeg"
    with Image.open(BytesIO(answer.data)) as image:
        assert image.size == (4096, 205)


def test_those_uploaded_together_follow_each_other(signed_in: FlaskClient):
    batch = "a" * 32
    ids = [
        send(signed_in, "/classify", (name, png()), as_json=True, batch=batch).json["id"]
        for name in ("one.png", "two.png", "three.png")
    ]
    upload_cell(signed_in, "single.png")
    middle = signed_in.get(f"/classify/{ids[1]}").text

    assert "2 of 3 uploaded together" in middle
    assert f'rel="prev" href="/classify/{ids[0]}"' in middle
    assert f'rel="next" href="/classify/{ids[2]}"' in middle
    together = texts(signed_in.get(f"/history?batch={batch}").text)
    assert "three.png" in together
    assert "single.png" not in together


def test_an_image_that_is_gone_is_not_found(app: Flask, signed_in: FlaskClient):
    analysis_id = upload_cell(signed_in)
    store = DiskStore(app.config["LEUKOSCOPE"].images_dir)
    for name in store.names():
        store.delete(name)

    assert signed_in.get(f"/classify/{analysis_id}/image").status_code == 404
    assert signed_in.get(f"/classify/{analysis_id}").status_code == 200


def test_a_field_has_no_page_among_the_cells(signed_in: FlaskClient):
    assert signed_in.get(f"/classify/{upload_field(signed_in)['id']}").status_code == 404


def blurred() -> bytes:
    return png(np.asarray(cell_image().filter(ImageFilter.GaussianBlur(10))))


def test_overriding_the_quality_check_makes_a_new_analysis(signed_in: FlaskClient):
    refused_id = upload_cell(signed_in, content=blurred())
    page = signed_in.get(f"/classify/{refused_id}").text
    assert "out of focus" in texts(page)
    assert f'action="/classify/{refused_id}/override-quality-check"' in page

    answer = post(signed_in, f"/classify/{refused_id}/override-quality-check")
    assert answer.status_code == 303
    read = signed_in.get(answer.headers["Location"]).text
    assert "<meter" in read
    assert "/override-quality-check" not in read
    assert "<meter" not in signed_in.get(f"/classify/{refused_id}").text


def test_the_quality_check_cannot_be_overridden_where_nothing_is_readable(signed_in: FlaskClient):
    for content in (png(), RESULTS["not_usable"][0], png(drawn_field())):
        analysis_id = upload_cell(signed_in, content=content)
        assert "/override-quality-check" not in signed_in.get(f"/classify/{analysis_id}").text
        assert post(signed_in, f"/classify/{analysis_id}/override-quality-check").status_code == 409


def test_several_cells_are_carried_over_to_detect(signed_in: FlaskClient, monkeypatch):
    monkeypatch.setattr(detection, "PATIENCE", HANGS)
    analysis_id = upload_cell(signed_in, "field.png", png(np.tile(drawn_cell(), (1, 2, 1))))
    page = signed_in.get(f"/classify/{analysis_id}").text
    assert "several white cells" in texts(page)
    assert f'action="/classify/{analysis_id}/detect"' in page

    answer = post(signed_in, f"/classify/{analysis_id}/detect")
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/detect/")
    assert "field.png" in signed_in.get(answer.headers["Location"]).text


def test_reading_again_needs_the_token_and_the_image(app: Flask, signed_in: FlaskClient):
    address = f"/classify/{upload_cell(signed_in, content=blurred())}"
    store = DiskStore(app.config["LEUKOSCOPE"].images_dir)
    for name in store.names():
        store.delete(name)
    for action in ("override-quality-check", "detect"):
        assert signed_in.post(f"{address}/{action}").status_code == 400

    assert post(signed_in, f"{address}/override-quality-check").status_code == 404
    batch = post(signed_in, f"{address}/detect").headers["Location"]
    assert "The image is no longer there" in signed_in.get(batch).text


def test_where_many_fields_wait_nothing_is_carried_over(app: Flask, signed_in: FlaskClient):
    app.extensions["leukoscope_fields"]._max_waiting = 0
    address = f"/classify/{upload_cell(signed_in)}"

    assert post(signed_in, f"{address}/detect").headers["Location"] == address
    assert "0 of your fields are already waiting" in signed_in.get(address).text


@pytest.mark.parametrize(
    ("in_distribution", "marked"), [(False, True), (True, False), (None, False)]
)
def test_an_unfamiliar_cell_is_marked_beside_its_answer(app, signed_in, in_distribution, marked):
    analysis_id = upload_cell(signed_in)
    with app.app_context():
        analysis = db.session.get(Analysis, analysis_id)
        analysis.finding = {**analysis.finding, "in_distribution": in_distribution}
        db.session.commit()
    page = texts(signed_in.get(f"/classify/{analysis_id}").text)

    assert ("Outside the validated domain" in page) == marked
    assert "Probability of ALL blast" in page


@pytest.mark.parametrize("band", [(0.3, 0.62), None])
def test_the_uncertain_band_is_drawn_where_it_is_known(signed_in, monkeypatch, band):
    monkeypatch.setattr("pages.analyses.classification.uncertain_band", lambda *_: band)
    page = signed_in.get(f"/classify/{upload_cell(signed_in)}").text

    assert ("Uncertain from 30% to 62%" in texts(page)) == (band is not None)
    assert ('<rect x="30.0" width="32.0" height="4"/>' in page) == (band is not None)


@pytest.mark.parametrize("described", [True, False])
def test_kind_and_form_are_shown_where_the_classifier_tells(app, signed_in, described):
    analysis_id = upload_cell(signed_in)
    form = {"kind": "lymphocyte", "morphology": {"chromatin_density": "densely"}}
    with app.app_context():
        analysis = db.session.get(Analysis, analysis_id)
        analysis.finding = {**analysis.finding, **(form if described else {})}
        db.session.commit()
    page = texts(signed_in.get(f"/classify/{analysis_id}").text)

    assert ("Kind and form Kind Lymphocyte Chromatin dense" in page) == described
    assert ("treat it with caution" in page) == described


def test_an_analysis_from_before_the_gate_found_cells_is_shown(app, signed_in: FlaskClient):
    analysis_id = upload_cell(signed_in)
    with app.app_context():
        analysis = db.session.get(Analysis, analysis_id)
        kept = ("label", "probability", "usable", "model")
        analysis.finding = {name: analysis.finding[name] for name in kept}
        db.session.commit()

    assert "Probability of ALL blast" in texts(signed_in.get(f"/classify/{analysis_id}").text)
    assert signed_in.get(f"/classify/{analysis_id}/window.png").status_code == 200


@pytest.mark.parametrize("code", QUALITY_SENTENCES)
def test_every_issue_of_a_cell_image_has_a_title_and_a_sentence(code: QualityIssue):
    assert QUALITY_TITLES[code]
    found = Classification(None, None, False, "1", code=code, width=90, height=20)
    assert quality_sentence(found).endswith(".")


@pytest.mark.parametrize("code", QualityIssue)
def test_every_quality_issue_is_told_of_a_field_or_of_a_cell(code: QualityIssue):
    assert QUALITY_TITLES[code]
    quality = Quality(Verdict.DOUBTFUL, (code,))
    assert all(one.endswith(".") for one in field_quality_sentences(quality, 90, 20))
    assert code in {**QUALITY_SENTENCES, **FIELD_QUALITY_SENTENCES}


def test_an_image_that_is_too_small_is_told_its_size():
    code = QualityIssue.TOO_SMALL
    found = Classification(None, None, False, "1", code=code, width=90, height=20)
    assert "only 90 × 20 pixels" in quality_sentence(found)
    assert quality_sentence(Classification("normal", 0.1, True, "1")) is None
