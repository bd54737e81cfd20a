"""The overlay and the SHAP values in the browser, on stand-in models."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from models.explanation import attribution
from tests.browser.serving import at_work, chromium, open_page, served
from tests.pages.analyses.test_explanation import Shap
from tests.stand_ins import stand_in_models
from tests.uploads import fresh, png

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(chromium() is None, reason="Chromium is not installed here"),
]


@pytest.fixture(scope="module")
def shap() -> Iterator[Shap]:
    stand_in = Shap()
    stand_in.go_on.clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(attribution, "shap_values", stand_in)
        yield stand_in


@pytest.fixture(scope="module")
def address(instance: Path, shap: Shap) -> Iterator[str]:
    with served(instance, models=stand_in_models()) as address:
        yield address


@pytest.fixture(scope="module")
def page(address: str, tmp_path_factory) -> Iterator[Page]:
    cell = tmp_path_factory.mktemp("images") / "cell.png"
    cell.write_bytes(png())
    with at_work(address) as page:
        page.goto("/classify")
        page.set_input_files("#images", cell)
        page.locator(".upload-item").get_by_role("link", name="Open").click()
        yield page


def opacity(page: Page) -> float:
    return float(page.locator("[data-overlay]").evaluate("map => getComputedStyle(map).opacity"))


def test_the_map_lies_over_the_cell_and_the_keyboard_fades_it(page: Page):
    window, overlay = page.locator(".map-pictures img").all()
    assert window.bounding_box() == overlay.bounding_box()
    slider = page.get_by_label("Overlay strength")
    assert opacity(page) == 0.8

    slider.press("End")
    assert opacity(page) == 1
    slider.press("ArrowLeft")
    assert opacity(page) == 0.95
    expect(page.locator("output")).to_have_text("95%")
    slider.press("Home")
    assert opacity(page) == 0


def test_shap_values_come_while_the_page_waits_and_are_there_later(page: Page, shap: Shap):
    page.get_by_role("button", name="Compute SHAP values").click()
    expect(page.locator("progress[value='30']")).to_be_visible()
    expect(page.get_by_text("Computing… 10%")).to_be_visible()

    page.reload()
    expect(page.locator("progress[value='30']")).to_be_visible()
    shap.go_on.set()
    download = page.get_by_role("link", name="SHAP picture")
    expect(download).to_be_visible()
    loaded = "image => image.complete && image.naturalWidth === 1032"
    picture = page.locator("[data-picture] img")
    picture.evaluate("image => image.decode()")
    assert picture.evaluate(loaded)

    page.reload()
    expect(picture).to_be_visible()
    assert shap.made == 1


def test_a_failure_can_be_tried_again(page: Page, shap: Shap):
    shap.error = ValueError("broken")
    page.goto("/classify")
    page.set_input_files("#images", {"name": "b.png", "mimeType": "image/png", "buffer": fresh()})
    page.locator(".upload-item").get_by_role("link", name="Open").click()
    page.get_by_role("button", name="Compute SHAP values").click()
    expect(page.get_by_role("alert")).to_contain_text("Something went wrong")

    shap.error = None
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("link", name="SHAP picture")).to_be_visible()


def test_without_script_the_map_is_a_second_picture(page: Page, address: str):
    cookies = page.context.storage_state()
    plain = open_page(
        page.context.browser, address, java_script_enabled=False, storage_state=cookies
    )
    plain.goto(page.url)
    window, overlay = (
        picture.bounding_box() for picture in plain.locator(".map-pictures img").all()
    )

    assert overlay["x"] >= window["x"] + window["width"]
    assert plain.get_by_label("Overlay strength").is_hidden()


def test_a_map_that_a_busy_server_did_not_draw_is_asked_for_again(page: Page):
    refused = []

    def busy_once(route: Route) -> None:
        if refused:
            route.continue_()
            return
        refused.append(route.request.url)
        route.fulfill(status=503, headers={"Retry-After": "5"}, body="busy")

    page.route("**/activation-map.png", busy_once)
    page.reload()
    overlay = page.locator("[data-overlay]")
    expect(overlay).not_to_have_js_property("naturalWidth", 0)
    page.unroute_all()
    assert len(refused) == 1
