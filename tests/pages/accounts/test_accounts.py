import re
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from flask import Flask
from flask.testing import FlaskClient

from pages.accounts.accounts import TIMED_OUT, WRONG
from pages.common.limits import DEVICE_COOKIE
from records import utc_now
from tests.people import PASSWORD, account_named, add_account, csrf_token, post, sign_in_as
from tests.waiting import HANGS

NEW = "seven pale rims at noon"
FORMS = {
    "/sign-up": {"name": "carla", "password": PASSWORD, "again": PASSWORD},
    "/sign-in": {"name": "ada", "password": PASSWORD},
    "/account/password": {"present": PASSWORD, "new": NEW, "again": NEW},
    "/sign-out": {},
}


def sign_in(client: FlaskClient, name: str, password: str = PASSWORD, path: str = "/sign-in"):
    return post(client, path, name=name, password=password)


def sign_up(client: FlaskClient, name: str, password: str = PASSWORD, again: str | None = None):
    return post(client, "/sign-up", name=name, password=password, again=again or password)


def is_signed_in(client: FlaskClient) -> bool:
    return client.get("/account/password").status_code == 200


@pytest.mark.parametrize("path", FORMS)
def test_no_form_works_without_its_token(signed_in: FlaskClient, path: str):
    answer = signed_in.post(path, data=FORMS[path])

    assert answer.status_code == 400
    assert "had expired" in answer.text
    assert is_signed_in(signed_in)


def test_another_browsers_token_is_no_token(signed_in: FlaskClient, client: FlaskClient):
    form = FORMS["/sign-in"] | {"csrf_token": csrf_token(signed_in)}

    assert client.post("/sign-in", data=form).status_code == 400


def test_the_first_to_sign_up_may_sign_in_at_once_and_change_and_sign_out(client: FlaskClient):
    assert "becomes the administrator" in client.get("/sign-up").text
    answer = sign_up(client, "ada")
    assert answer.headers["Location"] == "/sign-in"
    assert "is the administrator" in client.get("/sign-in").text

    assert sign_in(client, "ADA").headers["Location"] == "/"
    assert is_signed_in(client)

    changed = post(client, "/account/password", present=PASSWORD, new=NEW, again=NEW)
    assert changed.status_code == 302
    assert is_signed_in(client)

    assert post(client, "/sign-out").headers["Location"] == "/sign-in"
    assert not is_signed_in(client)
    assert sign_in(client, "ada", PASSWORD).status_code == 401
    assert sign_in(client, "ada", NEW).status_code == 302


@pytest.mark.parametrize(("ticked", "role"), [({"reads_cases": "y"}, "reviewer"), ({}, "none")])
def test_the_first_one_says_whether_it_reads_cases(app: Flask, client: FlaskClient, ticked, role):
    assert re.search(r"<input[^>]* checked [^>]*reads_cases", client.get("/sign-up").text)
    post(client, "/sign-up", name="ada", password=PASSWORD, again=PASSWORD, **ticked)
    post(client, "/sign-up", name="ben", password=PASSWORD, again=PASSWORD, **ticked)

    with app.app_context():
        assert account_named("ada").role == role
        assert account_named("ben").role == "reader"
    assert "reads_cases" not in client.get("/sign-up").text


def test_a_given_password_must_be_changed_before_anything_else(app: Flask, client: FlaskClient):
    add_account(app, "ada")
    with app.app_context():
        accounts = app.extensions["leukoscope_accounts"]
        given = accounts.give_one_time_password(account_named("ada"))
    sign_in(client, "ada", given)

    assert client.get("/history").headers["Location"] == "/account/password"
    shown = client.get("/history", headers={"Accept": "application/json"})
    assert shown.status_code == 403
    assert "Choose your own password" in shown.json["error"]
    assert "Choose your own password" in client.get("/account/password").text
    with client.get("/static/css/common/leukoscope.css") as style:
        assert style.status_code == 200

    post(client, "/account/password", present=given, new=NEW, again=NEW)
    assert client.get("/history").status_code == 200


def test_a_later_one_waits(client: FlaskClient, signed_in: FlaskClient):
    assert "An administrator must approve" in client.get("/sign-up").text
    sign_up(client, "ben")
    answer = sign_in(client, "ben")

    assert answer.status_code == 401
    assert "has not approved your account yet" in answer.text
    assert not is_signed_in(client)


def test_signing_up_does_not_tell_which_names_are_taken(client: FlaskClient, signed_in):
    answers = []
    for name in ("ada", "ben"):
        answer = sign_up(client, name)
        notice = client.get("/sign-in").text.split('role="status">')[1].split("<")[0]
        answers.append((answer.status_code, answer.headers["Location"], notice))

    assert answers[0] == answers[1]
    assert "If the name is available" in notice


