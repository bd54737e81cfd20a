"""Take the pictures of a case up to its report: `python -m tests.browser.case_pictures`."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pypdfium2
from playwright.sync_api import Page

from services.language import ENGLISH, LANGUAGES
from tests.browser.administration import administrator
from tests.browser.rooms import confirm_each
from tests.browser.screenshots import OUT, SIZES, shrink, take, upload
from tests.browser.serving import browser, served
from tests.browser.signing import give_reasons
from tests.people import PASSWORD
from training.synthesis.composites import DEFAULT_OUT as DEFAULT_COMPOSITES

NUMBERS = ("000004", "000011", "000017", "000023")
CONCLUSION = (
    "Lymphoblasts, small to medium-sized, scant cytoplasm. Suspicious of acute lymphoblastic "
    "leukaemia: please confirm by flow cytometry."
)
REPORT_SCALE = 1.4
OF_THE_ROOM = ("reading-room", "comparison")
OF_THE_LABORATORY = ("statistics", "quality", "laboratory", "laboratory-model")


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
            names = ("case-list", "case", "reading-room", "comparison", "sign-off-missing")
            take_all(page, case, names)
            finish(page, case)
            take_all(page, case, ("sign-off", *OF_THE_LABORATORY))
            page.goto(f"{case}/sign-off")
            take_reports(page)
            page.goto(f"/admin/audit?object={case.rsplit('/', 1)[-1]}")
            take(page, "audit-case", wide)
        for width in others:
            with administrator(chrome, address, width) as page:
                names = ("case-list", "case", "reading-room", "comparison", "sign-off")
                take_all(page, case, (*names, *OF_THE_LABORATORY))


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
    confirm_each(page)
    saved(page)
    page.goto(f"{case}/sign-off")
    give_reasons(page)
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
        "comparison": f"{case}/room",
        "sign-off": f"{case}/sign-off",
        "sign-off-missing": f"{case}/sign-off",
        "statistics": "/statistics",
        "quality": "/statistics/quality",
        "laboratory": "/admin/laboratory",
        "laboratory-model": "/models/laboratory",
    }
    for name in names:
        page.goto(addresses[name])
        if name in OF_THE_ROOM:
            wait_for_cells(page)
        if name == "comparison":
            # One cell is pinned, and another chosen beside it.
            page.keyboard.press("Shift+C")
            page.keyboard.press("ArrowRight")
            page.get_by_role("img", name="The pinned cell, enlarged").wait_for()
            # The field of the other cell.
            page.locator("[data-image][href]").wait_for(state="attached")
        page.wait_for_load_state("networkidle")
        # The reading room loads cells as they are scrolled to.
        take(page, name, page.viewport_size["width"], whole=name not in OF_THE_ROOM)


def take_reports(page: Page) -> None:
    """Take the pages of the signed report, and the first one in every other language."""
    address = page.get_by_role("link", name="PDF report of version 1").get_attribute("href")
    for language in LANGUAGES:
        speak(page, language)
        sheets = list(pypdfium2.PdfDocument(page.request.get(address).body()))
        of_language = sheets if language == ENGLISH else sheets[:1]
        for number, sheet in enumerate(of_language, start=1):
            name = f"report-{number}" if language == ENGLISH else f"report-{language}"
            picture = OUT / f"{name}.png"
            sheet.render(scale=REPORT_SCALE).to_pil().save(picture)
            shrink(picture)
    speak(page, ENGLISH)


def speak(page: Page, language: str) -> None:
    """Set the language of the account."""
    page.goto("/account/language")
    page.locator("select[name=language]").select_option(language)
    page.locator("main form [type=submit]").first.click()
    page.wait_for_load_state("networkidle")


def wait_for_cells(page: Page) -> None:
    """Wait until a cell of the reading room can be judged."""
    page.locator("[data-cell]:focus").wait_for()
    page.wait_for_load_state("networkidle")


def saved(page: Page) -> None:
    """Wait until the server has every correction."""
    page.get_by_text("All saved").wait_for()


if __name__ == "__main__":
    main()
