"""Two people read a case blind, in a browser each, and decide where they differ."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.rooms import Clinic, upload
from tests.browser.serving import chromium, open_page, served, sign_in, sign_up
from tests.browser.signing import give_reasons
from tests.browser.test_accessibility import WIDTHS, complaints
from tests.people import PASSWORD
from tests.services.analyses.fields import read_field
from tests.stand_ins import stand_in_models

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(chromium() is None, reason="Chromium is not installed here"),
]


@pytest.fixture(scope="module")
def address(instance: Path) -> Iterator[str]:
    models = stand_in_models()
    with served(instance, signup="open", models=models, readers=2, blind=True) as address:
        yield address


@pytest.fixture(scope="module")
def clinic(address: str, instance: Path) -> Clinic:
    return Clinic(instance)


@pytest.fixture(scope="module")
def cleo(signed_in: Page, address: str, clinic: Clinic) -> Iterator[Page]:
    page = open_page(signed_in.context.browser, address)
    sign_up(page, "cleo")
    clinic.run("UPDATE accounts SET role = 'reviewer' WHERE name = 'cleo'")
    sign_in(page, "cleo")
    yield page
    page.context.close()


@pytest.fixture(scope="module")
def case(signed_in: Page, clinic: Clinic) -> str:
    room = clinic.open_case(upload(signed_in, "few.png", read_field()))
    clinic.run("UPDATE cases SET blind = 1 WHERE id = ?", room.split("/")[2])
    return room.removesuffix("/room")


def label(page: Page, case: str, *keys: str) -> None:
    page.goto(f"{case}/room")
    expect(page.locator("[data-cell]:focus")).to_have_count(1)
    expect(page.get_by_text("Blind review: you see only your own work")).to_be_visible()
    expect(page.locator("[data-reviewed]")).to_have_text("0 of 4 cells reviewed")
    for key in keys:
        page.keyboard.press(key)
    expect(page.locator("[data-reviewed]")).to_have_text("4 of 4 cells reviewed")
    expect(page.locator("[data-saved-text]")).to_have_text("All saved")


def sign(page: Page, case: str) -> None:
    page.goto(f"{case}/sign-off")
    page.get_by_label("Conclusion").fill("Read.")
    give_reasons(page)
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Sign this case").click()


def at_all_widths(page: Page) -> None:
    for width, height in WIDTHS.items():
        page.set_viewport_size({"width": width, "height": height})
        assert complaints(page) == ""
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_two_read_blind_then_differences_are_decided(signed_in: Page, cleo: Page, case: str):
    label(signed_in, case, "b", "b", "l", "l")
    sign(signed_in, case)
    expect(signed_in.get_by_text("Signed as first reviewer.")).to_be_visible()

    label(cleo, case, "b", "m", "l", "n")
    cleo.goto(f"{case}/sign-off")
    expect(cleo.get_by_text("Hidden until two reviewers have signed.")).to_be_visible()
    at_all_widths(cleo)
    sign(cleo, case)
    expect(cleo.get_by_text("0 of 2 decided.")).to_be_visible()
    expect(cleo.get_by_text("Cohen’s kappa over 4 cells")).to_be_visible()
    expect(cleo.get_by_role("button", name="Sign this case")).to_have_count(0)
    at_all_widths(cleo)

    rows = cleo.locator("[data-differing] tr")
    expect(rows).to_have_count(2)
    rows.first.get_by_role("button").first.focus()
    with cleo.expect_navigation():
        cleo.keyboard.press("1")
    expect(cleo.get_by_text("1 of 2 decided.")).to_be_visible()
    expect(rows.first.get_by_role("button").first).to_be_focused()
    with cleo.expect_navigation():
        cleo.keyboard.press("2")
    expect(cleo.get_by_text("2 of 2 decided.")).to_be_visible()
    expect(rows.locator(".differing-decision").first).to_have_text(re.compile("by cleo"))
    at_all_widths(cleo)
    sign(cleo, case)
    expect(cleo.get_by_text("Version 1 signed. The case is locked.")).to_be_visible()
    expect(cleo.get_by_role("columnheader", name="Decided")).to_be_visible()
    at_all_widths(cleo)
