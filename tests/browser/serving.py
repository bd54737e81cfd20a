"""A running server and a headless Chromium, for what a person does in the browser."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from app import create_app, make_server
from models.registry import Models
from settings import Settings
from tests.applications import end, put_empty_database
from tests.people import PASSWORD

HANG_LIMIT = 120_000
"""Milliseconds; not a measure: a machine that runs other tests beside these is slow."""

expect.set_options(timeout=HANG_LIMIT)

QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def chromium() -> str | None:
    """Path of an installed Chromium, if any."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


@contextmanager
def browser() -> Iterator[Browser]:
    """A headless Chromium."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium(), args=list(QUIET))
        yield running
        running.close()


@contextmanager
def served(
    instance: Path,
    signup: str = "approved",
    models: Models | None = None,
    second_factor: str = "optional",
    **others: object,
) -> Iterator[str]:
    """The application on an empty instance, with the weights it ships or others; its address.

    Args:
        others: more settings.
    """
    # The system gives a port that is free.
    settings = Settings().model_copy(
        update={
            "instance_dir": instance,
            "port": 0,
            "signup": signup,
            "second_factor": second_factor,
            **others,
        }
    )
    put_empty_database(settings)
    app = create_app(settings, models)
    server = make_server(app, settings)
    threading.Thread(target=server.run, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.effective_port}"
    finally:
        server.close()
        end(app)


def sign_up(page: Page, name: str) -> None:
    """Ask for an account, of a server that may be below a path."""
    page.goto("sign-up")
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Confirm password").fill(PASSWORD)
    page.get_by_role("button", name="Sign up").click()
    page.wait_for_url("**/sign-in")


def sign_in(page: Page, name: str, password: str = PASSWORD) -> None:
    """Sign in, or try to."""
    page.goto("sign-in")
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password").fill(password)
    with page.expect_navigation():
        page.get_by_role("button", name="Sign in").click()


def sign_up_and_in(page: Page, name: str) -> None:
    """Make an account, which the settings must let in at once, and sign in to it."""
    sign_up(page, name)
    sign_in(page, name)
    page.wait_for_url("**/cases")


def try_now(page: Page) -> None:
    """Press the button that tries again, hidden as it may be: the page tries by itself as well."""
    page.locator("button", has_text="Try now").dispatch_event("click")


def open_page(chrome: Browser, address: str, **options: Any) -> Page:
    """Open a page in a context of its own, whose pages share a generous limit.

    Args:
        options: those of Playwright's `Browser.new_context`.
    """
    context = chrome.new_context(base_url=address, **options)
    context.set_default_timeout(HANG_LIMIT)
    return context.new_page()


@contextmanager
def at_work(address: str) -> Iterator[Page]:
    """A page of a person who has just signed up and in; at the end it must not have complained."""
    with browser() as chrome:
        page = open_page(chrome, address)
        complaints = watched(page)
        sign_up_and_in(page, "ada")
        yield page
        assert complaints == []


def watched(page: Page) -> list[str]:
    """Collect what the page complains of: script errors, and what its policy blocked.

    Chromium also reports every refused request as an error; a refused file is none of the page.
    """
    complaints: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        if message.type == "error" and "Failed to load resource" not in message.text:
            complaints.append(message.text)

    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", heard)
    return complaints
