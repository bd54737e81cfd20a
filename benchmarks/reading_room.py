"""The reading room with 20 fields, 2,000 white cells, headless Chromium: opening, keys, frames."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter
from playwright.sync_api import Page, ViewportSize, expect

from app import create_app
from imaging.images import ImageLimits, RgbImage, encode_png
from models.findings import Detection, FieldFindings, Progress
from models.registry import Models
from records import db
from records.accounts import accounts
from records.accounts.accounts import new_id
from records.cases.cases import Case
from records.storage.image_store import DiskStore
from services.analyses.analysis import Analyst, Upload
from settings import Settings
from tests.browser.serving import browser, chromium, served, sign_up_and_in
from tests.stand_ins import CHROMATIN, CYTOPLASM, PLASMA, RED_CELL, stand_in_models

FIELDS, WHITE, RED = 20, 100, 400
WIDTH, HEIGHT = 1600, 1200
WINDOW: ViewportSize = {"width": 1440, "height": 900}
KEYS = "lmneglmneg" * 3
STEP, SECONDS = 40, 5

OPENED = "[data-cell]:focus"

KEY = """
async (key) => {
  const start = performance.now();
  document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  const counted = performance.now() - start;
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  return [counted, performance.now() - start];
}
"""

SCROLL = """
([step, milliseconds]) => new Promise((done) => {
  const frames = [];
  const start = performance.now();
  let last = start;
  function frame(now) {
    frames.push(now - last);
    last = now;
    window.scrollBy({ top: step, behavior: "instant" });
    if (now - start < milliseconds) requestAnimationFrame(frame);
    else done(frames.slice(1));
  }
  requestAnimationFrame(frame);
})
"""


def main() -> None:
    """Print what a reader waits for; the machine's load counts, so run it on an idle one."""
    if chromium() is None:
        print("\nThe reading room: not measured, Chromium is missing")
        return
    print(f"\nThe reading room, {FIELDS} fields with {WHITE} white cells each")
    with tempfile.TemporaryDirectory() as folder, opened(Path(folder) / "instance") as page:
        address = filled(page, Path(folder) / "instance")
        show("first opening, its thumbnails still to be made", *opening(page, address))
        again = [opening(page, address) for _ in range(5)]
        show("opening again", *map(statistics.median, zip(*again, strict=True)))
        keys = [page.evaluate(KEY, key) for key in KEYS]
        counted, painted = (sorted(times) for times in zip(*keys, strict=True))
        spread("from a key to the counts", counted)
        spread("from a key to the next picture on the screen", painted)
        expect(page.locator("[data-saved-text]")).to_have_text("All saved", timeout=60_000)
        spread(
            f"a frame while scrolling {60 * STEP} px a second",
            sorted(page.evaluate(SCROLL, [STEP, 1000 * SECONDS])),
        )


@contextmanager
def opened(instance: Path) -> Generator[Page]:
    """Open a page of somebody signed in to an empty instance."""
    with served(instance, "open", stand_in_models()) as address, browser() as chrome:
        page = chrome.new_context(base_url=address, viewport=WINDOW).new_page()
        page.set_default_timeout(120_000)
        sign_up_and_in(page, "ada")
        yield page


def filled(page: Page, instance: Path) -> str:
    """Fill a case; the address of its reading room."""
    app = create_app(Settings().model_copy(update={"instance_dir": instance}), stand_in_models())
    with app.app_context():
        owner = db.session.scalars(db.select(accounts.Account)).one()
        case = Case(owner_id=owner.id, pseudonym="Two thousand", specimen="marrow")
        db.session.add(case)
        db.session.flush()
        for number in range(FIELDS):
            rgb, found = drawn_field(number)
            keep(instance, owner.id, case.id, rgb, found)
        db.session.commit()
        return f"/cases/{case.id}/room"


@dataclass(frozen=True)
class _Says(Models):
    """Models that find in every field what they are told to."""

    found: FieldFindings

    def read_field(
        self,
        rgb: RgbImage,
        progress: Progress | None = None,
        min_confidence: float | None = None,
        override: bool = False,
    ) -> FieldFindings:
        return self.found