def without_tokens(page: str) -> str:
    """A page without its tokens, which have in them the second when they were made."""
    return re.sub(r'(name="csrf-token" content|name="csrf_token"[^>]* value)="[^"]+"', "", page)


def test_signing_in_does_not_tell_which_names_exist(client: FlaskClient, signed_in: FlaskClient):
    wrong, unknown = sign_in(client, "ada", NEW), sign_in(client, "eve", NEW)

    assert wrong.status_code == unknown.status_code == 401
    assert WRONG in wrong.text
    assert without_tokens(wrong.text).replace("ada", "eve") == without_tokens(unknown.text)


@pytest.mark.parametrize(
    ("name", "password", "again", "sentence"),
    [
        ("x", PASSWORD, None, "3 to 64 characters"),
        ("ben", "short", None, "12 characters or more"),
        ("ben", "password1234", None, "easy to guess"),
        ("ben", PASSWORD, NEW, "The passwords do not match"),
        ("", PASSWORD, None, "Fill in this field"),
    ],
)
def test_unfit_names_and_passwords_are_explained_beside_the_field(
    client: FlaskClient, name: str, password: str, again: str | None, sentence: str
):
    answer = sign_up(client, name, password, again)

    assert answer.status_code == 422
    assert sentence in answer.text
    assert 'aria-invalid="true"' in answer.text


def test_all_that_is_wrong_is_said_at_once(client: FlaskClient):
    answer = sign_up(client, "x", "password1234", NEW)

    for sentence in ("3 to 64 characters", "easy to guess", "The passwords do not match"):
        assert sentence in answer.text


def test_the_passwords_typed_are_not_sent_back(client: FlaskClient):
    assert "password1234" not in sign_up(client, "ben", "password1234").text


def test_names_are_escaped(client: FlaskClient):
    assert "<b>bold" not in sign_in(client, "<b>bold").text


def test_changing_needs_the_present_password(signed_in: FlaskClient):
    answer = post(signed_in, "/account/password", present=f"{NEW}!", new=NEW, again=NEW)

    assert answer.status_code == 422
    assert "not your current password" in answer.text


def test_the_new_password_is_another_one(signed_in: FlaskClient):
    answer = post(signed_in, "/account/password", present=PASSWORD, new=PASSWORD, again=PASSWORD)

    assert answer.status_code == 422
    assert "Choose a new one." in answer.text


def test_an_unfit_new_password_is_explained(signed_in: FlaskClient):
    weak = "password1234"
    answer = post(signed_in, "/account/password", present=PASSWORD, new=weak, again=weak)

    assert answer.status_code == 422
    assert "easy to guess" in answer.text


def test_changing_the_password_signs_other_browsers_out(app: Flask, signed_in: FlaskClient):
    other = app.test_client()
    sign_in(other, "ada")
    post(signed_in, "/account/password", present=PASSWORD, new=NEW, again=NEW)

    assert is_signed_in(signed_in)
    assert not is_signed_in(other)


def test_signing_in_starts_a_new_session(app: Flask, client: FlaskClient):
    add_account(app, "ada")
    before = csrf_token(client)
    with client.session_transaction() as session:
        session["planted"] = "by somebody else"
    sign_in(client, "ada")

    with client.session_transaction() as session:
        assert "planted" not in session
    assert csrf_token(client) != before


def test_a_copied_cookie_is_worth_nothing_after_signing_out(app: Flask, signed_in: FlaskClient):
    copied = signed_in.get_cookie("leukoscope").value
    thief = app.test_client()
    thief.set_cookie("leukoscope", copied)
    assert is_signed_in(thief)

    post(signed_in, "/sign-out")
    assert not is_signed_in(thief)


def test_a_session_without_activity_ends_with_a_word(app: Flask, signed_in: FlaskClient):
    app.extensions["leukoscope_accounts"].clock = lambda: utc_now() + timedelta(minutes=31)

    answer = signed_in.get("/account/password", follow_redirects=True)
    assert answer.request.path == "/sign-in"
    assert TIMED_OUT in answer.text
    assert answer.history[0].headers["Clear-Site-Data"] == '"cache"'


def test_scripts_are_told_to_sign_in_as_json(client: FlaskClient):
    answer = client.get("/account/password", headers={"Accept": "application/json"})

    assert answer.status_code == 401
    assert "Sign in" in answer.json["error"]


