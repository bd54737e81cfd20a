"""One hundred cells from upload to signature by keyboard, for a test and for a benchmark."""

from __future__ import annotations

import csv
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.people import PASSWORD
from training.data import DEFAULT_DATA

CELLS, FIELDS, ROW = 100, 4, 5
TILE = 180
"""Side in pixels of a PBC tile in a field: half of what it is in the set."""

MOST_TABS = 400
CONCLUSION = "No blasts. Normal white cells."

SAVED = "All saved"

WATCH = """
window.decisions = [];
addEventListener("keydown", ({ key }) => {
  if (key !== "Enter" && key !== "x") return;
  const start = performance.now();
  requestAnimationFrame(() => setTimeout(() => window.decisions.push(performance.now() - start)));
}, { capture: true });
"""
"""Notes how long after each decision its outcome is on the screen, in milliseconds."""

CELL = """
(() => {
  if (!document.querySelector("[data-done]").hidden) return "done";
  const tile = document.activeElement;
  if (!tile.querySelector("[data-seen]").hidden) return "reviewed";
  return tile.closest("[data-group]").dataset.group;
})()
"""
"""What the cell with the focus is, or that all are reviewed."""

SHOWN = """
(before) => new Promise((done) => {
  const look = () => (decisions.length > before ? done(decisions[before]) : setTimeout(look, 1));
  look();
})
"""


@dataclass
class Times:
    """Seconds of each part of the journey, and milliseconds of each decision."""

    parts: dict[str, float] = field(default_factory=dict)
    decisions: list[float] = field(default_factory=list)

    @contextmanager
    def of(self, part: str) -> Iterator[None]:
        """Time a part."""
        start = time.perf_counter()
        yield
        self.parts[part] = time.perf_counter() - start


def pbc_fields(folder: Path, data: Path = DEFAULT_DATA) -> list[Path]:
    """Lay one hundred tiles of PBC, each with its cell, into fields; none where PBC is missing."""
    manifest = data / "pbc" / "manifest.csv"
    if not manifest.is_file():
        return []
    with manifest.open(encoding="utf-8") as lines:
        names = sorted(one["file"] for one in csv.DictReader(lines))
    chosen = names[:: len(names) // CELLS][:CELLS]
    each = CELLS // FIELDS
    return [
        _field(data / "pbc", chosen[number * each :][:each], folder / f"field-{number + 1}.png")
        for number in range(FIELDS)
    ]


def _field(pbc: Path, names: list[str], path: Path) -> Path:
    field = Image.new("RGB", (ROW * TILE, len(names) // ROW * TILE))
    for place, name in enumerate(names):
        with Image.open(next(pbc.rglob(Path(name).name))) as tile:
            small = tile.convert("RGB").resize((TILE, TILE), Image.Resampling.LANCZOS)
        field.paste(small, (place % ROW * TILE, place // ROW * TILE))
    field.save(path)
    return path


def play(page: Page, fields: list[Path]) -> Times:
    """Take a person who is signed in from the worklist to a signed case."""
    times = Times()
    page.add_init_script(WATCH)
    with times.of("open a case"):
        page.goto("/cases")
        reach(page, page.get_by_role("link", name="Open a case").first)
        page.wait_for_url("**/cases/new")
        reach(page, page.get_by_label("Pseudonym"), "")
        page.keyboard.type("Alder-100")
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="Case Alder-100").wait_for()
    with times.of("upload, and analysis by the models"):
        reach(page, page.get_by_role("link", name="Upload fields"))
        page.wait_for_url("**/detect?case=*")
        with page.expect_file_chooser() as chooser:
            reach(page, page.locator("#images"))
        chooser.value.set_files(fields)
        opened = page.locator(".upload-item").get_by_role("link", name="Open")
        expect(opened).to_have_count(len(fields))
    case = "/cases/" + page.url.split("case=")[1].split("&")[0]
    with times.of("open the reading room"):
        page.goto(f"{case}/room")
        page.locator("[data-cell]:focus").wait_for()
    with times.of("decide"):
        decide(page, times)
        expect(page.locator("[data-saved-text]")).to_have_text(SAVED)
    with times.of("sign"):
        sign(page)
    return times


def decide(page: Page, times: Times) -> None:
    """Confirm each cell, and say of those below the threshold that they are none."""
    while (cell := page.evaluate(CELL)) != "done":
        if cell == "reviewed":
            page.keyboard.press("j")
        else:
            page.keyboard.press("x" if cell == "candidate" else "Enter")
            times.decisions.append(page.evaluate(SHOWN, len(times.decisions)))


def sign(page: Page) -> None:
    """Sign the case, with a reason for each warning."""
    reach(page, page.get_by_role("link", name="Sign-off and reports"))
    page.wait_for_url("**/sign-off")
    for reason in page.get_by_label("Reason").all():
        reach(page, reason, "")
        page.keyboard.type("No further field.")
    reach(page, page.get_by_label("Conclusion"), "")
    page.keyboard.type(CONCLUSION)
    reach(page, page.get_by_label("Your password"), "")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_text("Version 1 signed. The case is locked.")).to_be_visible()


def reach(page: Page, wanted: Locator, key: str = "Enter") -> None:
    """Go to a control with Tab, and press a key on it."""
    wanted.wait_for(state="attached")
    for _ in range(MOST_TABS):
        if wanted.evaluate("one => one === document.activeElement"):
            break
        page.keyboard.press("Tab")
    else:
        raise AssertionError(f"{wanted} is not reached by Tab")
    if key:
        page.keyboard.press(key)
