"""Take the pictures of a case up to its report: `python -m tests.browser.case_pictures`."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pypdfium2
from playwright.sync_api import Page

from tests.browser.administration import administrator
from tests.browser.screenshots import OUT, SIZES, shrink, take, upload
from tests.browser.serving import browser, served
from tests.people import PASSWORD
from training.synthesis.composites import DEFAULT_OUT as DEFAULT_COMPOSITES

NUMBERS = ("000004", "000011", "000017", "000023")
CONCLUSION = (
    "Lymphoblasts, small to medium-sized, scant cytoplasm. Suspicious of acute lymphoblastic "
    "leukaemia: please confirm by flow cytometry."
)
REPORT_SCALE = 1.4


def main() -> None:
    """Play one case with the shipped weights, and take its pages at every width."""
    with (
        tempfile.TemporaryDirectory() as folder,
        served(Path(folder) / "instance", signup="open") as address,
        browser() as chrome,
    ):
        wide, *others = SIZES
        with administrator(chrome, address, wide, first=True) as page:
            case = open_cases(page)
            take_all(page, case, ("case-list", "case", "reading-room", "sign-off-missing"))
            finish(page, case)
            take_all(page, case, ("sign-off",))
            take_report(page, Path(folder) / "report.pdf")
            page.goto(f"/admin/audit?object={case.rsplit('/', 1)[-1]}")
            take(page, "audit-case", wide)
        for width in others:
            with administrator(chrome, address, width) as page:
                take_all(page, case, ("case-list", "case", "reading-room", "sign-off"))


def open_cases(page: Page) -> str:
    """Open three cases, upload fields to the last, correct some cells; the last one's address."""
    for pseudonym, specimen in (("Birch-12", "blood"), ("Cedar-3", "marrow"), ("Alder-7", "blood")):
        page.goto("/cases/new")
        page.get_by_label("Pseudonym").fill(pseudonym)
        page.get_by_label("Specimen").select_option(specimen)
        page.get_by_label("Stain").fill("May-Grünwald-Giemsa")
        page.get_by_label("Magnification").fill("100x oil")
        page.get_by_role("button", name="Open the case").click()
    case = page.url
    upload_fields(page)
    page.goto(f"{case}/room")
    wait_for_cells(page)
    for key in ("b", "b", "l", "b", "n", "Enter"):
        page.keyboard.press(key)
    saved(page)
    return case


def upload_fields(page: Page) -> None:
    """Upload composites of held-out subjects to the case whose page is open."""
    files = [DEFAULT_COMPOSITES / "test" / "images" / f"{number}.jpg" for number in NUMBERS]
    page.get_by_role("link", name="Upload fields").click()
    upload(page, files)


def finish(page: Page, case: str) -> None:
    """Confirm every cell, and sign."""
    page.goto(f"{case}/room")
    wait_for_cells(page)
    for label in ("blast", "unclassified", "smudge"):
        cells = page.locator(f"[data-group={label}] [data-cell]")
        if not cells.count():
            continue
        cells.last.click()
        page.keyboard.press("Control+a")
        page.keyboard.press("Enter")
    saved(page)
    page.goto(f"{case}/sign-off")
    page.get_by_label("Conclusion").fill(CONCLUSION)
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Sign this case").click()
    page.get_by_text("Version 1 signed. The case is locked.").wait_for()


def take_all(page: Page, case: str, names: tuple[str, ...]) -> None:
    """Take pages of a case by name, at the width that the page has."""
    addresses = {
        "case-list": "/cases",
        "case": case,
        "reading-room": f"{case}/room",
        "sign-off": f"{case}/sign-off",
        "sign-off-missing": f"{case}/sign-off",
    }
    for name in names:
        page.goto(addresses[name])
        if name == "reading-room":
            wait_for_cells(page)
        page.wait_for_load_state("networkidle")
        # The reading room loads cells as they are scrolled to.
        take(page, name, page.viewport_size["width"], whole=name != "reading-room")


def take_report(page: Page, path: Path) -> None:
    """Take the pages of the signed report."""
    with page.expect_download() as download:
        page.get_by_role("link", name="PDF report of version 1").click()
    download.value.save_as(path)
    for number, sheet in enumerate(pypdfium2.PdfDocument(path), start=1):
        picture = OUT / f"report-{number}.png"
        sheet.render(scale=REPORT_SCALE).to_pil().save(picture)
        shrink(picture)


def wait_for_cells(page: Page) -> None:
    """Wait until a cell of the reading room can be judged."""
    page.locator("[data-cell]:focus").wait_for()
    page.wait_for_load_state("networkidle")


def saved(page: Page) -> None:
    """Wait until the server has every correction."""
    page.get_by_text("All saved").wait_for()


if __name__ == "__main__":
    main()