@pytest.mark.parametrize("accepted", ["application/json", "image/webp,*/*;q=0.8", "*/*"])
@pytest.mark.parametrize("minutes", [0, 31], ids=["signed out", "without activity"])
def test_the_answer_to_a_script_or_an_image_ends_no_session(
    app: Flask, signed_in: FlaskClient, accepted: str, minutes: int
):
    if not minutes:
        signed_in.delete_cookie("leukoscope")
    app.extensions["leukoscope_accounts"].clock = lambda: utc_now() + timedelta(minutes=31)
    answer = signed_in.get("/account/password", headers={"Accept": accepted})

    assert answer.status_code == 401
    assert "Set-Cookie" not in answer.headers, "it may come after a sign-in in another tab"
    if minutes:
        assert TIMED_OUT in signed_in.get("/account/password", follow_redirects=True).text


def test_no_page_is_answered_where_an_image_is_missing(client: FlaskClient):
    answer = client.get("/nothing.png", headers={"Accept": "image/avif,image/webp,*/*;q=0.8"})
    visited = client.get("/nothing.png", headers={"Accept": "text/html,image/avif,*/*;q=0.8"})

    assert (answer.status_code, answer.mimetype) == (404, "text/plain")
    assert (visited.status_code, visited.mimetype) == (404, "text/html")
    assert "Set-Cookie" not in answer.headers


def test_signing_out_clears_what_the_browser_keeps_but_corrections(signed_in: FlaskClient):
    cleared = post(signed_in, "/sign-out").headers["Clear-Site-Data"]

    assert "cache" in cleared
    assert "storage" not in cleared
    assert "You are signed out." in signed_in.get("/sign-in").text


def test_signed_out_a_known_browser_stays_known(app: Flask, signed_in: FlaskClient):
    post(signed_in, "/sign-out")

    assert signed_in.get_cookie(DEVICE_COOKIE) is not None


def test_sign_out_is_no_link(signed_in: FlaskClient):
    assert signed_in.get("/sign-out").status_code == 405
    assert is_signed_in(signed_in)


def test_who_is_signed_in_is_sent_on(signed_in: FlaskClient):
    assert signed_in.get("/sign-in").headers["Location"] == "/"


def test_after_signing_in_one_arrives_where_one_wanted_to_go(app: Flask, client: FlaskClient):
    add_account(app, "ada")
    asked = client.get("/account/password?a=b").headers["Location"]
    assert asked == "/sign-in?next=/account/password?a%3Db"

    assert sign_in(client, "ada", path=asked).headers["Location"] == "/account/password?a=b"


@pytest.mark.parametrize(
    ("referrer", "target"),
    [
        ("http://localhost/cases/new?a=b", "/sign-in?next=/cases/new?a%3Db"),
        ("http://evil.example/cases/new", "/sign-in"),
        (None, "/sign-in"),
    ],
)
def test_a_form_sent_too_late_leads_back_to_its_page(client: FlaskClient, referrer, target: str):
    form = {"csrf_token": csrf_token(client)}
    headers = {"Referer": referrer} if referrer else {}
    answer = client.post("/cases/new", data=form, headers=headers)
    assert answer.headers["Location"] == target


def test_a_foreign_target_leads_home(app: Flask, client: FlaskClient):
    add_account(app, "ada")

    assert sign_in(client, "ada", path="/sign-in?next=//evil.example").headers["Location"] == "/"


def test_cookies_are_kept_from_scripts_and_other_sites(app: Flask, client: FlaskClient):
    add_account(app, "ada")
    cookies = sign_in(client, "ada").headers.getlist("Set-Cookie")

    assert len(cookies) == 2
    for cookie in cookies:
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
        assert "Secure" not in cookie


def test_guessing_at_an_account_is_stopped_wherever_it_comes_from(app: Flask, client: FlaskClient):
    add_account(app, "ada")
    for number in range(5):
        guess = {"name": "ADA", "password": NEW, "csrf_token": csrf_token(client)}
        place = {"REMOTE_ADDR": f"192.0.2.{number}"}
        assert client.post("/sign-in", data=guess, environ_overrides=place).status_code == 401

    stopped = sign_in(client, "ada")
    assert stopped.status_code == 429
    assert "Try again in 15 minutes" in stopped.text
    assert 0 < int(stopped.headers["Retry-After"]) <= 15 * 60
    assert sign_in(client, "ben").status_code == 401


def test_guessing_at_unknown_names_is_stopped_alike(client: FlaskClient):
    codes = [sign_in(client, "nobody").status_code for _ in range(6)]

    assert codes == [401] * 5 + [429]


def test_the_owner_is_not_kept_out_by_others_guesses(app: Flask, client: FlaskClient):
    owner = sign_in_as(app, "ada")
    post(owner, "/sign-out")
    for _ in range(6):
        sign_in(client, "ada", NEW)
    assert sign_in(client, "ada").status_code == 429

    assert sign_in(owner, "ada").status_code == 302


