"""The second factor in the browser: led to it, set up, asked for a code; at both widths."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyotp
import pytest
from playwright.sync_api import Page, expect

from tests.browser.serving import browser, chromium, open_page, served, sign_in, sign_up, watched
from tests.browser.test_accessibility import complaints
from tests.people import PASSWORD
from tests.stand_ins import stand_in_models

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(chromium() is None, reason="Chromium is not installed here"),
]


@pytest.fixture(scope="module")
def address(tmp_path_factory) -> Iterator[str]:
    instance = tmp_path_factory.mktemp("clinic") / "instance"
    with served(instance, models=stand_in_models(), second_factor="required") as address:
        yield address


@pytest.fixture(scope="module")
def page(address: str) -> Iterator[Page]:
    with browser() as chrome:
        page = open_page(chrome, address)
        heard = watched(page)
        yield page
        assert heard == []


def test_an_administrator_sets_it_up_and_signs_in_with_it(page: Page, tmp_path: Path):
    sign_up(page, "ada")
    sign_in(page, "ada")
    expect(page.get_by_role("heading", name="Set up a second factor")).to_be_visible()
    # The picture is drawn: the policy of the page lets it through.
    picture = page.get_by_alt_text("QR code")
    picture.evaluate("image => image.decode()")
    assert picture.evaluate("image => image.naturalWidth") > 100
    assert complaints(page) == ""

    page.get_by_text("Type a key instead").click()
    secret = page.locator(".one-time-password").inner_text().replace(" ", "")
    page.get_by_label("Code").fill(pyotp.TOTP(secret).now())
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Turn on").click()
    codes = page.locator(".recovery-codes code")
    expect(codes).to_have_count(10)
    assert complaints(page) == ""
    recovery = codes.first.inner_text()
    page.get_by_role("link", name="I’ve saved these codes").click()
    page.wait_for_url("**/cases")
    page.goto("/account/second-factor")
    assert complaints(page) == ""

    page.context.clear_cookies()
    sign_in(page, "ada")
    page.wait_for_url("**/sign-in/code**")
    expect(page.get_by_label("Code")).to_be_focused()
    assert complaints(page) == ""
    page.get_by_label("Code").fill("000000")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("This code is wrong")).to_be_visible()
    page.get_by_label("Code").fill(recovery)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/cases")
