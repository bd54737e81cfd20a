"""Take the pictures of docs/screenshots: `python -m tests.browser.screenshots`.

The administrator's pages are taken by `python -m tests.browser.administration`.

Uses cells and fields of ../shared/data (C-NMC, CC BY 3.0; PBC, CC BY 4.0; TXL-PBC and Chula, MIT)
and test composites, made by `python -m training composites --split test`.
"""

from __future__ import annotations

import csv
import re
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from imaging.images import RgbImage, encode_png, read_image
from models.registry import load_models
from settings import ROOT
from tests.browser.serving import browser, served, sign_up_and_in
from training.data import DEFAULT_DATA, read_pbc, subject_split
from training.synthesis.composites import DEFAULT_OUT as DEFAULT_COMPOSITES

OUT = ROOT / "docs" / "screenshots"
WEIGHTS = ROOT / "weights"
SIZES = {1440: 900, 390: 844}
PATIENCE = 600_000
"""Milliseconds to wait for anything: the machine may be training at the same time."""


def main() -> None:
    """Play through the application once for every width."""
    OUT.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        served(Path(folder) / "instance", signup="open") as address,
        browser() as chrome,
    ):
        doubtful = doubtful_images(Path(folder))
        for width, height in SIZES.items():
            play(chrome, address, width, height, doubtful)


def play(chrome: Browser, address: str, width: int, height: int, doubtful: dict[str, Path]) -> None:
    """Take every picture at one width."""
    size = {"width": width, "height": height}
    page = chrome.new_context(base_url=address, viewport=size).new_page()
    page.set_default_timeout(PATIENCE)
    page.goto("/sign-in")
    take(page, "sign-in", width)
    sign_up_and_in(page, f"reader-{width}")
    page.goto("/classify")
    take(page, "classify-empty", width)
    upload(page, cells())
    take(page, "classify", width)
    _open_first(page)
    take(page, "classify-result", width)
    play_shap(page, width)
    play_results(page, width, doubtful)
    play_field(page, width)
    play_batch(page, width)
    page.goto("/history")
    take(page, "history", width)
    page.goto("/models/classifier")
    # Charts below the window would load only when scrolled to.
    page.eval_on_selector_all("img.chart", "all => all.forEach(one => { one.loading = 'eager' })")
    page.wait_for_load_state("networkidle")
    take(page, "model", width)


def play_field(page: Page, width: int) -> None:
    """Take fields, one field's page, and the same page with the slider moved."""
    page.goto("/detect")
    upload(page, fields())
    take(page, "detect", width)
    _open_first(page)
    page.wait_for_timeout(500)
    take(page, "detect-result", width)
    page.get_by_label("Blast threshold").fill("8")
    page.get_by_label("Sort by").select_option(label="Disagreement first")
    page.wait_for_timeout(500)
    take(page, "detect-threshold", width)


def play_shap(page: Page, width: int) -> None:
    """Take the page of a cell while its SHAP values are computed, and with them."""
    page.get_by_role("button", name="Compute SHAP values").click()
    page.locator("progress:not([value='0'])[value]").wait_for()
    take(page, "classify-shap-running", width)
    page.get_by_role("link", name="SHAP picture").wait_for()
    page.wait_for_load_state("networkidle")
    take(page, "classify-shap", width)


def play_batch(page: Page, width: int) -> None:
    """Take the page of a batch of fields while they are read, and when they are."""
    page.goto("/detect")
    page.set_input_files("#images", fields() * 2)
    page.get_by_role("button", name="Send all anyway").click()
    # What has not arrived when the page is left is not read.
    unsent = page.locator(".upload-item").filter(has_text=re.compile(r"Waiting \(|Uploading"))
    expect(unsent).to_have_count(0, timeout=PATIENCE)
    page.get_by_role("link", name="one combined count").click()
    page.locator("[data-badge]:visible").first.wait_for()
    take(page, "batch-busy", width)
    page.get_by_text("6 of 6 analysed").wait_for()
    page.wait_for_load_state("networkidle")
    take(page, "batch", width)


def play_results(page: Page, width: int, doubtful: dict[str, Path]) -> None:
    """Take one page of every other result and of every doubtful image."""
    page.goto("/classify")
    upload(page, [*held_out_cells("hem", 12), *held_out_cells("all", 4)])
    items = page.locator(".upload-item")
    found = {item.locator("[data-word]").inner_text(): _link(item) for item in items.all()}
    page.goto("/classify")
    upload(page, list(doubtful.values()))
    found |= {name: _link(items.nth(number)) for number, name in enumerate(doubtful)}
    # A result that the present weights give none of these cells has no picture.
    for name in (name for name in ("Normal", "Uncertain", *doubtful) if name in found):
        page.goto(found[name])
        page.wait_for_load_state("networkidle")
        take(page, f"classify-{name.lower()}", width)


