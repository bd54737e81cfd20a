"""Take the pictures of the administrator's pages: `python -m tests.browser.administration`."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page

from tests.browser.screenshots import PATIENCE, SIZES, take
from tests.browser.serving import browser, served, sign_in, sign_up, sign_up_and_in
from tests.stand_ins import stand_in_models
from tests.uploads import fresh

TEAMS = ("Haematology", "Night shift")
COLLEAGUES = ("m.okafor", "s.lindqvist", "j.moreau")
WAITING = ("t.nakamura", "a.silva")


def main() -> None:
    """Fill an installation by hand, and take its pages at every width."""
    with (
        tempfile.TemporaryDirectory() as folder,
        served(Path(folder) / "instance", models=stand_in_models()) as address,
        browser() as chrome,
    ):
        widths = iter(SIZES)
        with administrator(chrome, address, next(widths), first=True) as page:
            fill(page)
            take_pages(page)
        for width in widths:
            with administrator(chrome, address, width) as page:
                take_pages(page)


@contextmanager
def administrator(chrome: Browser, address: str, width: int, first: bool = False) -> Iterator[Page]:
    """A browser of this width in which the administrator, ada, is signed in."""
    size = {"width": width, "height": SIZES[width]}
    page = chrome.new_context(base_url=address, viewport=size).new_page()
    page.set_default_timeout(PATIENCE)
    if first:
        sign_up_and_in(page, "ada")
    else:
        sign_in(page, "ada")
    yield page
    page.context.close()


def fill(page: Page) -> None:
    """Let people ask for accounts, approve some, make teams, look at a cell."""
    chrome, address = page.context.browser, page.url.split("/cases")[0]
    for name in (*COLLEAGUES, *WAITING):
        visitor = chrome.new_context(base_url=address).new_page()
        visitor.set_default_timeout(PATIENCE)
        sign_up(visitor, name)
        sign_in(visitor, name, "not the password")
        visitor.context.close()
    page.goto("/admin/people")
    for name in COLLEAGUES:
        person = page.locator("li", has=page.get_by_text(name, exact=True))
        person.get_by_role("button", name="Approve").click()
    for team in TEAMS:
        page.get_by_label("New team name").fill(team)
        page.get_by_role("button", name="Create team").click()
    page.goto("/classify")
    files = [{"name": f"cell {n}.png", "mimeType": "image/png", "buffer": fresh()} for n in (1, 2)]
    page.set_input_files("#images", files)
    opened = page.locator(".upload-item").get_by_role("link", name="Open")
    opened.last.wait_for()
    opened.first.click()
    page.wait_for_load_state("networkidle")


def take_pages(page: Page) -> None:
    """Take People with one person's settings open, and the audit trail."""
    width = page.viewport_size["width"]
    page.goto("/admin/people")
    person = page.locator("li", has=page.get_by_text(COLLEAGUES[1], exact=True))
    person.get_by_text("Change").click()
    take(page, "people", width)
    page.goto("/admin/audit")
    take(page, "audit", width)


if __name__ == "__main__":
    main()
