"""The sign-off in the browser: checks, disagreements, reasons, with mouse and keys."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.rooms import case_with_field, served_fields
from tests.browser.serving import chromium
from tests.browser.test_accessibility import WIDTHS, complaints
from tests.people import PASSWORD

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(chromium() is None, reason="Chromium is not installed here"),
]

CONCLUSION = "No blasts: reactive lymphocytes."
REASON = "Leukocytes 0.4; no further field."


@pytest.fixture(scope="module")
def address(instance: Path) -> Iterator[str]:
    with served_fields(instance) as address:
        yield address


@pytest.fixture(scope="module")
def page(signed_in: Page) -> Page:
    return signed_in


@pytest.fixture(scope="module")
def case(page: Page) -> str:
    """The address of a case of marrow with one field, none of whose cells is reviewed."""
    return case_with_field(page, "marrow")


def at_all_widths(page: Page) -> None:
    """No complaint, and nothing beyond the edge, at any width."""
    for width, height in WIDTHS.items():
        page.set_viewport_size({"width": width, "height": height})
        assert complaints(page) == ""
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_what_blocks_comes_first(page: Page, case: str):
    page.goto(f"{case}/sign-off")
    expect(page.locator(".check").first).to_contain_text("Blocks signing")
    expect(page.get_by_role("button", name="Sign this case")).to_have_count(0)
    at_all_widths(page)


def test_disagreements_are_kept_by_key_and_what_was_typed_stays(page: Page, case: str):
    page.goto(f"{case}/room")
    expect(page.locator("[data-cell]:focus")).to_have_count(1)
    for _ in range(4):
        page.keyboard.press("l")
    expect(page.locator("[data-saved-text]")).to_have_text("All saved")
    page.goto(f"{case}/sign-off")
    kept = page.get_by_role("button", name="Keep lymphocyte")
    expect(kept).to_have_count(2)
    page.get_by_label("Conclusion").fill(CONCLUSION)
    page.get_by_label("Reason: white cells").fill(REASON)
    at_all_widths(page)
    kept.first.focus()
    page.keyboard.press("ArrowRight")
    expect(kept.last).to_be_focused()
    with page.expect_navigation():
        page.keyboard.press("k")
    expect(kept).to_have_count(1)
    expect(kept).to_be_focused()
    expect(page.get_by_label("Conclusion")).to_have_value(CONCLUSION)
    expect(page.get_by_label("Reason: white cells")).to_have_value(REASON)
    with page.expect_navigation():
        page.keyboard.press("c")
    assert "/room#" in page.url
    page.go_back()
    expect(kept).to_have_count(1)


def test_a_reason_is_asked_for_and_then_signed(page: Page, case: str):
    page.goto(f"{case}/sign-off")
    page.get_by_label("Conclusion").fill(CONCLUSION)
    page.get_by_label("Reason: white cells").fill(REASON)
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Sign this case").click()
    expect(page.get_by_text("Enter a reason.").first).to_be_visible()
    expect(page.get_by_label("Conclusion")).to_have_value(CONCLUSION)
    at_all_widths(page)
    for field in page.get_by_label("Reason:").all():
        if not field.input_value():
            field.fill("See the notes.")
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Sign this case").click()
    expect(page.get_by_text("Version 1 signed. The case is locked.")).to_be_visible()
    expect(page.get_by_text(REASON)).to_be_visible()
    at_all_widths(page)
