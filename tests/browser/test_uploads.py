"""Uploads as people do them: folders, ZIPs, hundreds, a lost connection, an ended session."""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from tests.archives import packed
from tests.browser.drops import drop, line
from tests.browser.serving import chromium, open_page, served, sign_in, sign_up, try_now
from tests.browser.test_accessibility import complaints
from tests.stand_ins import drawn_cell, drawn_field, stand_in_models
from tests.uploads import fresh

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(chromium() is None, reason="Chromium is not installed here"),
]

SESSION = "**/account/sessions/present"


@pytest.fixture(scope="module")
def address(instance: Path) -> Iterator[str]:
    with served(instance, signup="open", models=stand_in_models()) as address:
        yield address


@pytest.fixture
def page(signed_in: Page) -> Iterator[Page]:
    signed_in.goto("/classify")
    yield signed_in
    signed_in.unroute_all()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with folders in it, and with what systems leave in folders."""
    folder = tmp_path / "smears"
    for number in range(3):
        file = folder / "day 2" / f"cell {number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(fresh())
    (folder / "cell.png").write_bytes(fresh())
    (folder / "notes.txt").write_text("no image")
    for name in (".DS_Store", "Thumbs.db", "desktop.ini"):
        (folder / name).write_bytes(b"x")
    return folder


def cells(count: int) -> list[dict[str, object]]:
    """Files of cells that nobody has uploaded."""
    return [
        {"name": f"cell {n}.png", "mimeType": "image/png", "buffer": fresh()} for n in range(count)
    ]


def kept(instance: Path) -> int:
    with closing(sqlite3.connect(instance / "leukoscope.sqlite3")) as database:
        return database.execute("SELECT COUNT(*) FROM analyses").fetchone()[0]


def all_read(page: Page, count: int, *others: str) -> None:
    sentence = ", ".join([f"{count - len(others)} of {count} analysed", *others])
    expect(page.locator("[data-status]")).to_have_text(sentence)


@pytest.mark.parametrize("way", ["dropped", "chosen"])
def test_a_folder_is_sent_with_its_folders(page: Page, folder: Path, way: str):
    if way == "dropped":
        drop(page, folder)
    else:
        page.set_input_files("#folder", folder)
    expect(page.locator(".upload-item")).to_have_count(5)
    expect(page.locator("[data-left-out]")).to_have_text("3 system or hidden files left out.")
    expect(page.locator("[data-status]")).to_have_text("4 of 5 analysed, 1 failed")
    expect(line(page, "cell 2.png").locator(".upload-name")).to_have_text("smears/day 2/cell 2.png")
    expect(line(page, "notes.txt")).to_contain_text("not an image that can be read")
    assert complaints(page) == ""


def test_more_files_than_a_browser_gives_at_once(page: Page, tmp_path: Path):
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(130):
        (folder / f"{number}.png").write_bytes(b"no image %d" % number)
    drop(page, folder, tmp_path / "nothing.png")
    expect(page.locator("[data-status]")).to_have_text("0 of 130 analysed, 130 failed")
    problems = page.get_by_role("button", name="Problems 130")
    problems.click()
    expect(page.locator(".upload-item:visible")).to_have_count(130)
    page.get_by_role("button", name="Analysed 0").click()
    expect(page.locator(".upload-item:visible")).to_have_count(0)
    page.get_by_role("button", name="All 130").click()
    height = page.locator("[data-list]").bounding_box()["height"]
    assert height < 800
    # What is out of sight in the list takes no place below it.
    assert page.evaluate("document.documentElement.scrollHeight") < 2000
    assert complaints(page) == ""


def test_files_chosen_before_the_script_has_loaded_are_sent(page: Page):
    held: list[Route] = []
    page.route("**/js/upload/upload.js*", lambda route: held.append(route))
    page.goto("/classify", wait_until="commit")
    page.set_input_files("#images", cells(1))
    while not held:
        page.wait_for_timeout(50)
    held[0].continue_()
    all_read(page, 1)


def test_each_image_of_a_zip_is_a_line(page: Page):
    content = packed(
        {
            "day 1/1.png": fresh(),
            "day 1/2.png": fresh(),
            "inner.zip": packed({"3.png": fresh()}),
            "__MACOSX/._1.png": b"x",
        }
    )
    whole = {"name": "cells.zip", "mimeType": "application/zip", "buffer": content}
    broken = {"name": "broken.zip", "mimeType": "application/zip", "buffer": content[:-30]}
    with page.expect_response("**/drop"):
        page.set_input_files("#images", [whole, broken])
        expect(page.locator("[data-status]")).to_have_text("2 of 4 analysed, 2 failed")
    expect(page.get_by_text("1 system or hidden file left out.")).to_be_visible()
    expect(line(page, "inner.zip")).to_contain_text("This is a ZIP file inside a ZIP file.")
    expect(line(page, "broken.zip")).to_contain_text("The ZIP file is damaged or incomplete.")
    expect(line(page, "2.png").get_by_role("link", name="Open 2.png")).to_be_visible()


def test_after_a_lost_connection_all_are_sent_and_none_twice(page: Page, instance: Path):
    before, posts = kept(instance), []

    def lose(route: Route) -> None:
        """The third file arrives, its answer does not; then nothing does."""
        if route.request.method != "POST":
            route.continue_()
            return
        posts.append(route.request.url)
        if len(posts) == 3:
            route.fetch()
        if len(posts) >= 3:
            route.abort()
        else:
            route.continue_()

    page.route("**/classify", lose)
    page.route(SESSION, lambda route: route.abort())
    page.set_input_files("#images", cells(8))
    expect(page.get_by_text("The server could not be reached.")).to_be_visible()
    expect(page.locator("[data-paused]")).to_contain_text("6 files wait.")
    expect(page.locator("[data-status]")).to_have_text("2 of 8 sent")
    assert complaints(page) == ""
    page.unroute_all()
    try_now(page)

    expect(page.locator("[data-status]")).to_have_text("8 of 8 analysed")
    expect(page.locator("[data-paused]")).to_be_hidden()
    assert kept(instance) == before + 8


def test_a_file_that_always_fails_holds_up_no_other(page: Page):
    def fail(route: Route) -> None:
        if b'filename="cell 0.png"' in (route.request.post_data_buffer or b""):
            route.abort()
        else:
            route.continue_()

    page.route("**/classify", fail)
    page.set_input_files("#images", cells(3))
    expect(page.locator("[data-status]")).to_have_text("2 of 3 analysed, 1 failed")
    expect(line(page, "cell 0.png")).to_contain_text("Check the connection, then try again.")
    page.unroute_all()
    line(page, "cell 0.png").get_by_role("button", name="Try again").click()
    expect(page.locator("[data-status]")).to_have_text("3 of 3 analysed")


def test_an_ended_session_pauses_the_upload_until_the_same_person_is_back(page: Page, address: str):
    sign_out(page)
    page.set_input_files("#images", cells(5))
    notice = page.locator("[data-paused]")
    expect(notice).to_contain_text("You are signed out. Nothing is lost: sign in again")
    expect(notice).to_contain_text("5 files wait.")
    assert complaints(page) == ""

    with page.context.expect_page() as opened:
        notice.get_by_role("link", name="Sign in again in a new tab").click()
    tab = opened.value
    sign_up(tab, "ben")
    sign_in(tab, "ben")
    notice.get_by_role("button", name="Continue").click()
    expect(notice).to_contain_text("ben is signed in now, but these are ada's uploads")
    expect(page.locator("[data-status]")).to_have_text("0 of 5 sent")

    tab.get_by_role("button", name="Sign out", include_hidden=True).evaluate(
        "button => button.click()"
    )
    tab.wait_for_url("**/sign-in")
    sign_in(tab, "ada")
    expect(page.locator("[data-status]")).to_have_text("5 of 5 analysed")
    expect(notice).to_be_hidden()
    tab.close()


def sign_out(page: Page) -> None:
    """End the session of this browser in another tab."""
    tab = page.context.new_page()
    tab.goto("/history")
    tab.get_by_role("button", name="Sign out", include_hidden=True).evaluate(
        "button => button.click()"
    )
    tab.wait_for_url("**/sign-in")
    tab.close()


def test_a_file_of_before_is_told_and_the_person_decides(page: Page, instance: Path):
    files = cells(3)
    page.set_input_files("#images", files)
    expect(page.locator("[data-status]")).to_have_text("3 of 3 analysed")
    before, sent = kept(instance), []
    page.on("request", lambda request: sent.append(request.method + request.url))
    page.goto("/classify")
    twin = {**files[0], "name": "twin.png"}
    page.set_input_files("#images", [*files, twin, *cells(1)])
    expect(page.locator("[data-status]")).to_have_text("1 of 5 analysed, 4 duplicates")
    assert len([each for each in sent if each.startswith("POST") and "classify" in each]) == 1
    first = line(page, "cell 0.png").first
    expect(first).to_contain_text("Uploaded before, as “cell 0.png” on ")
    expect(line(page, "twin.png")).to_contain_text("The same file as “cell 0.png” in this list.")
    result = first.get_by_role("link", name="Earlier result").get_attribute("href")
    assert re.fullmatch("/classify/[0-9a-f]{32}", result)
    assert complaints(page) == ""

    first.get_by_role("button", name="Send anyway").click()
    expect(first.get_by_role("link", name="Open")).to_be_visible()
    page.get_by_role("button", name="Leave all out").click()
    expect(page.locator("[data-status]")).to_have_text("2 of 5 analysed, 3 cancelled")
    assert kept(instance) == before + 2


def test_where_the_browser_computes_no_hash_the_server_tells(page: Page):
    files = cells(1)
    page.set_input_files("#images", files)
    expect(page.locator("[data-status]")).to_have_text("1 of 1 analysed")
    page.goto("/classify")
    page.evaluate("Object.defineProperty(crypto, 'subtle', { value: undefined })")
    page.set_input_files("#images", files)
    expect(line(page, "cell 0.png")).to_contain_text("Uploaded before, as “cell 0.png”")
    page.get_by_role("button", name="Send anyway").click()
    expect(page.locator("[data-status]")).to_have_text("1 of 1 analysed")


@pytest.mark.parametrize("path", ["/classify", "/detect"])
def test_results_survive_a_reload_and_the_way_back(page: Page, path: str):
    page.goto(path)
    drawn = drawn_cell() if path == "/classify" else drawn_field()
    files = [
        {"name": f"{n}.png", "mimeType": "image/png", "buffer": fresh(drawn)} for n in range(3)
    ]
    page.set_input_files("#images", files)
    expect(page.locator("[data-status]")).to_have_text("3 of 3 analysed")
    page.reload()
    expect(page.locator("[data-status]")).to_have_text("3 of 3 analysed")
    page.set_input_files("#images", cells(1))
    expect(page.locator("[data-status]")).to_have_text("4 of 4 analysed")

    page.locator(".upload-item").first.get_by_role("link", name="Open").click()
    page.wait_for_url(re.compile(f"{path}/[0-9a-f]{{32}}$"))
    page.go_back()
    expect(page.locator(".upload-item")).to_have_count(4)
    expect(page.locator("[data-status]")).to_have_text("4 of 4 analysed")
    tab = page.context.new_page()
    tab.goto(page.url)
    expect(tab.locator(".upload-item")).to_have_count(4)
    tab.close()


def test_what_waits_is_cancelled_together(page: Page):
    page.route("**/classify", lambda route: time.sleep(0.3) or route.continue_())
    page.set_input_files("#images", cells(20))
    page.get_by_role("button", name="Cancel remaining").click()
    expect(page.locator("[data-status]")).to_contain_text("cancelled")
    expect(page.get_by_role("button", name="Cancel remaining")).to_be_hidden()
    assert page.locator("[data-state=cancelled]").count() >= 15


def test_without_script_a_zip_is_read(page: Page, address: str):
    cookies = page.context.storage_state()
    plain = open_page(
        page.context.browser, address, java_script_enabled=False, storage_state=cookies
    )
    plain.goto("/classify")
    content = packed({"1.png": fresh(), "2.png": b"no image"})
    whole = {"name": "cells.zip", "mimeType": "application/zip", "buffer": content}
    plain.set_input_files("#images", [whole])
    plain.get_by_role("button", name="Classify").click()
    expect(plain.get_by_text("1 of 2 images analysed.")).to_be_visible()
    plain.context.close()
