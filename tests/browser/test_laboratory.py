"""The laboratory's settings in the browser, and where they come to: sign-off and report."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.rooms import case_with_field, served_fields
from tests.browser.serving import chromium
from tests.browser.signing import give_reasons
from tests.browser.test_accessibility import WIDTHS, complaints
from tests.people import PASSWORD
from tests.stand_ins import drawn_cell
from tests.uploads import png

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(chromium() is None, reason="Chromium is not installed here"),
]


@pytest.fixture(scope="module")
def address(instance: Path) -> Iterator[str]:
    with served_fields(instance) as address:
        yield address


@pytest.fixture(scope="module")
def page(signed_in: Page) -> Page:
    return signed_in


@pytest.fixture(scope="module")
def case(page: Page) -> str:
    """The address of a case with one field, all of whose cells are reviewed."""
    case = case_with_field(page)
    page.goto(f"{case}/room")
    expect(page.locator("[data-cell]:focus")).to_have_count(1)
    for _ in range(4):
        page.keyboard.press("l")
    expect(page.locator("[data-saved-text]")).to_have_text("All saved")
    return case


def at_all_widths(page: Page) -> None:
    """No complaint, and nothing beyond the edge, at any width."""
    for width, height in reversed(WIDTHS.items()):
        page.set_viewport_size({"width": width, "height": height})
        assert complaints(page) == ""
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_settings_are_corrected_and_saved(page: Page):
    page.goto("/admin/laboratory")
    page.get_by_label("Name of the laboratory").fill("Elm Hospital")
    page.get_by_label("Phrases").fill("No blasts seen.\nReactive lymphocytes.")
    page.get_by_label("Lymphocyte, highest").fill("4O")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Use 0 to 100")).to_be_visible()
    expect(page.get_by_label("Name of the laboratory")).to_have_value("Elm Hospital")
    at_all_widths(page)
    page.get_by_label("Lymphocyte, highest").fill("40")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Settings saved.")).to_be_visible()
    logo = {"name": "logo.png", "mimeType": "image/png", "buffer": png(drawn_cell(120))}
    page.set_input_files("#logo", logo)
    page.get_by_role("button", name="Save logo").click()
    expect(page.get_by_role("img", name="Logo of the laboratory")).to_be_visible()
    at_all_widths(page)


def test_phrases_are_added_to_the_conclusion(page: Page, case: str):
    page.goto(f"{case}/sign-off")
    page.get_by_role("button", name="Insert").click()
    page.get_by_label("Phrase").select_option("Reactive lymphocytes.")
    page.get_by_role("button", name="Insert").click()
    conclusion = page.get_by_label("Conclusion")
    expect(conclusion).to_have_value("No blasts seen.\nReactive lymphocytes.")
    expect(conclusion).to_be_focused()


def test_characters_that_cannot_be_printed_are_confirmed(page: Page, case: str):
    page.get_by_label("Conclusion").fill("No blasts, דם.")
    give_reasons(page)
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Sign this case").click()
    expect(page.get_by_text("Change the text, or tick this box.")).to_be_visible()
    at_all_widths(page)
    page.get_by_label("Sign all the same").check()
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Sign this case").click()
    expect(page.get_by_text("Version 1 signed.")).to_be_visible()


def test_the_report_is_shown(page: Page, case: str):
    page.get_by_role("link", name="View report of version 1").click()
    expect(page.get_by_text("Elm Hospital")).to_be_visible()
    expect(page.get_by_text("No blasts, דם.")).to_be_visible()
    at_all_widths(page)
