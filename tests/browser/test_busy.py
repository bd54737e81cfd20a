"""A cell that a busy server did not take is sent again by itself."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.serving import chromium
from tests.uploads import fresh

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(chromium() is None, reason="Chromium is not installed here"),
]

BUSY = "The server is busy. Try again in a few seconds."


def test_a_busy_server_is_asked_again(signed_in: Page):
    refused, seen = [], []

    def busy(route: Route) -> None:
        if route.request.method != "POST" or (seen and len(refused) >= 2):
            route.continue_()
            return
        refused.append(route.request.url)
        headers = {"Retry-After": "1"}
        route.fulfill(status=503, headers=headers, json={"error": BUSY})

    signed_in.goto("/classify")
    signed_in.route("**/classify", busy)
    cell = {"name": "cell.png", "mimeType": "image/png", "buffer": fresh()}
    signed_in.set_input_files("#images", cell)
    expect(signed_in.locator("[data-sentence]").first).to_have_text("Waiting: the server is busy")
    seen.append(True)
    expect(signed_in.locator(".upload-item").get_by_role("link", name="Open")).to_be_visible()
    assert len(refused) >= 2


def test_a_file_that_waits_for_a_busy_server_can_be_cancelled(signed_in: Page):
    def busy(route: Route) -> None:
        route.fulfill(status=503, headers={"Retry-After": "1"}, json={"error": BUSY})

    signed_in.unroute_all()
    signed_in.goto("/classify")
    signed_in.route("**/classify", busy)
    cell = {"name": "cell.png", "mimeType": "image/png", "buffer": fresh()}
    signed_in.set_input_files("#images", cell)
    expect(signed_in.locator("[data-sentence]").first).to_have_text("Waiting: the server is busy")
    signed_in.get_by_role("button", name="Cancel").first.click()
    expect(signed_in.locator("[data-status]")).to_contain_text("1 cancelled")
    signed_in.unroute_all()
