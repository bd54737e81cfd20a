"""A clinician's whole job in the browser, with the networks that are shipped."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from imaging.images import encode_png
from settings import ROOT
from tests.browser.drops import line
from tests.browser.serving import browser, chromium, open_page, served, watched
from tests.people import PASSWORD
from tests.stand_ins import drawn_cell, drawn_field

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(chromium() is None, reason="Chromium is not installed here"),
]

FIELDS = ROOT.parent / "shared" / "data" / "txl_pbc" / "images" / "test"
LABELS = ("ALL blast", "Normal", "Uncertain")


@pytest.fixture(scope="module")
def address(instance):
    with served(instance) as address:
        yield address


@pytest.fixture(scope="module")
def page(address):
    with browser() as chrome:
        page = open_page(chrome, address, accept_downloads=True)
        complaints = watched(page)
        yield page
        assert complaints == []


@pytest.fixture(scope="module")
def images(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("images")
    contents = {
        "cell.png": encode_png(drawn_cell(200)),
        "blank.png": encode_png(drawn_cell(200) * 0 + 255),
        "notes.png": b"this is no image",
        "field.png": encode_png(drawn_field()),
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    real = sorted(FIELDS.glob("*.jpg"))[:1]
    return {name: folder / name for name in contents} | {
        "field": (real or [folder / "field.png"])[0]
    }


def test_the_first_to_sign_up_is_let_in(page: Page):
    page.goto("/sign-up")
    page.get_by_label("User name").fill("ada")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Confirm password").fill(PASSWORD)
    page.get_by_role("button", name="Sign up").click()
    page.wait_for_url("**/sign-in")
    page.get_by_label("User name").fill("ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Cases", exact=True)).to_be_visible()


def test_several_cells_are_classified_and_the_bad_file_told(page: Page, images):
    page.goto("/classify")
    page.set_input_files("#images", [images[n] for n in ("cell.png", "blank.png", "notes.png")])
    cell, blank, notes = (line(page, name) for name in ("cell.png", "blank.png", "notes.png"))
    expect(cell.get_by_role("link", name="Open")).to_be_visible()
    assert cell.locator("[data-word]").inner_text() in LABELS
    expect(blank).to_contain_text("Not usable")
    expect(notes).to_contain_text("This is not an image that can be read")
    expect(notes.get_by_role("link", name="Open")).to_be_hidden()


def test_a_cells_result_page_says_what_it_is_worth(page: Page):
    line(page, "cell.png").get_by_role("link", name="Open").click()
    expect(page.locator(".finding-word")).to_contain_text(
        page.locator(".result-badge").first.inner_text()
    )
    share = float(page.locator("meter").get_attribute("value"))
    assert 0 <= share <= 1
    expect(page.get_by_text("does not diagnose").first).to_be_visible()
    expect(page.get_by_text("No result is final until a person confirms it")).to_be_visible()
    picture = page.locator(".cell-picture img")
    picture.evaluate("image => image.decode()")
    assert picture.evaluate("image => image.naturalWidth > 0")


def test_an_unusable_image_says_what_to_do(page: Page):
    page.goto("/history")
    page.locator(".history-open").filter(has_text="blank.png").click()
    expect(page.locator(".finding-word")).to_contain_text("Not usable")
    expect(page.get_by_text("The image is blank")).to_be_visible()
    assert page.locator("meter").count() == 0


def test_a_field_is_detected_and_its_counts_agree_with_the_download(page: Page, images):
    page.goto("/detect")
    page.set_input_files("#images", images["field"])
    page.locator(".upload-item").get_by_role("link", name="Open").click()
    expect(page.get_by_text("does not diagnose").first).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="JSON").click()
    findings = json.loads(Path(download.value.path()).read_text())
    boxes = page.locator("svg rect:not([data-label=candidate])")
    assert boxes.count() == len(findings["detections"])
    if FIELDS.is_dir():
        assert findings["counts"]["blast"] + findings["counts"]["wbc"] >= 1


def test_history_finds_and_deletes(page: Page):
    page.goto("/history")
    expect(page.get_by_text("3 analyses")).to_be_visible()
    page.get_by_label("Kind").select_option(label="Fields")
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_text("1 analysis")).to_be_visible()
    page.locator(".history-delete").click()
    with page.expect_navigation():
        page.get_by_role("button", name="Delete").click()
    page.goto("/history")
    expect(page.get_by_text("2 analyses")).to_be_visible()


def test_a_result_leads_to_the_card_of_its_model(page: Page):
    page.goto("/history")
    page.locator(".history-open").filter(has_text="cell.png").click()
    page.get_by_role("link", name="performance").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Classifier")
    charts = page.locator("img.chart").all()
    assert charts
    for chart in charts:
        chart.scroll_into_view_if_needed()
        chart.evaluate("image => image.decode()")
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.set_viewport_size({"width": 1280, "height": 720})


def test_signing_out_closes_the_door(page: Page):
    page.locator(".account-menu summary").click()
    with page.expect_navigation():
        page.get_by_role("button", name="Sign out").click()
    page.goto("/history")
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
