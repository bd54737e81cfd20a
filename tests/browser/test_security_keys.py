"""A security key in the browser, played by Chromium: added, used to sign in, removed."""

from __future__ import annotations

from collections.abc import Iterator

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

PAGE = "/account/second-factor"


@pytest.fixture(scope="module")
def address(tmp_path_factory) -> Iterator[str]:
    """The server by a name: a key is bound to one, not to an IP address."""
    instance = tmp_path_factory.mktemp("clinic") / "instance"
    with served(instance, models=stand_in_models()) as address:
        yield address.replace("127.0.0.1", "localhost")


@pytest.fixture(scope="module")
def page(address: str) -> Iterator[Page]:
    with browser() as chrome:
        page = open_page(chrome, address)
        plug_a_key_in(page)
        heard = watched(page)
        yield page
        assert heard == []


@pytest.fixture(scope="module")
def codes(page: Page) -> list[str]:
    """The recovery codes of ada, who has an authenticator app."""
    sign_up(page, "ada")
    sign_in(page, "ada")
    page.goto(PAGE)
    page.get_by_text("Type a key instead").click()
    secret = page.locator(".one-time-password").inner_text().replace(" ", "")
    page.get_by_label("Code").fill(pyotp.TOTP(secret).now())
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Turn on").click()
    expect(page.locator(".recovery-codes code")).to_have_count(10)
    return page.locator(".recovery-codes code").all_inner_texts()


def plug_a_key_in(page: Page) -> None:
    """Give the browser a key that is touched at once."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    key = {"protocol": "ctap2", "transport": "usb", "automaticPresenceSimulation": True}
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": key})


def confirm(page: Page, code: str) -> None:
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_label("Code").fill(code)


def begin_to_add(page: Page, name: str, code: str) -> None:
    page.goto(PAGE)
    page.get_by_role("link", name="Add a security key").click()
    page.get_by_label("Name of the key").fill(name)
    confirm(page, code)
    page.get_by_role("button", name="Continue").click()


def test_a_key_is_added(page: Page, codes: list[str]):
    page.goto(PAGE)
    assert complaints(page) == ""
    page.goto(f"{PAGE}/keys/new")
    assert complaints(page) == ""
    begin_to_add(page, "Key on my ring", codes[0])
    expect(page.get_by_role("heading", name="Add “Key on my ring”")).to_be_visible()
    assert complaints(page) == ""

    page.get_by_role("button", name="Register this key").click()
    expect(page.get_by_text("“Key on my ring” added.")).to_be_visible()
    assert complaints(page) == ""


def test_the_same_key_is_not_added_again(page: Page, codes: list[str]):
    begin_to_add(page, "Again", codes[1])
    page.get_by_role("button", name="Register this key").click()
    expect(page.get_by_role("alert").filter(has_text="registered already")).to_be_visible()
    assert complaints(page) == ""


def test_it_signs_in_in_place_of_a_code(page: Page, codes: list[str]):
    page.context.clear_cookies()
    page.goto("/history")
    page.get_by_label("User name").fill("ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/sign-in/code**")
    assert complaints(page) == ""
    page.get_by_role("button", name="Use a security key").click()
    page.wait_for_url("**/history")


def test_without_script_there_is_the_code(page: Page, codes: list[str], address: str):
    plain = open_page(page.context.browser, address, java_script_enabled=False)
    sign_in(plain, "ada")
    expect(plain.get_by_role("button", name="Use a security key")).to_be_hidden()
    plain.get_by_label("Code").fill(codes[2])
    plain.get_by_role("button", name="Sign in").click()
    plain.wait_for_url("**/cases")
    plain.context.close()


def test_it_is_removed(page: Page, codes: list[str]):
    page.goto(PAGE)
    page.get_by_role("link", name="Remove Key on my ring").click()
    expect(page.get_by_role("heading", name="Remove “Key on my ring”")).to_be_visible()
    assert complaints(page) == ""
    confirm(page, codes[3])
    page.get_by_role("button", name="Remove this key").click()
    expect(page.get_by_text("“Key on my ring” removed.")).to_be_visible()
    expect(page.get_by_role("link", name="Remove Key on my ring")).to_have_count(0)
