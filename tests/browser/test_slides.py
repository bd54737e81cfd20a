"""A whole slide in the browser: sent in parts, looked at, marked by mouse and keys, read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from models.registry import Models
from services.slides.arrival import PART_BYTES
from tests.browser.serving import chromium, served
from tests.browser.test_accessibility import complaints
from tests.reading import Reading
from tests.slide_files import write_slide
from tests.stand_ins import stand_in_models

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(chromium() is None, reason="Chromium is not installed here"),
]

SIDES = ("Left", "Top", "Width", "Height")


@pytest.fixture(scope="module")
def reading() -> Iterator[Reading]:
    stand_in = Reading()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("jobs.runner.BETWEEN_NOTES", 0)
        patch.setattr(
            Models, "read_field", lambda self, *given, **_options: stand_in.read_field(self, *given)
        )
        yield stand_in


@pytest.fixture(scope="module")
def address(instance: Path, reading: Reading) -> Iterator[str]:
    with served(instance, models=stand_in_models()) as address:
        yield address
        reading.go_on.set()


@pytest.fixture(scope="module")
def slide(signed_in: Page, tmp_path_factory) -> str:
    """The address of a slide that was sent by its page."""
    wide = ("thick", "monolayer", "thin")
    file = write_slide(
        tmp_path_factory.mktemp("slide") / "smear.tif",
        12 * 1024,
        layout=lambda _row, column: wide[min(2, column // 4)],
        height=5 * 1024,
    )
    assert file.stat().st_size > PART_BYTES
    signed_in.goto("/detect")
    signed_in.get_by_role("link", name="whole slides").click()
    signed_in.set_input_files("#slide", str(file))
    signed_in.wait_for_url(re.compile("/slides/[0-9a-f]{32}$"))
    return signed_in.url


@pytest.fixture
def page(signed_in: Page, slide: str, reading: Reading) -> Page:
    """The page of the slide, without areas that wait."""
    reading.go_on.set()
    signed_in.set_viewport_size({"width": 1440, "height": 900})
    signed_in.goto(slide)
    expect(signed_in.locator("[data-scale-bar]")).to_be_visible()
    return signed_in


def area(page: Page, number: int) -> Locator:
    return page.locator(".upload-item").filter(has_text=f"smear.tif, area {number}")


def sides(page: Page) -> list[int]:
    return [int(page.get_by_label(name).input_value() or -1) for name in SIDES]


def fill(page: Page, *values: int) -> None:
    for name, value in zip(SIDES, values, strict=True):
        page.get_by_label(name).fill(str(value))


def is_drawn(page: Page) -> bool:
    """Whether the canvas of the viewer shows stained cells."""
    return page.evaluate(
        """() => {
          const canvas = document.querySelector("[data-viewer] canvas");
          const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          let stained = 0;
          for (let i = 0; i < data.length; i += 4) stained += data[i] > data[i + 1] + 25;
          return stained > data.length / 4 / 50;
        }"""
    )


def test_the_slide_is_shown_with_a_scale_bar_that_follows_the_zoom(page: Page):
    page.wait_for_function("() => document.querySelector('[data-viewer] canvas') !== null")
    page.wait_for_load_state("networkidle")
    assert is_drawn(page)
    bar = page.locator("[data-length]")
    expect(bar).to_have_text(re.compile(r"^[\d.]+ (mm|µm)$"))
    before = bar.inner_text()
    for _ in range(6):
        page.get_by_role("button", name="Zoom in").click()
    expect(bar).not_to_have_text(before)
    expect(bar).to_have_text(re.compile(r"^(5|10|20|50|100) µm$"))
    page.get_by_role("button", name="Whole slide").click()
    expect(bar).to_have_text(before)


def test_an_area_is_marked_by_mouse_and_its_cells_appear(page: Page, reading: Reading):
    reading.go_on.clear()
    button = page.get_by_role("button", name="Mark an area")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    box = page.locator("[data-viewer]").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x - 60, y - 50)
    page.mouse.down()
    page.mouse.move(x + 60, y + 50, steps=5)
    page.mouse.up()
    expect(button).to_have_attribute("aria-pressed", "false")
    left, top, width, height = sides(page)
    assert 6144 - 1500 < left < 6144 < left + width < 6144 + 1500
    assert 2560 - 1500 < top < 2560 < top + height < 2560 + 1500
    expect(page.locator("[data-area-size]")).to_contain_text("megapixels")
    expect(page.locator(".marked")).to_have_count(1)

    page.get_by_role("button", name="Read this area").click()
    expect(area(page, 1)).to_contain_text("Analysing… 30%")
    expect(page.locator(".area-busy")).to_have_count(1)
    assert sides(page) == [-1, -1, -1, -1]
    reading.go_on.set()
    expect(area(page, 1).locator("[data-word]")).to_have_text("Blasts suspected")
    expect(page.locator(".cell-blast")).to_have_count(1)
    x1 = float(page.locator(".cell-blast").get_attribute("x"))
    assert x1 == left
    area(page, 1).get_by_role("link", name="Open").click()
    expect(page.get_by_role("heading", name="smear.tif, area 1")).to_be_visible()
    expect(page.locator("[data-scale-bar]")).to_be_visible()
    assert complaints(page) == ""


def test_an_area_is_marked_by_keys_alone(page: Page):
    page.get_by_label("Left").focus()
    for value in ("300", "200", "900", "600"):
        page.keyboard.type(value)
        page.keyboard.press("Tab")
    page.get_by_role("button", name="Read this area").press("Enter")
    expect(area(page, 2).locator("[data-word]")).to_have_text("Blasts suspected")
    cells = page.locator(".cell-blast")
    expect(cells).to_have_count(2)
    assert "300" in [cell.get_attribute("x") for cell in cells.all()]


def test_what_cannot_be_read_is_said_before_it_is_sent(page: Page):
    fill(page, 0, 0, 100, 100)
    expect(page.locator("[data-area-error]")).to_contain_text("At least 256 × 256")
    fill(page, 12000, 0, 1000, 1000)
    expect(page.locator("[data-area-error]")).to_contain_text("beyond the slide")
    fill(page, 0, 0, 1000, 1000)
    expect(page.locator("[data-area-error]")).to_be_hidden()
    page.get_by_role("button", name="Read this area").click()
    expect(page.locator("[data-area-error]")).to_contain_text("cells would count twice")


def test_the_viewer_is_used_by_keys(page: Page):
    bar = page.locator("[data-length]")
    before = bar.inner_text()
    page.locator(".openseadragon-canvas").focus()
    for _ in range(8):
        page.keyboard.press("+")
    expect(bar).not_to_have_text(before)
    page.get_by_role("button", name="Use the view").press("Enter")
    width = sides(page)[2]
    assert 256 < width < 12 * 1024
    page.locator(".openseadragon-canvas").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(1500)
    left = sides(page)[0]
    page.get_by_role("button", name="Use the view").click()
    assert sides(page)[0] > left


def test_a_proposed_area_is_accepted(page: Page):
    page.get_by_role("button", name="Propose areas").click()
    page.locator(".proposal-list button").first.click()
    left, _, width, _ = sides(page)
    assert left >= 3500
    assert left + width <= 8 * 1024 + 500
    expect(page.locator(".proposal")).not_to_have_count(0)


def test_tiles_that_fail_are_told(page: Page):
    # On a page of its own: the viewer complains in the console.
    other = page.context.new_page()
    other.route("**/tiles/**", lambda route: route.abort())
    other.goto(page.url)
    expect(other.locator("[data-fault]")).to_contain_text("could not be loaded")
    other.close()


def test_an_upload_goes_on_after_an_interruption(page: Page, tmp_path: Path):
    failed = []

    def interrupt(route) -> None:
        if len(failed) < 2:
            failed.append(route.request.url)
            route.abort()
        else:
            route.continue_()

    file = write_slide(tmp_path / "second.tif", 8 * 1024)
    assert file.stat().st_size > PART_BYTES
    page.route(f"**/parts/{PART_BYTES}", interrupt)
    page.goto("/slides")
    page.set_input_files("#slide", str(file))
    page.wait_for_url(re.compile("/slides/[0-9a-f]{32}$"))
    expect(page.get_by_role("heading", name="second.tif")).to_be_visible()
    assert len(failed) == 2
    page.unroute(f"**/parts/{PART_BYTES}")


def test_a_file_that_is_no_slide_is_refused(page: Page):
    page.goto("/slides")
    file = {"name": "notes.svs", "mimeType": "", "buffer": b"%PDF-1.7 notes"}
    page.set_input_files("#slide", file)
    expect(page.locator("[data-sentence]")).to_contain_text("a PDF document, not a whole slide")
    expect(page.get_by_role("button", name="Try again")).to_be_hidden()


@pytest.mark.parametrize("path", ["", "/delete"])
def test_no_page_of_a_slide_is_closed_to_anybody(page: Page, slide: str, path: str):
    page.goto(slide + path)
    page.wait_for_load_state("networkidle")
    assert complaints(page) == ""
    page.goto("/slides")
    assert complaints(page) == ""
