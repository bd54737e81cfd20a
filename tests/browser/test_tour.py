"""The tour in the browser: by keyboard alone, with the focus kept, until it is ended."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.journey import reach
from tests.browser.serving import chromium

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(chromium() is None, reason="Chromium is not installed here"),
]


def tour(page: Page) -> Locator:
    return page.locator("[data-tour]")


def test_four_steps_by_keyboard(signed_in: Page):
    page = signed_in
    page.goto("/cases")
    expect(tour(page)).to_contain_text("step 1 of 4")
    for number, address in ((2, "**/detect?tour=1"), (3, "**/room?tour=1"), (4, "**/sign-off?*")):
        onward = tour(page).get_by_role("link", name="Continue the tour")
        reach(page, onward.or_(tour(page).get_by_role("button", name="Continue the tour")))
        page.wait_for_url(address)
        expect(tour(page)).to_contain_text(f"step {number} of 4")
    expect(page.locator("#tour-title")).to_be_focused()
    expect(page.get_by_text("This is a demo case.")).to_be_visible()


def test_escape_ends_it_in_place_and_the_focus_is_kept(signed_in: Page):
    page = signed_in
    page.goto("/detect?tour=1")
    expect(page.locator("#tour-title")).to_be_focused()
    page.keyboard.press("Escape")
    expect(tour(page)).to_have_count(0)
    expect(page.locator("#main")).to_be_focused()
    page.goto("/cases")
    expect(page.get_by_role("heading", name="Cases", exact=True)).to_be_visible()
    expect(tour(page)).to_have_count(0)


def test_the_help_starts_it_again(signed_in: Page):
    page = signed_in
    page.goto("/cases")
    page.get_by_role("link", name="Help for this page").click()
    page.get_by_role("link", name="Start the tour").click()
    expect(tour(page)).to_contain_text("step 1 of 4")
    expect(page.locator("#tour-title")).to_be_focused()
    tour(page).get_by_role("button", name="End the tour").focus()
    page.keyboard.press("Enter")
    expect(tour(page)).to_have_count(0)


def test_the_focus_of_a_person_who_was_faster_is_left_alone(signed_in: Page):
    page = signed_in
    held: list[Route] = []
    page.route("**/js/help/tour.js*", lambda route: held.append(route))
    page.goto("/detect?tour=1", wait_until="commit")
    onward = tour(page).get_by_role("button", name="Continue the tour")
    onward.focus()
    while not held:
        page.wait_for_timeout(50)
    with page.expect_event("load"):
        held[0].continue_()
    expect(onward).to_be_focused()
    page.unroute_all()
