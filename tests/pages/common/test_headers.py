import re
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import create_app
from settings import Settings
from tests.applications import empty_app
from tests.people import add_account, csrf_token, post
from tests.stand_ins import stand_in_models

PAGES = [
    "/sign-in",
    "/sign-up",
    "/account/password",
    "/admin/people",
    "/classify",
    "/detect",
    "/history",
    "/models",
    "/models/classifier",
    "/nothing",
    "/healthz",
]


@pytest.fixture
def behind_a_proxy(settings: Settings) -> Iterator[Flask]:
    """The application as a clinic runs it: https ends at a proxy."""
    with empty_app(settings.model_copy(update={"proxies": 1})) as app:
        yield app


def policy(client: FlaskClient, path: str) -> dict[str, str]:
    with client.get(path) as answer:
        header = answer.headers["Content-Security-Policy"]
    return dict(part.split(" ", 1) for part in header.split("; "))


@pytest.mark.parametrize("path", [*PAGES, "/static/css/common/leukoscope.css"])
def test_every_answer_forbids_what_it_does_not_need(signed_in: FlaskClient, path: str):
    with signed_in.get(path) as answer:
        headers = answer.headers

    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]
    assert not any(name.startswith("Access-Control-") for name, _ in headers)
    assert policy(signed_in, path)["frame-ancestors"] == "'none'"


def test_the_policy_lets_nothing_inline_and_nothing_foreign(client: FlaskClient):
    rules = policy(client, "/sign-in")

    assert rules["default-src"] == rules["object-src"] == "'none'"
    assert rules["script-src"] == rules["style-src"] == rules["connect-src"] == "'self'"
    assert rules["base-uri"] == "'none'"
    assert not any("unsafe" in rule or "http" in rule or "*" in rule for rule in rules.values())


@pytest.mark.parametrize("path", PAGES)
def test_no_page_needs_more_than_the_policy_allows(signed_in: FlaskClient, path: str):
    page = signed_in.get(path).text

    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", page)
    assert not re.search(r"<script(?![^>]*\ssrc=)", page)
    assert not re.search(r'(?:src|href|action)="(?:https?:)?//', page)


@pytest.mark.parametrize("path", PAGES)
def test_no_page_is_kept_by_browser_or_proxy(signed_in: FlaskClient, path: str):
    assert signed_in.get(path).headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "path", ["/static/css/common/leukoscope.css", "/bootstrap/static/css/bootstrap.min.css"]
)
def test_the_programs_own_files_may_be_kept(client: FlaskClient, path: str):
    with client.get(path) as answer:
        assert answer.status_code == 200
        assert "no-store" not in answer.headers["Cache-Control"]


def test_https_is_required_where_it_is_spoken(client: FlaskClient):
    plain, secure = client.get("/sign-in"), client.get("/sign-in", base_url="https://localhost")

    assert "Strict-Transport-Security" not in plain.headers
    assert secure.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"


def test_behind_a_proxy_the_cookie_is_bound_to_https_and_the_host(behind_a_proxy: Flask):
    cookie = behind_a_proxy.test_client().get("/sign-in").headers["Set-Cookie"]

    assert cookie.startswith("__Host-leukoscope=")
    assert "Secure" in cookie
    assert "Path=/" in cookie


def test_behind_a_proxy_one_signs_in_over_https_with_a_referrer(behind_a_proxy: Flask):
    add_account(behind_a_proxy, "ada")
    client, base = behind_a_proxy.test_client(), "https://leuko.example"
    page = client.get("/sign-in", base_url=base).text
    token = page.split('name="csrf-token" content="')[1].split('"')[0]
    form = {"name": "ada", "password": "violet stain, forty drops", "csrf_token": token}

    refused = client.post("/sign-in", data=form, base_url=base)
    assert refused.status_code == 400
    headers = {"Referer": base + "/sign-in"}
    signed_in = client.post("/sign-in", data=form, base_url=base, headers=headers)
    assert signed_in.status_code == 302
    cookies = signed_in.headers.getlist("Set-Cookie")
    assert len(cookies) == 2
    for cookie in cookies:
        # What browsers ask of the prefix, else they refuse the cookie.
        assert cookie.startswith("__Host-")
        assert "Secure" in cookie
        assert "Path=/;" in f"{cookie};"
        assert "Domain" not in cookie


def test_behind_a_proxy_a_known_browser_is_known(behind_a_proxy: Flask):
    add_account(behind_a_proxy, "ada")
    client, base = behind_a_proxy.test_client(), "https://leuko.example"

    def sign_in(browser: FlaskClient, password: str) -> int:
        page = browser.get("/sign-in", base_url=base).text
        token = page.split('name="csrf-token" content="')[1].split('"')[0]
        form = {"name": "ada", "password": password, "csrf_token": token}
        headers = {"Referer": base + "/sign-in"}
        return browser.post("/sign-in", data=form, base_url=base, headers=headers).status_code

    assert sign_in(client, "violet stain, forty drops") == 302
    client.delete_cookie("__Host-leukoscope", domain="leuko.example")
    visitor = behind_a_proxy.test_client()
    assert [sign_in(visitor, "wrong") for _ in range(6)] == [401] * 5 + [429]
    assert sign_in(client, "violet stain, forty drops") == 302


def test_behind_a_proxy_its_word_about_addresses_counts(behind_a_proxy: Flask):
    client, codes = behind_a_proxy.test_client(), []
    headers = {"X-Forwarded-Proto": "https", "Referer": "https://localhost/sign-in"}
    page = client.get("/sign-in", headers=headers, base_url="https://localhost").text
    token = page.split('name="csrf-token" content="')[1].split('"')[0]
    for number in range(12):
        codes.append(
            client.post(
                "/sign-in",
                data={"name": f"n {number}", "password": "wrong", "csrf_token": token},
                headers=headers | {"X-Forwarded-For": f"10.9.9.9, 192.0.2.{number}"},
                base_url="https://localhost",
            ).status_code
        )

    assert codes == [401] * 12


def test_pages_name_their_language_and_skip_to_their_content(signed_in: FlaskClient):
    page = signed_in.get("/account/password").text

    assert '<html lang="en">' in page
    assert 'href="#main"' in page
    assert '<main id="main"' in page
    assert "It does not diagnose." in page


def test_the_source_is_offered(settings: Settings):
    app = create_app(
        settings.model_copy(update={"source_url": "https://src.example/leuko"}), stand_in_models()
    )

    assert 'href="https://src.example/leuko"' in app.test_client().get("/sign-in").text


def test_tokens_stand_where_scripts_find_them(signed_in: FlaskClient):
    token = csrf_token(signed_in)

    assert signed_in.post("/sign-out", headers={"X-CSRFToken": token}).status_code == 302
    assert post(signed_in, "/sign-out").status_code == 302