def test_a_known_browser_is_stopped_too_and_no_other_account_is_open_to_it(app: Flask):
    owner = sign_in_as(app, "ada")
    post(owner, "/sign-out")

    assert [sign_in(owner, "ada", NEW).status_code for _ in range(6)] == [401] * 5 + [429]


def test_a_forged_device_cookie_is_no_device(app: Flask, client: FlaskClient):
    add_account(app, "ada")
    codes = []
    for number in range(6):
        client.set_cookie(DEVICE_COOKIE, f"forged{number}")
        codes.append(sign_in(client, "ada", NEW).status_code)

    assert codes == [401] * 5 + [429]


def test_the_device_cookie_shows_no_name(app: Flask):
    browser = sign_in_as(app, "ada.lovelace")

    assert "ada" not in browser.get_cookie(DEVICE_COOKIE).value


def test_many_failures_from_one_address_are_stopped_whatever_the_name(client: FlaskClient):
    codes = [sign_in(client, f"person {number}").status_code for number in range(11)]

    assert codes == [401] * 10 + [429]


def test_many_may_sign_in_from_one_address(app: Flask):
    add_account(app, "ada")

    assert all(sign_in(app.test_client(), "ada").status_code == 302 for _ in range(15))


def test_signing_up_is_limited_by_address(client: FlaskClient):
    codes = [sign_up(client, f"person {number}").status_code for number in range(21)]

    assert codes == [302] * 20 + [429]


def test_guessing_the_present_password_is_stopped(signed_in: FlaskClient):
    form = {"present": f"{NEW}!", "new": NEW, "again": NEW}
    codes = [post(signed_in, "/account/password", **form).status_code for _ in range(6)]

    assert codes == [422] * 5 + [429]


def test_forwarded_addresses_are_believed_from_known_proxies_only(client: FlaskClient):
    codes = []
    for number in range(11):
        form = {"name": f"n {number}", "password": NEW, "csrf_token": csrf_token(client)}
        forwarded = {"X-Forwarded-For": f"192.0.2.{number}"}
        codes.append(client.post("/sign-in", data=form, headers=forwarded).status_code)

    assert codes[-1] == 429


def test_an_anonymous_visitor_sends_little(client: FlaskClient):
    answer = client.post("/sign-in", data={"name": "a" * 100_000})

    assert answer.status_code == 413
    assert "64 kB" in answer.text


@pytest.mark.parametrize("known_browser", [False, True])
def test_guesses_at_the_same_time_are_counted_before_they_are_tried(
    app: Flask, client: FlaskClient, monkeypatch, known_browser: bool
):
    if known_browser:
        client = sign_in_as(app, "ada")
        post(client, "/sign-out")
    else:
        add_account(app, "ada")
    token = csrf_token(client)
    cookies = [(c.key, c.value, c.path) for c in client._cookies.values()]
    passwords = app.extensions["leukoscope_accounts"].passwords
    start, tried, verify = Barrier(40), [], passwords.verify

    def slowly(kept: str | None, password: str) -> bool:
        tried.append(password)
        time.sleep(0.2)  # So that all others come while it is looked at.
        return verify(kept, password)

    monkeypatch.setattr(passwords, "verify", slowly)

    def guess(number: int) -> int:
        browser = app.test_client()
        for name, value, path in cookies:
            browser.set_cookie(name, value, path=path)
        form = {"csrf_token": token, "name": "ada", "password": f"{NEW} {number}"}
        start.wait(timeout=HANGS)
        place = {"REMOTE_ADDR": f"192.0.2.{number}"}
        return browser.post("/sign-in", data=form, environ_overrides=place).status_code

    with ThreadPoolExecutor(40) as pool:
        codes = list(pool.map(guess, range(40), timeout=HANGS))

    assert len(tried) == 5
    assert sorted(codes) == [401] * 5 + [429] * 35


def test_a_blocked_account_does_not_use_up_what_its_address_may_fail(
    app: Flask, client: FlaskClient
):
    add_account(app, "ada")
    codes = [sign_in(client, "ada", NEW).status_code for _ in range(20)]
    assert codes == [401] * 5 + [429] * 15

    assert sign_in(client, "ben").status_code == 401


def test_a_guess_that_ends_in_an_error_counts(app: Flask, client: FlaskClient, monkeypatch):
    app.config["PROPAGATE_EXCEPTIONS"] = False
    add_account(app, "ada")

    def fail(*_: object, **__: object) -> None:
        raise OSError("the disk is gone")

    with monkeypatch.context() as broken:
        broken.setattr("records.audit.audit.append", fail)
        codes = [sign_in(client, "ada", NEW).status_code for _ in range(6)]

    assert codes == [500] * 5 + [429]
