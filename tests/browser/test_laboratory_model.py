"""Teaching in the browser: sign cases, fit, read the proof, activate, see it answer, go back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from imaging.images import RgbImage
from models.findings import Detection, FieldFindings, Progress
from models.registry import Models
from tests.browser.serving import chromium, served
from tests.browser.signing import give_reasons
from tests.browser.test_accessibility import WIDTHS, complaints
from tests.laboratory import use_stand_in_networks
from tests.people import PASSWORD
from tests.stand_ins import PLASMA, StandInClassifier, StandInDetector, StandInEmbedder
from tests.uploads import png

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(chromium() is None, reason="Chromium is not installed here"),
]

CELLS = 12
RED, BLUE = (160, 70, 100), (100, 70, 160)
"""Two stains of cells between which the shipped classifier makes no difference."""


class RowDetector(StandInDetector):
    """Finds `CELLS` white cells in two rows."""

    def find(
        self, rgb: RgbImage, min_confidence: float | None = None, progress: Progress | None = None
    ) -> FieldFindings:
        height, width = rgb.shape[:2]
        cells = tuple(
            Detection(box, "wbc", 0.9 - number / 1000, 0.1, 0.9)
            for number, box in enumerate(boxes())
        )
        thresholds = {"blast": 0.5, "white": 0.25, "rbc": 0.25, "platelet": 0.25}
        return FieldFindings(
            width, height, cells, self.version, thresholds=thresholds, red_cell=32.0
        )


def boxes() -> list[tuple[float, float, float, float]]:
    corners = [(40.0 + 90 * (n % 6), 60.0 + 160 * (n // 6)) for n in range(CELLS)]
    return [(x, y, x + 50, y + 50) for x, y in corners]


def field(seed: int) -> RgbImage:
    """A field whose cells are red and blue in turn, each field a little different."""
    rng = np.random.default_rng(seed)
    rgb = np.full((400, 600, 3), PLASMA, np.uint8)
    for number, (left, top, right, bottom) in enumerate(boxes()):
        # The darkest channel stays: by it the stand-in classifier goes, and sorts the cells.
        colour = np.array(BLUE if number % 2 else RED) + rng.integers(-8, 8, 3) * (1, 0, 1)
        rgb[int(top) : int(bottom), int(left) : int(right)] = colour
    return rgb


@pytest.fixture(scope="module")
def address(instance: Path) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        use_stand_in_networks(patch, StandInEmbedder)
        with served(instance, models=Models(StandInClassifier(), RowDetector())) as address:
            yield address


@pytest.fixture(scope="module")
def page(signed_in: Page) -> Page:
    return signed_in


def case_with(page: Page, pseudonym: str, seed: int) -> str:
    """Open a case with one field; its address."""
    page.goto("/cases/new")
    page.get_by_label("Pseudonym").fill(pseudonym)
    page.get_by_label("Specimen").select_option("blood")
    page.get_by_role("button", name="Open the case").click()
    case = page.url
    page.get_by_role("link", name="Upload fields").click()
    file = {"name": f"{pseudonym}.png", "mimeType": "image/png", "buffer": png(field(seed))}
    page.set_input_files("#images", [file])
    expect(page.locator(".upload-item").get_by_role("link", name="Open")).to_have_count(1)
    return case


def room(page: Page, case: str) -> None:
    page.goto(f"{case}/room")
    expect(page.locator("[data-cell]:focus")).to_have_count(1)


def review_and_sign(page: Page, case: str) -> None:
    """Call the red cells blasts and the blue ones lymphocytes, and sign."""
    room(page, case)
    for number in range(CELLS):
        page.locator(f"[data-cell$='.{number}']").click()
        page.keyboard.press("l" if number % 2 else "b")
    expect(page.locator("[data-saved-text]")).to_have_text("All saved")
    page.goto(f"{case}/sign-off")
    give_reasons(page)
    page.get_by_label("Conclusion").fill("Blasts.")
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Sign this case").click()
    expect(page.get_by_role("link", name="PDF")).to_be_visible()


def proposed_blasts(page: Page, case: str) -> int:
    room(page, case)
    return page.locator("[data-list='blast?'] [data-cell]").count()


def test_a_laboratory_teaches_activates_and_rolls_back(page: Page):
    for number, pseudonym in enumerate(("Alder-1", "Birch-2", "Cedar-3")):
        review_and_sign(page, case_with(page, pseudonym, number))
    before = case_with(page, "Dale-4", 10)
    assert proposed_blasts(page, before) == 0

    page.goto("/models")
    page.get_by_role("link", name="Fit and test").click()
    page.get_by_role("button", name="Fit to all signed cells").click()
    expect(page.get_by_role("heading", name="Test on patients not seen")).to_be_visible()
    expect(
        page.get_by_text("36 signed cells, 18 of them blasts; 3 cases of 3 patients")
    ).to_be_visible()
    expect(page.locator(".laboratory-cells img")).to_have_count(20)
    for width, height in reversed(WIDTHS.items()):
        page.set_viewport_size({"width": width, "height": height})
        assert complaints(page) == ""
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.get_by_role("button", name="Activate").click()
    expect(page.get_by_text("Model 1 is active from the next field on.")).to_be_visible()

    after = case_with(page, "Elder-5", 11)
    assert proposed_blasts(page, after) == CELLS // 2
    assert proposed_blasts(page, before) == 0

    page.goto("/models/laboratory")
    assert complaints(page) == ""
    page.get_by_role("button", name="Return to the shipped networks").click()
    expect(page.get_by_text("The shipped networks name cells again")).to_be_visible()
    again = case_with(page, "Fir-6", 12)
    assert proposed_blasts(page, again) == 0

    for event in ("head-fit", "head-activate", "head-deactivate"):
        page.goto(f"/admin/audit?event={event}")
        expect(page.get_by_role("row")).to_have_count(2)
