"""Many fields in the browser, on stand-in models: sent, followed, cancelled, counted together."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from models.registry import Models
from tests.browser.serving import chromium, open_page, served
from tests.reading import Reading
from tests.stand_ins import drawn_field, stand_in_models
from tests.uploads import fresh

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(chromium() is None, reason="Chromium is not installed here"),
]


BEING_READ = "Analysing… 30%"


@pytest.fixture(scope="module")
def reading() -> Iterator[Reading]:
    stand_in = Reading()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("jobs.runner.BETWEEN_NOTES", 0)
        patch.setattr(
            Models, "read_field", lambda self, *given, **options: stand_in.read_field(self, *given)
        )
        yield stand_in


@pytest.fixture(scope="module")
def address(instance: Path, reading: Reading) -> Iterator[str]:
    with served(instance, models=stand_in_models()) as address:
        yield address
        reading.go_on.set()


@pytest.fixture
def page(signed_in: Page, reading: Reading) -> Page:
    reading.go_on.set()
    reading.error = None
    signed_in.goto("/detect")
    return signed_in


def drop(page: Page, count: int, *others: dict) -> None:
    files = [
        {"name": f"field {number}.png", "mimeType": "image/png", "buffer": fresh(drawn_field())}
        for number in range(count)
    ]
    page.set_input_files("#images", [*files, *others])


def item(page: Page, name: str):
    return page.locator(".upload-item").filter(has_text=name)


def test_many_fields_are_sent_and_end_in_one_count(page: Page):
    notes = {"name": "notes.png", "mimeType": "image/png", "buffer": b"no image"}
    drop(page, 7, notes)
    expect(page.locator("[data-status]")).to_have_text("7 of 8 analysed, 1 failed")
    expect(item(page, "notes.png")).to_contain_text("not an image that can be read")
    expect(page.get_by_role("link", name="Open field")).to_have_count(7)
    expect(item(page, "field 3.png").locator("[data-word]")).to_have_text("Blasts suspected")

    page.get_by_role("link", name="one combined count").click()
    expect(page.locator("[data-status]")).to_have_text("7 of 7 analysed")
    counts = page.locator("[data-counts]")
    expect(counts).to_contain_text("Cells in 7 fields")
    expect(counts.locator("[data-figure=blasts]")).to_have_text("7 of 14")
    expect(counts).to_contain_text("Only 14 white cells.")
    item(page, "field 3.png").get_by_role("link", name="Open").click()
    expect(page.get_by_role("heading", name="field 3.png")).to_be_visible()


def test_the_page_of_a_batch_follows_what_is_read(page: Page, reading: Reading):
    reading.go_on.clear()
    drop(page, 3)
    expect(item(page, BEING_READ)).to_be_visible()
    page.get_by_role("link", name="one combined count").click()
    expect(page.locator("progress[value='3'][max='10']")).to_be_visible()
    waiting = item(page, "Waiting…")
    expect(waiting).to_have_count(2)
    waiting.last.get_by_role("button", name="Cancel").press("Enter")
    expect(waiting).to_have_count(1)
    expect(item(page, "Cancelled")).to_be_visible()
    expect(page.get_by_text("Counts appear when")).to_be_visible()

    reading.go_on.set()
    expect(page.locator("[data-status]")).to_have_text("2 of 3 analysed, 1 cancelled")
    expect(page.locator("[data-counts]")).to_contain_text("Cells in 2 fields")
    expect(page.get_by_role("button", name="Cancel")).to_have_count(0)


def test_cancelling_works_while_it_is_read_and_for_the_rest(page: Page, reading: Reading):
    reading.go_on.clear()
    drop(page, 4)
    item(page, BEING_READ).get_by_role("button", name="Cancel").click()
    expect(item(page, "Cancelled")).to_be_visible()
    expect(item(page, BEING_READ)).to_be_visible()
    page.get_by_role("link", name="one combined count").click()
    page.get_by_role("button", name="Cancel remaining").click()
    expect(page.locator("[data-status]")).to_have_text("0 of 4 analysed, 4 cancelled")
    expect(page.get_by_role("button", name="Cancel remaining")).to_be_hidden()


def test_a_failure_is_tried_again(page: Page, reading: Reading):
    reading.error = ValueError("broken")
    drop(page, 1)
    expect(item(page, "field 0.png")).to_contain_text("Something went wrong")
    reading.error = None
    item(page, "field 0.png").get_by_role("button", name="Try again").click()
    expect(item(page, "field 0.png").locator("[data-word]")).to_have_text("Blasts suspected")


def test_a_server_that_is_not_reached_is_said_and_asked_again(page: Page, reading: Reading):
    reading.go_on.clear()
    drop(page, 1)
    expect(item(page, BEING_READ)).to_be_visible()
    page.route("**/progress", lambda route: route.abort())
    expect(page.get_by_text("The server could not be reached")).to_be_visible()
    page.unroute("**/progress")
    reading.go_on.set()
    expect(item(page, "field 0.png").locator("[data-word]")).to_have_text("Blasts suspected")
    expect(page.get_by_text("The server could not be reached")).to_be_hidden()


def test_without_script_several_fields_lead_to_their_batch(page: Page, address: str, reading):
    cookies = page.context.storage_state()
    plain = open_page(
        page.context.browser, address, java_script_enabled=False, storage_state=cookies
    )
    reading.go_on.clear()
    plain.goto("/detect")
    drop(plain, 2)
    plain.get_by_role("button", name="Detect").click()
    expect(plain).to_have_url(re.compile("/batches/[0-9a-f]{32}$"))
    expect(plain.get_by_text("Refreshes every 10 seconds")).to_be_visible()
    item(plain, "field 1.png").get_by_role("button", name="Cancel").click()
    expect(item(plain, "field 1.png")).to_contain_text("Cancelled")
    reading.go_on.set()
    reload = plain.get_by_role("link", name="Reload now")
    while reload.is_visible():
        reload.click()
    expect(plain.locator("[data-status]")).to_have_text("1 of 2 analysed, 1 cancelled")
    expect(plain.get_by_text("Cells in 1 field")).to_be_visible()


def test_cancelling_before_the_script_has_loaded_is_told_the_same(page: Page, reading: Reading):
    reading.go_on.clear()
    drop(page, 3)
    expect(item(page, BEING_READ)).to_be_visible()
    page.route("**/upload/batch.js", lambda route: route.abort())
    page.get_by_role("link", name="one combined count").click()
    page.get_by_role("button", name="Cancel remaining").click()
    expect(page.locator("[data-status]")).to_have_text("0 of 3 analysed, 3 cancelled")
    expect(page.get_by_role("button", name="Cancel remaining")).to_be_hidden()
    page.unroute("**/upload/batch.js")


def test_it_fits_on_a_phone(page: Page):
    page.set_viewport_size({"width": 390, "height": 844})
    drop(page, 2)
    expect(page.locator("[data-status]")).to_have_text("2 of 2 analysed")
    page.get_by_role("link", name="one combined count").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.set_viewport_size({"width": 1280, "height": 720})
