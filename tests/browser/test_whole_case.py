"""A whole case in the browser, on stand-ins: uploaded, corrected, signed, reported, amended."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from fhir.resources.R4B.bundle import Bundle
from playwright.sync_api import Locator, Page, expect

from tests.browser.rooms import confirm_each, served_fields
from tests.browser.serving import chromium
from tests.browser.signing import give_reasons
from tests.browser.test_accessibility import complaints
from tests.people import PASSWORD
from tests.stand_ins import drawn_field
from tests.uploads import png

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(chromium() is None, reason="Chromium is not installed here"),
]

FIELDS = 3
SIDE = 400
CONCLUSION = "Blasts as in acute lymphoblastic leukaemia. Confirm by flow cytometry."
REASON = "One cell was a monocyte."


@pytest.fixture(scope="module")
def address(instance: Path) -> Iterator[str]:
    with served_fields(instance) as address:
        yield address


@pytest.fixture(scope="module")
def page(signed_in: Page) -> Page:
    return signed_in


@pytest.fixture(scope="module")
def downloads(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("reports")


def fields() -> list[dict[str, object]]:
    """Files of different fields."""
    drawn = [drawn_field(SIDE, SIDE) // (1 + number) for number in range(FIELDS)]
    return [
        {"name": f"field-{number}.png", "mimeType": "image/png", "buffer": png(rgb)}
        for number, rgb in enumerate(drawn, start=1)
    ]


def group(page: Page, label: str) -> Locator:
    return page.locator(f"[data-group={label}] [data-cell]")


def saved(page: Page) -> None:
    expect(page.locator("[data-saved-text]")).to_have_text("All saved")


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def sign(page: Page) -> None:
    give_reasons(page)
    page.get_by_label("Conclusion").fill(CONCLUSION)
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Sign this case").click()


def fetched(page: Page, name: str, folder: Path) -> bytes:
    """A report, as the page gives it."""
    with page.expect_download() as download:
        page.get_by_role("link", name=name).click()
    download.value.save_as(folder / name)
    return (folder / name).read_bytes()


def signed_part(report: bytes) -> dict[str, object]:
    """A report but for when it was made, and what came after it."""
    later = {"made_at", "later_version"}
    return {name: content for name, content in json.loads(report).items() if name not in later}


def test_a_case_is_opened(page: Page):
    page.goto("/cases")
    assert complaints(page) == ""
    page.get_by_role("link", name="Open a case").first.click()
    page.get_by_label("Pseudonym").fill("Alder-7")
    page.get_by_label("Stain").fill("Giemsa")
    assert complaints(page) == ""
    page.get_by_role("button", name="Open the case").click()
    expect(page.get_by_role("heading", name="Case Alder-7")).to_be_visible()
    expect(page.get_by_text("No images yet")).to_be_visible()


def test_three_fields_are_uploaded_to_it(page: Page):
    case = page.url
    page.get_by_role("link", name="Upload fields").click()
    page.set_input_files("#images", fields())
    expect(page.locator(".upload-item").get_by_role("link", name="Open")).to_have_count(FIELDS)
    page.goto(case)
    expect(page.get_by_text(f"{FIELDS} images")).to_be_visible()
    expect(page.get_by_text("0 of 12 cells reviewed")).to_be_visible()
    assert complaints(page) == ""


def test_it_cannot_be_signed_before_its_cells_are_seen(page: Page):
    page.get_by_role("link", name="Sign-off and reports").click()
    expect(page.get_by_role("heading", name="12 cells need review")).to_be_visible()
    expect(page.get_by_role("button", name="Sign this case")).to_have_count(0)
    assert complaints(page) == ""


def test_five_cells_are_corrected_and_a_missed_one_is_drawn(page: Page):
    page.get_by_role("link", name="Reading room").first.click()
    expect(page.locator("[data-cell]:focus")).to_have_count(1)
    press(page, "l", "m", "n", "e")
    group(page, "unclassified").first.drag_to(page.get_by_role("button", name="Basophil"))
    expect(group(page, "basophil")).to_have_count(1)
    expect(page.locator("[data-image][href]")).to_have_count(1)
    press(page, "d", "ArrowDown", "ArrowRight", "Shift+ArrowRight", "Enter", "b")
    expect(page.locator("[data-reviewed]")).to_have_text("6 of 13 cells reviewed")
    saved(page)
    assert complaints(page) == ""


def test_the_others_are_confirmed(page: Page):
    page.set_viewport_size({"width": 1440, "height": 900})
    group(page, "blast").first.click()
    confirm_each(page)
    expect(page.locator("[data-reviewed]")).to_have_text("13 of 13 cells reviewed")
    saved(page)


def test_it_is_signed_and_locked(page: Page):
    page.get_by_role("link", name="Sign-off and reports").click()
    page.get_by_label("Conclusion").fill(CONCLUSION)
    page.get_by_label("Your password").fill("not this one")
    with page.expect_navigation():
        page.get_by_role("button", name="Sign this case").click()
    expect(page.get_by_text("Version 1 signed. The case is locked.")).to_have_count(0)
    sign(page)
    expect(page.get_by_text("Version 1 signed. The case is locked.")).to_be_visible()
    assert complaints(page) == ""
    page.get_by_role("link", name="Reading room").first.click()
    expect(page.get_by_text("Signed and locked.")).to_be_visible()
    page.go_back()


def test_its_reports_tell_the_same(page: Page, downloads: Path):
    assert fetched(page, "PDF report of version 1", downloads).startswith(b"%PDF-")
    table = fetched(page, "CSV report of version 1", downloads).decode("utf-8-sig").splitlines()
    cells = [line for line in csv.DictReader(table) if line["what"] == "cell"]
    content = json.loads(fetched(page, "JSON report of version 1", downloads))
    bundle = Bundle.model_validate_json(fetched(page, "FHIR report of version 1", downloads))
    assert len(cells) >= 13
    assert CONCLUSION in json.dumps(content)
    reports = [
        e.resource for e in bundle.entry if e.resource.get_resource_type() == "DiagnosticReport"
    ]
    assert [report.status for report in reports] == ["final"]
    assert reports[0].conclusion == CONCLUSION


def test_an_amendment_keeps_the_former_version(page: Page, downloads: Path):
    before = signed_part((downloads / "JSON report of version 1").read_bytes())
    page.get_by_label("Reason for amendment").fill(REASON)
    page.get_by_role("button", name="Reopen for amendment").click()
    expect(page.get_by_text("Reopened as version 2")).to_be_visible()
    page.get_by_role("link", name="Reading room").first.click()
    expect(page.locator("[data-cell]:focus")).to_have_count(1)
    group(page, "lymphocyte").click()
    press(page, "m")
    expect(group(page, "monocyte")).to_have_count(2)
    saved(page)
    page.get_by_role("link", name="Sign-off and reports").click()
    sign(page)
    expect(page.get_by_text("Version 2 signed. The case is locked.")).to_be_visible()
    former = fetched(page, "JSON report of version 1", downloads)
    assert signed_part(former) == before
    assert json.loads(former)["later_version"] == "Superseded by version 2."
    assert REASON in fetched(page, "JSON report of version 2", downloads).decode()
    assert complaints(page) == ""


def test_all_of_it_is_in_the_audit_trail(page: Page):
    page.set_viewport_size({"width": 1440, "height": 900})
    case_id = page.url.split("/cases/")[1].split("/")[0]
    page.goto(f"/admin/audit?object={case_id}")
    shown = page.locator("main").inner_text()
    for label in (
        "Opened case",
        "Reviewed cells",
        "Signing refused",
        "Signed case",
        "Reopened case for amendment",
        "Downloaded report",
    ):
        assert label in shown
    assert complaints(page) == ""
