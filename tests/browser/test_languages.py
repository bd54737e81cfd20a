"""Every language on a narrow screen: longer words stay within the page."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.browser.serving import chromium, open_page
from tests.stand_ins import drawn_cell, drawn_field
from tests.uploads import png

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(chromium() is None, reason="Chromium is not installed here"),
]

NARROW = {"width": 390, "height": 844}
PATHS = (
    *("/cases", "/cases/new", "/classify", "/detect", "/history", "/slides", "/models", "/help"),
    *("/admin/people", "/admin/statistics", "/admin/audit", "/admin/laboratory"),
    *("/account/password", "/account/language", "/account/second-factor", "/reading-room/keys"),
)


@pytest.fixture(scope="module")
def page(signed_in: Page) -> Page:
    signed_in.set_viewport_size(NARROW)
    return signed_in


@pytest.fixture(scope="module")
def results(page: Page) -> list[str]:
    """Addresses of the results of a cell and of a field."""
    return [
        uploaded(page, "/classify", png(drawn_cell(200))),
        uploaded(page, "/detect", png(drawn_field())),
    ]


def uploaded(page: Page, path: str, content: bytes) -> str:
    page.goto(path)
    file = {"name": "smear.png", "mimeType": "image/png", "buffer": content}
    page.set_input_files("#images", file)
    return page.locator(".upload-item [data-open]").first.get_attribute("href") or ""


def too_wide(page: Page) -> bool:
    return page.evaluate("document.documentElement.scrollWidth > innerWidth")


def speak(page: Page, code: str) -> None:
    page.context.set_extra_http_headers({"Accept-Language": code})


@pytest.mark.parametrize("code", ["de", "fr", "es"])
def test_no_page_is_wider_than_a_narrow_screen(page: Page, results: list[str], code: str):
    speak(page, code)
    wide = []
    for path in (*PATHS, *results):
        page.goto(path)
        assert page.locator("html").get_attribute("lang") == code
        wide += [path] if too_wide(page) else []
    assert wide == []


def test_the_sentences_of_scripts_are_translated(page: Page):
    speak(page, "de")
    uploaded(page, "/detect", png(drawn_field()[::-1].copy()))
    page.get_by_text("1 von 1 analysiert").wait_for()


def test_a_visitor_chooses_a_language_at_the_foot(page: Page, address: str):
    visitor = open_page(page.context.browser, address)
    visitor.goto("/sign-in")
    visitor.get_by_role("button", name="Français").click()
    visitor.get_by_role("heading", name="Se connecter").wait_for()