def keep(instance: Path, owner_id: str, case_id: str, rgb: RgbImage, found: FieldFindings) -> None:
    """Keep a field with its sheet of cells, as if the models had read it so."""
    stand_ins = stand_in_models()
    models = _Says(stand_ins.classifier, stand_ins.detector, found)
    analyst = Analyst(lambda: models, DiskStore(instance / "images"), ImageLimits())
    upload = Upload("field.png", encode_png(rgb), new_id())
    analyst.detect(owner_id, upload, new_id()).case_id = case_id


def drawn_field(seed: int) -> tuple[RgbImage, FieldFindings]:
    """Draw a field with grain, as large as real ones, and its cells."""
    chance = np.random.default_rng(seed)
    image = Image.new("RGB", (WIDTH, HEIGHT), PLASMA)
    pen = ImageDraw.Draw(image)
    red = [disc(pen, chance.uniform((0, 0), (WIDTH, HEIGHT)), 24, RED_CELL) for _ in range(RED)]
    white = []
    for index in range(WHITE):
        place = np.array([80 + 125 * (index % 12), 70 + 125 * (index // 12)])
        radius = int(chance.integers(30, 44))
        white.append(disc(pen, place, radius, CYTOPLASM))
        disc(pen, place, radius - int(chance.integers(4, 14)), CHROMATIN)
    grain = chance.integers(-9, 10, (HEIGHT, WIDTH, 3))
    pixels = np.asarray(image.filter(ImageFilter.GaussianBlur(1.2))) + grain
    cells = [read(box, chance) for box in white] + [Detection(box, "rbc", 0.9) for box in red]
    findings = FieldFindings(
        WIDTH, HEIGHT, tuple(cells), "drawn", thresholds={"blast": 0.5}, classifier="drawn"
    )
    return np.clip(pixels, 0, 255).astype(np.uint8), findings


def disc(
    pen: ImageDraw.ImageDraw, middle: np.ndarray, radius: int, colour: tuple[int, int, int]
) -> tuple[float, float, float, float]:
    """Draw a cell; its box."""
    x, y = (float(value) for value in middle)
    box = (x - radius, y - radius, x + radius, y + radius)
    pen.ellipse(box, fill=colour)
    return box


def read(box: tuple[float, float, float, float], chance: np.random.Generator) -> Detection:
    """Make up a white cell and both opinions; one in six a blast."""
    blast, second = chance.random() ** 3, chance.random() ** 3
    label, confidence = ("blast", blast) if blast >= 0.5 else ("wbc", 1 - blast)
    word = "all_blast" if second > 0.6 else "uncertain" if second > 0.4 else "normal"
    return Detection(box, label, confidence, blast, 1.0, second, word)


def opening(page: Page, address: str) -> tuple[float, float, float]:
    """Seconds until the first cell can be judged by key, until its pictures are there, and MB."""
    page.goto("about:blank")
    start = time.perf_counter()
    page.goto(address, wait_until="commit")
    page.locator(OPENED).wait_for()
    ready = time.perf_counter() - start
    page.wait_for_load_state("networkidle")
    times = "performance.getEntriesByType('resource')"
    last = page.evaluate(f"Math.max(...{times}.map((one) => one.responseEnd))")
    size = page.evaluate(f"{times}.reduce((sum, one) => sum + one.transferSize, 0)")
    return ready, last / 1000, size / 1e6


def show(title: str, ready: float, pictures: float, megabytes: float) -> None:
    """Print one opening."""
    print(f"  {title}")
    print(f"    until the first cell has the focus      {ready:9.2f} s")
    print(f"    until all pictures of the screen came   {pictures:9.2f} s, {megabytes:.1f} MB")


def spread(title: str, times: list[float]) -> None:
    """Print median, 95th percentile and longest of sorted milliseconds."""
    at = [times[len(times) // 2], times[int(0.95 * (len(times) - 1))], times[-1]]
    words = " / ".join(f"{value:.0f}" for value in at)
    print(f"  {title}\n    median / 95% / longest                  {words:>15} ms")


if __name__ == "__main__":
    main()
