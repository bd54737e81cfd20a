"""Take the pictures of docs/screenshots: `python -m tests.browser.screenshots`.

Uses cells and fields of ../shared/data (C-NMC, CC BY 3.0; TXL-PBC and Chula, MIT) and test
composites, made by `python -m training composites --split test`.
"""

from __future__ import annotations

import csv
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page

from settings import ROOT
from tests.browser.serving import browser, served
from tests.people import PASSWORD
from training.composites import DEFAULT_OUT as DEFAULT_COMPOSITES
from training.data import DEFAULT_DATA, subject_split

OUT = ROOT / "docs" / "screenshots"
PORT = 5057
SIZES = {1440: 900, 390: 844}


def main() -> None:
    """Play through the application once for every width."""
    OUT.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        served(Path(folder) / "instance", PORT, signup="open") as address,
        browser() as chrome,
    ):
        for width, height in SIZES.items():
            play(chrome, address, width, height)


def play(chrome: Browser, address: str, width: int, height: int) -> None:
    """Take every picture at one width."""
    size = {"width": width, "height": height}
    page = chrome.new_context(base_url=address, viewport=size).new_page()
    page.goto("/sign-in")
    _take(page, "sign-in", width)
    _sign_in(page, f"reader-{width}")
    page.goto("/classify")
    _take(page, "classify-empty", width)
    _upload(page, cells())
    _take(page, "classify", width)
    _open_first(page)
    _take(page, "classify-result", width)
    page.goto("/detect")
    _upload(page, fields())
    _take(page, "detect", width)
    _open_first(page)
    page.wait_for_timeout(500)
    _take(page, "detect-result", width)
    page.goto("/history")
    _take(page, "history", width)
    page.goto("/models/classifier")
    _take(page, "model", width)


def cells() -> list[Path]:
    """A blast, a normal precursor and a field without white cells, of test subjects."""
    with (DEFAULT_DATA / "cnmc" / "manifest.csv").open(newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if subject_split(row["subject"]) == "test"]
    first = {label: [row for row in rows if row["label"] == label][7] for label in ("all", "hem")}
    images = [DEFAULT_DATA / "cnmc" / "images" / row["file"] for row in first.values()]
    return [*images, sorted((DEFAULT_DATA / "chula_rbc12" / "images").glob("*.webp"))[0]]


def fields() -> list[Path]:
    """A composite of held-out subjects and two test fields of TXL-PBC."""
    real = sorted((DEFAULT_DATA / "txl_pbc" / "images" / "test").glob("*.jpg"))[3:5]
    return [DEFAULT_COMPOSITES / "test" / "images" / "000004.jpg", *real]


def _sign_in(page: Page, name: str) -> None:
    page.goto("/sign-up")
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("again").fill(PASSWORD)
    page.get_by_role("button", name="Sign up").click()
    page.goto("/sign-in")
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/classify")


def _upload(page: Page, files: list[Path]) -> None:
    page.set_input_files("#images", files)
    for number in range(len(files)):
        page.locator(".upload-item").nth(number).get_by_role("link", name="Open").wait_for()


def _open_first(page: Page) -> None:
    page.locator(".upload-item").first.get_by_role("link", name="Open").click()
    page.wait_for_load_state("networkidle")


def _take(page: Page, name: str, width: int) -> None:
    page.screenshot(path=OUT / f"{name}-{width}.png", full_page=True)


if __name__ == "__main__":
    main()
