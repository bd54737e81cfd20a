"""Below a path, through the nginx of docs/deploy.md: from signing up to the reading room."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from playwright.sync_api import Page, expect

from settings import ROOT
from tests.browser.rooms import case_with_field, served_fields
from tests.browser.serving import browser, chromium, open_page, sign_up_and_in, watched
from tests.waiting import until

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(chromium() is None, reason="Chromium is not installed here"),
    pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed here"),
]

PREFIX = "/leukoscope/"
AROUND = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log {folder}/access.log;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {documented}
}}
"""
"""What keeps nginx within one folder, without an account of its own."""


def documented(port: int, server: str, folder: Path) -> str:
    """The configuration of the document, with the ports and the certificate of this test."""
    text = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```nginx\n(.*?)```", text, flags=re.DOTALL)
    for written, here in {
        "listen 443 ssl;": f"listen 127.0.0.1:{port} ssl;",
        "http://127.0.0.1:5000/;": f"{server}/;",
        "/etc/ssl/leukoscope/": f"{folder}/",
    }.items():
        assert written in block
        block = block.replace(written, here)
    return block


def write_certificate(folder: Path) -> None:
    """A certificate that this test alone believes, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    (folder / "certificate.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def answers(port: int) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def server(instance: Path) -> Iterator[str]:
    with served_fields(instance, proxies=1, hostnames=("localhost",)) as address:
        yield address


@pytest.fixture(scope="module")
def site(server: str, tmp_path_factory) -> Iterator[str]:
    """The address of nginx, with the path."""
    folder, port = tmp_path_factory.mktemp("nginx"), free_port()
    write_certificate(folder)
    text = AROUND.format(folder=folder, documented=documented(port, server, folder))
    (folder / "nginx.conf").write_text(text, encoding="utf-8")
    command = ["nginx", "-p", folder, "-c", folder / "nginx.conf", "-e", folder / "error.log"]
    with subprocess.Popen(command) as running:
        try:
            until(lambda: answers(port) or running.poll() is not None)
            assert running.poll() is None, (folder / "error.log").read_text(encoding="utf-8")
            yield f"https://localhost:{port}"
        finally:
            running.terminate()


@pytest.fixture(scope="module")
def asked() -> list[str]:
    """The address of every request of the browser."""
    return []


@pytest.fixture(scope="module")
def statuses() -> dict[str, int]:
    """How each address was answered first."""
    return {}


@pytest.fixture(scope="module")
def page(site: str, asked: list[str], statuses: dict[str, int]) -> Iterator[Page]:
    with browser() as chrome:
        page = open_page(chrome, f"{site}{PREFIX}", ignore_https_errors=True)
        complaints = watched(page)
        page.on("request", lambda request: asked.append(request.url))
        page.on("response", lambda answer: statuses.setdefault(answer.url, answer.status))
        yield page
        assert complaints == []


def test_a_case_is_read_and_nothing_leaves_the_path(
    page: Page, site: str, asked: list[str], statuses: dict[str, int]
):
    sign_up_and_in(page, "ada")
    case = case_with_field(page)
    page.goto(case)
    page.get_by_role("link", name="Reading room").first.click()
    expect(page.locator("[data-gallery] [data-cell]").first).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.locator("[data-saved-text]")).to_have_text("All saved")
    page.get_by_role("link", name="Help for this page").click()
    page.wait_for_url(f"{site}{PREFIX}help#room")

    sent = {url for url in asked if not url.startswith(("blob:", "data:"))}
    assert {url for url in sent if not url.startswith(f"{site}{PREFIX}")} == set()
    assert len(sent) > 50
    assert {url: status for url, status in statuses.items() if status >= 400} == {}


def test_the_session_is_of_https_and_of_this_host(page: Page):
    cookies = {each["name"]: each for each in page.context.cookies()}
    session = cookies["__Host-leukoscope"]

    assert (session["secure"], session["path"], session["domain"]) == (True, "/", "localhost")


def test_another_language_and_signing_out_stay_below_the_path(page: Page, site: str):
    page.goto("account/password")
    page.locator(".account-menu summary").click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(f"{site}{PREFIX}sign-in")
    page.get_by_role("button", name="Deutsch").click()
    page.wait_for_url(f"{site}{PREFIX}sign-in")
    expect(page.locator("html")).to_have_attribute("lang", "de")
