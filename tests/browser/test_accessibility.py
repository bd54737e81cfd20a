"""axe-core on every page, at three widths and in three themes: no violation."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser.serving import chromium, open_page
from tests.stand_ins import drawn_cell, drawn_field
from tests.uploads import png

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(chromium() is None, reason="Chromium is not installed here"),
]

WIDTHS = {1440: 900, 820: 1180, 390: 844}
LIGHT = "light"
THEMES: dict[str, dict[str, Any]] = {
    LIGHT: {"color_scheme": "light", "forced_colors": "none"},
    "dark": {"color_scheme": "dark", "forced_colors": "none"},
    "forced colours": {"color_scheme": "dark", "forced_colors": "active"},
}
BY_COLOUR = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
"""The rules that another theme can break; all others find the same in each."""

CELL, FIELD, DOUBTFUL, NOT_READABLE = "cell", "field", "doubtful field", "unreadable field"
BATCH = "batch of the last field"


@pytest.fixture(scope="module")
def page(signed_in: Page) -> Page:
    return signed_in


@pytest.fixture(scope="module")
def results(page: Page) -> dict[str, str]:
    """Addresses of the results of a cell and of fields of every quality."""
    barred = drawn_field().copy()
    barred[340:344, 320:460] = 0
    grey = np.repeat(drawn_field()[..., :1], 3, axis=2)
    return {
        CELL: uploaded(page, "/classify", png(drawn_cell(200))),
        FIELD: uploaded(page, "/detect", png(drawn_field())),
        DOUBTFUL: uploaded(page, "/detect", png(barred)),
        NOT_READABLE: uploaded(page, "/detect", png(grey)),
        BATCH: f"/batches/{page.locator('input[name=batch]').get_attribute('value')}",
    }


def uploaded(page: Page, path: str, content: bytes) -> str:
    page.goto(path)
    file = {"name": "smear.png", "mimeType": "image/png", "buffer": content}
    page.set_input_files("#images", file)
    opened = page.locator(".upload-item").get_by_role("link", name="Open")
    return opened.first.get_attribute("href")


def complaints(page: Page, *themes: str) -> str:
    """What axe-core finds at all widths, in the light theme or in these."""
    found = []
    for theme in themes or (LIGHT,):
        # A colour on its way to another one would be judged as it is.
        page.emulate_media(reduced_motion="reduce", **THEMES[theme])
        options = None if theme == LIGHT else BY_COLOUR
        for width, height in WIDTHS.items():
            page.set_viewport_size({"width": width, "height": height})
            results = Axe().run(page, options=options)
            if results.violations_count:
                found.append(f"{theme}, {width} px: {results.generate_report()}")
    page.emulate_media(**THEMES[LIGHT])
    return "".join(found)


@pytest.mark.parametrize(
    "path",
    [
        *("/classify", "/detect", "/history", "/models", "/admin/people", "/admin/audit"),
        *(
            "/account/name",
            "/account/password",
            "/admin/laboratory",
            "/admin/laboratory/classes",
            "/account/second-factor",
            "/account/second-factor/keys/new",
            "/account/sessions",
            "/account/tokens",
            "/account/webhooks",
            "/admin/tokens",
            "/history?since=no-day",
            "/admin/statistics",
            "/statistics/quality",
            "/cases",
            "/cases/new",
            "/detect?tour=1",
            "/help",
            "/models/classifier",
            "/reading-room/keys",
            "/slides",
            "/nowhere",
        ),
    ],
)
def test_no_page_is_closed_to_anybody(page: Page, results: dict[str, str], path: str):
    page.goto(path)
    assert complaints(page, *THEMES) == ""


@pytest.mark.parametrize("kind", [CELL, FIELD, DOUBTFUL, NOT_READABLE])
def test_no_result_is_closed_to_anybody(page: Page, results: dict[str, str], kind: str):
    page.goto(results[kind])
    page.wait_for_load_state("networkidle")
    assert page.get_by_text("Doubtful image").count() == (kind == DOUBTFUL)
    assert page.get_by_role("button", name="Count anyway").count() == (kind == NOT_READABLE)
    assert complaints(page, *THEMES) == ""


def test_no_page_about_a_field_is_closed_to_anybody(page: Page, results: dict[str, str]):
    field = results[FIELD].rsplit("/", 1)[-1]
    for path in (f"/history/{field}/delete", results[BATCH]):
        page.goto(path)
        assert complaints(page, *THEMES) == ""


@pytest.fixture(scope="module")
def case(page: Page, results: dict[str, str]) -> str:
    """The address of a case with both results in it."""
    page.goto("/cases/new")
    page.get_by_label("Pseudonym").fill("Alder-7")
    page.get_by_role("button", name="Open the case").click()
    page.wait_for_url(re.compile("/cases/[0-9a-f]{32}$"))
    address = page.url
    page.get_by_role("link", name="Add existing analyses").click()
    for box in page.get_by_role("checkbox").all():
        box.check()
    assert complaints(page) == ""
    page.get_by_role("button", name="Add selected").click()
    page.wait_for_url(address)
    return address


@pytest.mark.parametrize("path", ["", "/edit", "/add", "/sign-off", "/sign-off?tour=1"])
def test_no_page_of_a_case_is_closed_to_anybody(page: Page, case: str, path: str):
    page.goto(case + path)
    assert complaints(page, *THEMES) == ""


def test_the_reading_room_is_not_closed_to_anybody(page: Page, case: str):
    page.goto(f"{case}/room?tour=1")
    page.locator("[data-cell]:focus").wait_for()
    assert complaints(page, *THEMES) == ""
    page.get_by_role("button", name="Keys").click()
    assert complaints(page, *THEMES) == ""


def test_the_demo_case_is_not_closed_to_anybody(page: Page):
    page.goto("/help")
    page.get_by_role("button", name="Try the demo case").click()
    page.get_by_text("Made-up fields for practice").wait_for()
    assert complaints(page, *THEMES) == ""


def test_a_doubted_pseudonym_is_told_to_everybody(page: Page):
    page.goto("/cases/new")
    page.get_by_label("Pseudonym").fill("Anna Miller")
    page.get_by_role("button", name="Open the case").click()
    page.get_by_label("I have checked").wait_for()
    assert complaints(page) == ""


@pytest.mark.parametrize("path", ["/sign-in", "/sign-up"])
def test_the_door_is_open_to_everybody(page: Page, address: str, path: str):
    visitor = open_page(page.context.browser, address)
    visitor.goto(path)
    assert complaints(visitor, *THEMES) == ""


def test_a_closed_page_would_be_told(page: Page):
    closed = page.context.browser.new_context().new_page()
    closed.set_content("<html><body><img src='cell.png'></body></html>")
    assert "image-alt" in complaints(closed)
