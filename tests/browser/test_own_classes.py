"""A laboratory's own class in the browser: added, given by pointer and by key, and retired."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.rooms import case_with_field, served_fields
from tests.browser.serving import chromium
from tests.browser.test_accessibility import WIDTHS, complaints

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(chromium() is None, reason="Chromium is not installed here"),
]

CLASSES = "/admin/laboratory/classes"


@pytest.fixture(scope="module")
def address(instance: Path) -> Iterator[str]:
    with served_fields(instance) as address:
        yield address


@pytest.fixture(scope="module")
def page(signed_in: Page) -> Page:
    signed_in.set_viewport_size({"width": 1440, "height": 900})
    return signed_in


@pytest.fixture(scope="module")
def room(page: Page) -> str:
    return f"{case_with_field(page)}/room"


def open_room(page: Page, room: str) -> None:
    page.goto(room)
    expect(page.locator("[data-cell]:focus")).to_have_count(1)


def saved(page: Page) -> None:
    expect(page.locator("[data-saved-text]")).to_have_text("All saved")


def test_a_class_is_added(page: Page):
    page.goto(CLASSES)
    page.get_by_label("Name").fill("Plasma cell")
    page.get_by_label("Short code").fill("plasma")
    page.get_by_label("LOINC code").fill("26446-6")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_text("This is not a LOINC code")).to_be_visible()
    for width, height in reversed(WIDTHS.items()):
        page.set_viewport_size({"width": width, "height": height})
        assert complaints(page) == ""
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.set_viewport_size({"width": 1440, "height": 900})
    page.get_by_label("LOINC code").fill("26446-5")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_text("“Plasma cell” added.")).to_be_visible()


def test_a_cell_gets_it_by_pointer_and_by_a_key_of_ones_own(page: Page, room: str):
    open_room(page, room)
    own = page.locator("[data-group=own_plasma]")
    expect(own).to_be_hidden()
    page.get_by_role("button", name="Plasma cell").click()
    expect(own.locator("[data-cell]")).to_have_count(1)
    expect(page.locator("[data-count=reviewer-own_plasma]")).to_have_text("1")
    expect(page.locator("[data-count=reviewer-wbc]")).to_have_text("1")
    saved(page)

    page.goto("/reading-room/keys")
    page.get_by_label("Plasma cell").fill("y")
    page.get_by_role("button", name="Save keys").click()
    expect(page.get_by_text("Keys saved.")).to_be_visible()
    open_room(page, room)
    expect(own.locator("[data-cell]")).to_have_count(1)
    page.keyboard.press("j")
    page.keyboard.press("y")
    expect(own.locator("[data-cell]")).to_have_count(2)
    saved(page)


def test_a_retired_class_stays_with_its_cells_and_cannot_be_given(page: Page, room: str):
    page.goto(CLASSES)
    page.get_by_role("button", name="Retire").click()
    expect(page.get_by_text("“Plasma cell” retired.")).to_be_visible()
    open_room(page, room)
    button = page.locator("[data-palette] [data-label=own_plasma]")
    expect(button).to_be_disabled()
    line = page.locator("tr", has=page.locator("[data-count=reviewer-own_plasma]"))
    expect(line).to_be_visible()
    own = page.locator("[data-group=own_plasma]")
    expect(own.locator("[data-cell]")).to_have_count(2)
    for left in (1, 0):
        own.locator("[data-cell]").first.click()
        page.keyboard.press("m")
        expect(own.locator("[data-cell]")).to_have_count(left)
    expect(button).to_be_hidden()
    expect(line).to_be_hidden()
    saved(page)