def cells() -> list[Path]:
    """A blast, a normal precursor and a field without white cells, of test subjects."""
    images = [held_out_cells(label, 1)[0] for label in ("all", "hem")]
    return [*images, sorted((DEFAULT_DATA / "chula_rbc12" / "images").glob("*.webp"))[0]]


def held_out_cells(label: str, count: int) -> list[Path]:
    """Some cells of one label, of test subjects."""
    with (DEFAULT_DATA / "cnmc" / "manifest.csv").open(newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if subject_split(row["subject"]) == "test"]
    files = [row["file"] for row in rows if row["label"] == label][7 : 7 + 20 * count : 20]
    return [DEFAULT_DATA / "cnmc" / "images" / file for file in files]


def doubtful_images(folder: Path) -> dict[str, Path]:
    """Images that the gate refuses or marks, by what there is about them, kept in `folder`."""
    images: dict[str, RgbImage | None] = {
        "several": read_image(fields()[0].read_bytes()).rgb,
        "cut-off": _half_a_cell(),
        "unfamiliar": _unfamiliar_tile(),
    }
    there = {name: rgb for name, rgb in images.items() if rgb is not None}
    for name, rgb in there.items():
        (folder / f"{name}.png").write_bytes(encode_png(np.ascontiguousarray(rgb)))
    return {name: folder / f"{name}.png" for name in there}


def _unfamiliar_tile() -> RgbImage | None:
    """The first PBC tile of the test split that the shipped classifier marks as unlike its own."""
    models = load_models(WEIGHTS)
    tiles = (
        read_image(t.path.read_bytes()).rgb for t in read_pbc(DEFAULT_DATA) if t.split == "test"
    )
    return next((rgb for rgb in tiles if models.classify(rgb).in_distribution is False), None)


def _half_a_cell() -> RgbImage:
    """A white cell of a test field of TXL-PBC, cropped through its middle."""
    path = fields()[1]
    rgb = read_image(path.read_bytes()).rgb
    height, width = rgb.shape[:2]
    label = (DEFAULT_DATA / "txl_pbc" / "labels" / "test" / path.name).with_suffix(".txt")
    lines = [line.split() for line in label.read_text().splitlines()]
    x, y, w, h = next(tuple(map(float, line[1:])) for line in lines if line[0] == "0")
    top, bottom = max(0, y - 0.7 * h) * height, (y + 0.7 * h) * height
    return rgb[round(top) : round(bottom), round(max(0, x - 0.9 * w) * width) : round(x * width)]


def fields() -> list[Path]:
    """A composite of held-out subjects and two test fields of TXL-PBC."""
    real = sorted((DEFAULT_DATA / "txl_pbc" / "images" / "test").glob("*.jpg"))[3:5]
    return [DEFAULT_COMPOSITES / "test" / "images" / "000004.jpg", *real]


def upload(page: Page, files: list[Path]) -> None:
    """Send files on the page that is open, and wait until all are read."""
    page.set_input_files("#images", files)
    for number in range(len(files)):
        item = page.locator(".upload-item").nth(number)
        opened = item.get_by_role("link", name="Open")
        # The widths before this one have uploaded the same.
        anyway = item.get_by_role("button", name="Send anyway")
        opened.or_(anyway).first.wait_for()
        if anyway.is_visible():
            anyway.click()
        opened.wait_for()


def _link(item: Locator) -> str:
    return item.get_by_role("link", name="Open").get_attribute("href")


def _open_first(page: Page) -> None:
    page.locator(".upload-item").first.get_by_role("link", name="Open").click()
    page.wait_for_load_state("networkidle")


def shrink(path: Path) -> None:
    """Keep 256 colours of a picture, as many as anyone tells apart here: a third of the bytes."""
    with Image.open(path) as image:
        small = image.convert("RGB").quantize(256)
    small.save(path, optimize=True)


def take(page: Page, name: str, width: int, whole: bool = True) -> None:
    """Keep a picture of the whole page, or of what a window shows, by name and width in pixels."""
    path = OUT / f"{name}-{width}.png"
    page.screenshot(path=path, full_page=whole)
    shrink(path)


if __name__ == "__main__":
    main()
