"""What was typed is there again after a sign-in that came between; passwords never are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.rooms import Clinic
from tests.browser.serving import chromium
from tests.people import PASSWORD

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(chromium() is None, reason="Chromium is not installed here"),
]

TO_SIGN_IN = re.compile(r"/sign-in\?next=")


def fill(page: Page) -> None:
    page.goto("/cases/new")
    page.get_by_label("Pseudonym").fill("Alder-7")
    page.get_by_label("Priority").select_option("stat")
    page.get_by_label("Notes").fill("dry tap\ntwo attempts")


def kept(page: Page) -> str | None:
    return page.evaluate("sessionStorage.getItem('leukoscope-draft')")


def enter(page: Page, name: str) -> None:
    page.wait_for_url(TO_SIGN_IN)
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def test_a_form_is_filled_again_after_the_session_ended(signed_in: Page, instance: Path):
    fill(signed_in)
    Clinic(instance).run("DELETE FROM sign_ins")
    signed_in.get_by_role("button", name="Open the case").click()
    enter(signed_in, "ada")
    signed_in.wait_for_url("**/cases/new")
    expect(signed_in.get_by_text("You were signed out before this was saved.")).to_be_visible()
    assert signed_in.get_by_label("Pseudonym").input_value() == "Alder-7"
    assert signed_in.get_by_label("Priority").input_value() == "stat"
    assert signed_in.get_by_label("Notes").input_value() == "dry tap\ntwo attempts"
    assert kept(signed_in) is None
    signed_in.get_by_role("button", name="Open the case").click()
    expect(signed_in.get_by_role("heading", name="Case Alder-7")).to_be_visible()
    signed_in.wait_for_load_state()
    assert kept(signed_in) is None


def test_no_password_is_kept(signed_in: Page, instance: Path):
    signed_in.goto("/account/password")
    for field in signed_in.locator("input[type=password]").all():
        field.fill(PASSWORD)
    Clinic(instance).run("DELETE FROM sign_ins")
    signed_in.locator("main button[type=submit], main input[type=submit]").first.click()
    signed_in.wait_for_url(TO_SIGN_IN)
    assert PASSWORD not in (kept(signed_in) or "")
    enter(signed_in, "ada")
    signed_in.wait_for_url("**/account/password")


def test_what_was_sent_leaves_nothing(signed_in: Page):
    fill(signed_in)
    signed_in.goto("/cases")
    assert kept(signed_in) is None
