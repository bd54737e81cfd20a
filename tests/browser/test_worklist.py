"""The worklist at work: cases are chosen, given away after a question, and found again."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.rooms import Clinic
from tests.browser.serving import chromium
from tests.browser.test_accessibility import complaints

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(chromium() is None, reason="Chromium is not installed here"),
]


@pytest.fixture
def page(signed_in: Page, instance: Path) -> Page:
    clinic = Clinic(instance)
    for _ in range(3):
        clinic.open_case()
    signed_in.set_viewport_size({"width": 1440, "height": 900})
    signed_in.goto("/cases")
    return signed_in


def test_selected_cases_are_given_to_somebody(page: Page):
    assign = page.get_by_role("button", name="Assign …")
    expect(assign).to_be_disabled()
    page.get_by_label("Select all cases of this page").check()
    expect(page.get_by_text("3 selected:")).to_be_visible()
    page.get_by_label("Select Alder-7").first.uncheck()
    expect(page.get_by_text("2 selected:")).to_be_visible()
    assert complaints(page) == ""
    page.set_viewport_size({"width": 1440, "height": 900})
    page.get_by_label("Assign to").select_option("ada")
    assign.click()
    expect(page.get_by_role("heading", name="Assign 2 cases to ada?")).to_be_visible()
    assert complaints(page) == ""
    page.get_by_label("Note").fill("Today, please.")
    page.get_by_role("button", name="Assign").click()
    expect(page.get_by_text("2 cases assigned to ada.")).to_be_visible()
    expect(page.get_by_role("link", name="Mine 2")).to_be_visible()


def test_the_header_is_one_row_and_is_not_printed(page: Page):
    for width in (1440, 1280, 1024, 820, 768):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.locator(".site-header").bounding_box()["height"] < 75, width
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), width
    page.emulate_media(media="print")
    expect(page.locator(".site-nav")).to_be_hidden()
    page.emulate_media(media="screen")


@pytest.mark.parametrize("path", ["/cases?text=nothing", "/admin/statistics", "/cases?view=mine"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_are_open_to_everybody_in_light_and_dark(page: Page, path: str, scheme: str):
    page.emulate_media(color_scheme=scheme)
    page.goto(path)
    assert complaints(page) == ""
    page.emulate_media(color_scheme="light")
