"""Take the picture of a slide in docs/screenshots: `python -m tests.browser.slide_pictures`.

Uses fields of ../shared/data (TXL-PBC, MIT) as the monolayer of a slide.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from playwright.sync_api import Browser

from benchmarks.slides import layout, paint
from tests.browser.screenshots import OUT, PATIENCE, SIZES, take
from tests.browser.serving import browser, served, sign_up_and_in
from tests.slide_files import BLOCK, write_slide


def main() -> None:
    """Take the pages of a slide with an area that was read, once for every width."""
    OUT.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        served(Path(folder) / "instance", signup="open") as address,
        browser() as chrome,
    ):
        for number, (width, height) in enumerate(SIZES.items()):
            # Not of one size: the same slide is refused the second time.
            file = smear(Path(folder) / f"smear-{number}.tif", (6 + number) * BLOCK)
            play(chrome, address, file, {"width": width, "height": height})


def smear(path: Path, height: int) -> Path:
    """Write a slide of so many pixels in height."""
    return write_slide(
        path,
        20 * BLOCK,
        layout=lambda row, column: layout(row, 2 * column),
        height=height,
        paint=paint,
    )


def play(chrome: Browser, address: str, file: Path, size: dict[str, int]) -> None:
    """Upload a slide, have an area of it read, and take its page."""
    page = chrome.new_context(base_url=address, viewport=size).new_page()
    page.set_default_timeout(PATIENCE)
    sign_up_and_in(page, f"reader-{size['width']}")
    page.goto("/slides")
    take(page, "slides", size["width"])
    page.set_input_files("#slide", str(file))
    page.wait_for_url(re.compile("/slides/[0-9a-f]{32}$"))
    page.get_by_role("button", name="Propose areas").click()
    page.locator(".proposal-list button").first.wait_for()
    x, y = 9 * BLOCK, 2 * BLOCK
    for name, value in zip(("Left", "Top", "Width", "Height"), (x, y, 1600, 1200), strict=True):
        page.get_by_label(name).fill(str(value))
    page.get_by_role("button", name="Read this area").click()
    page.locator(".cell-wbc, .cell-blast").first.wait_for(state="attached")
    for name, value in zip(("Left", "Top", "Width", "Height"), (x, y, 1600, 1200), strict=True):
        page.get_by_label(name).fill(str(value + 1400 if name == "Left" else value))
    page.get_by_role("button", name="Mark an area").scroll_into_view_if_needed()
    zoom = page.get_by_role("button", name="Zoom in")
    for _ in range(5):
        zoom.click()
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(2000)
    take(page, "slide", size["width"])
    page.get_by_role("link", name="Open").first.click()
    page.wait_for_load_state("networkidle")
    take(page, "slide-area", size["width"])


if __name__ == "__main__":
    main()
