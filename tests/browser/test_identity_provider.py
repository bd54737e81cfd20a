"""Sign-on, signing a case and signing out at a certified identity provider, in the browser."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from pydantic import SecretStr

from app import create_app, make_server
from records import db
from services.cases import review
from services.cases.review import cells_of
from settings import ROOT, Settings
from tests.applications import end, put_empty_database
from tests.browser.serving import browser, chromium, open_page, watched
from tests.cases import entry, open_case, put_cell
from tests.people import account_named
from tests.stand_ins import stand_in_models

CLIENT, SECRET = "leukoscope", "a-secret-of-both"
SCRIPT = Path(__file__).with_name("identity_provider.js")


def node() -> str | None:
    """Path of a Node that finds the provider, if any."""
    path = f"{ROOT / '.venv-dev' / 'bin'}{os.pathsep}{os.environ['PATH']}"
    found = shutil.which("node", path=path)
    looked_up = ["--eval", "require.resolve('oidc-provider')"]
    if found and subprocess.run([found, *looked_up], cwd=ROOT, capture_output=True).returncode == 0:
        return found
    return None


pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(chromium() is None, reason="Chromium is not installed here"),
    pytest.mark.skipif(
        node() is None,
        reason="npm's oidc-provider is not installed: make node_modules/installed",
    ),
]


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@contextmanager
def provider_for(port: int, address: str) -> Iterator[None]:
    """The provider at a port, for the application at an address."""
    command = [node(), SCRIPT, str(port), CLIENT, SECRET, address]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        try:
            assert process.stdout.readline() == b"ready\n"
            yield
        finally:
            process.kill()


@pytest.fixture
def case_of(tmp_path: Path) -> Iterator[tuple[str, object]]:
    """The address of the application, and what opens a reviewed case of somebody there."""
    port = _free_port()
    settings = Settings().model_copy(
        update={
            "instance_dir": tmp_path / "instance",
            "port": 0,
            "oidc_issuer": f"http://127.0.0.1:{port}",
            "oidc_client_id": CLIENT,
            "oidc_client_secret": SecretStr(SECRET),
            "oidc_name": "Clinic login",
            "oidc_roles": ("haematology=reviewer",),
        }
    )
    put_empty_database(settings)
    app = create_app(settings, stand_in_models())
    server = make_server(app, settings)
    threading.Thread(target=server.run, daemon=True).start()
    address = f"http://127.0.0.1:{server.effective_port}"

    def open_reviewed(name: str) -> str:
        with app.app_context():
            reader = account_named(name).id
            case = open_case(reader)
            put_cell(case, "normal", 0.02)
            db.session.commit()
            review.record(case, reader, [entry(cell.id, "lymphocyte") for cell in cells_of(case)])
            return f"/cases/{case.id}/sign-off"

    try:
        with provider_for(port, address):
            yield address, open_reviewed
    finally:
        server.close()
        end(app)


def give_login(page: Page, name: str) -> None:
    """Sign in at the provider, and let it tell who one is."""
    page.get_by_placeholder("Enter any login").fill(name)
    page.get_by_placeholder("and password").fill("whatever")
    page.get_by_role("button", name="Sign-in").click()
    page.wait_for_load_state()
    if page.get_by_role("button", name="Continue").count():
        page.get_by_role("button", name="Continue").click()


def test_a_person_of_the_clinic_signs_in_signs_a_case_and_signs_out(case_of):
    address, open_reviewed = case_of
    with browser() as chrome:
        page = open_page(chrome, address)
        complaints = watched(page)
        page.goto("/sign-in?next=/account/sessions")
        page.get_by_role("link", name="Sign in with Clinic login").click()
        give_login(page, "curie")
        page.wait_for_url("**/account/sessions")
        expect(page.locator(".account-name")).to_have_text("curie")

        path = open_reviewed("curie")
        page.goto(path)
        page.get_by_label("Conclusion").fill("No blasts: reactive lymphocytes.")
        page.get_by_label("Reason: white cells").fill("One cell only.")
        page.get_by_role("button", name="Sign this case").click()
        page.get_by_role("link", name="Continue with Clinic login").click()
        # Signed in there already, and asked all the same.
        give_login(page, "curie")
        page.wait_for_url("**/sign-off?identity=*")
        expect(page.get_by_label("Conclusion")).to_have_value("No blasts: reactive lymphocytes.")
        expect(page.get_by_text("Identity confirmed by Clinic login")).to_be_visible()
        page.get_by_role("button", name="Sign this case").click()
        expect(page.get_by_text("Version 1 signed. The case is locked.")).to_be_visible()

        page.locator(".account-menu summary").click()
        page.get_by_role("button", name="Sign out").click()
        page.wait_for_url("**/sign-in/provider/signed-out")
        assert complaints == []
        page.get_by_role("link", name="Sign out at Clinic login").click()
        page.wait_for_url("**/session/end*")
        page.get_by_role("button", name="Yes").click()
        page.wait_for_url("**/sign-in")


def test_somebody_else_at_the_provider_confirms_nothing(case_of):
    address, open_reviewed = case_of
    with browser() as chrome:
        page = open_page(chrome, address)
        page.goto("/sign-in/provider")
        give_login(page, "curie")
        page.wait_for_url(f"{address}/**")
        page.goto(open_reviewed("curie"))
        page.get_by_label("Conclusion").fill("Typed by curie.")
        page.get_by_label("Reason: white cells").fill("One cell only.")
        page.get_by_role("button", name="Sign this case").click()
        page.get_by_role("link", name="Continue with Clinic login").click()
        give_login(page, "another")
        page.wait_for_url("**/sign-off?identity=*")

        expect(page.get_by_text("did not confirm your identity")).to_be_visible()
        expect(page.get_by_label("Conclusion")).to_have_value("Typed by curie.")
