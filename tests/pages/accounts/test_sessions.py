import re
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from pages.accounts.sessions import UNKNOWN, format_browser
from records import utc_now
from records.accounts import accounts as records
from records.audit.audit import Event
from tests.people import PASSWORD, account_named, add_account, post, sign_in_as
from tests.trail import noted

PAGE = "/account/sessions"
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"


def sign_in(app: Flask, name: str = "ada", agent: str = FIREFOX, address: str = "192.0.2.7"):
    client = app.test_client()
    client.environ_base |= {"HTTP_USER_AGENT": agent, "REMOTE_ADDR": address}
    assert post(client, "/sign-in", name=name, password=PASSWORD).status_code == 302
    return client


def is_signed_in(client: FlaskClient) -> bool:
    return client.get("/account/password").status_code == 200


def others_on(page: str) -> list[str]:
    return re.findall(r'name="session" value="(\w+)"', page)


def end(client: FlaskClient, session: str = "", password: str = PASSWORD):
    return post(client, PAGE, session=session, password=password)


def test_every_browser_is_listed_with_what_is_known_of_it(app: Flask, signed_in: FlaskClient):
    assert "No other sessions" in signed_in.get(PAGE).text
    sign_in(app)
    page = signed_in.get(PAGE).text

    assert "Firefox on Windows" in page
    assert "from 192.0.2.7" in page
    assert page.count("This browser") == 1
    assert len(others_on(page)) == 1
    assert f"{utc_now():%d %b %Y}" in page


def test_the_others_end_together(app: Flask, signed_in: FlaskClient, colleague: FlaskClient):
    others = [sign_in(app), sign_in(app)]
    answer = end(signed_in)

    assert answer.headers["Location"] == PAGE
    assert "Other sessions ended: 2." in signed_in.get(PAGE).text
    assert not any(is_signed_in(other) for other in others)
    assert is_signed_in(colleague)
    with app.app_context():
        assert [entry.known["sessions"] for entry in noted(Event.SESSION_END)] == [2]


def test_one_ends_and_no_other(app: Flask, signed_in: FlaskClient):
    kept = sign_in(app, agent="kept")
    known = set(others_on(signed_in.get(PAGE).text))
    ended = sign_in(app, agent="ended")
    (session,) = set(others_on(signed_in.get(PAGE).text)) - known

    assert "Session ended." in signed_in.get(end(signed_in, session).headers["Location"]).text
    assert is_signed_in(kept)
    assert not is_signed_in(ended)
    end(signed_in, session)
    assert "had already ended" in signed_in.get(PAGE).text


def test_nobody_ends_somebody_elses(app: Flask, signed_in: FlaskClient, colleague: FlaskClient):
    with app.app_context():
        (session,) = records.sign_ins_of(account_named("cleo").id)
    end(signed_in, session.id)

    assert is_signed_in(colleague)


def test_ending_needs_the_password_and_guessing_it_is_stopped(app: Flask, signed_in: FlaskClient):
    other = sign_in(app)
    codes = [end(signed_in, password="guess").status_code for _ in range(6)]

    assert codes == [422] * 5 + [429]
    assert is_signed_in(other)
    with app.app_context():
        assert len(noted(Event.CODE_FAILED)) == 5


def test_what_has_timed_out_is_not_listed(app: Flask, signed_in: FlaskClient):
    sign_in(app)
    later = utc_now() + timedelta(minutes=20)
    app.extensions["leukoscope_accounts"].clock = lambda: later
    assert len(others_on(signed_in.get(PAGE).text)) == 1
    app.extensions["leukoscope_accounts"].clock = lambda: later + timedelta(minutes=20)

    assert others_on(signed_in.get(PAGE).text) == []


def test_a_password_without_its_code_is_shown(app: Flask, signed_in: FlaskClient):
    with app.app_context():
        records.start_sign_in(account_named("ada").id, utc_now(), "192.0.2.9", "", awaits_code=True)
        records.db.session.commit()
    page = signed_in.get(PAGE).text

    assert "Password entered, code pending" in page
    assert UNKNOWN in page
    end(signed_in)
    assert "Password entered, code pending" not in signed_in.get(PAGE).text


@pytest.mark.parametrize(
    ("agent", "words"),
    [(FIREFOX, "Firefox on Windows"), ("curl/8.5.0", "curl"), ("", UNKNOWN), ("(" * 255, UNKNOWN)],
)
def test_browsers_are_named(agent: str, words: str):
    assert format_browser(agent) == words


def test_a_long_name_of_a_browser_is_cut_and_escaped(app: Flask, signed_in: FlaskClient):
    sign_in(app, agent="<b>" + "x" * 10_000)

    assert "<b>" not in signed_in.get(PAGE).text


def test_an_administrator_signs_somebody_out_everywhere(app, signed_in, colleague: FlaskClient):
    with app.app_context():
        cleo, ada = account_named("cleo").id, account_named("ada").id
    post(signed_in, f"/admin/people/{cleo}/sessions")
    assert not is_signed_in(colleague)
    post(signed_in, f"/admin/people/{ada}/sessions")
    assert is_signed_in(signed_in)


def test_the_shell_signs_one_or_everybody_out(app: Flask, signed_in, colleague: FlaskClient):
    shell = app.test_cli_runner()
    assert shell.invoke(args=["accounts", "end-sessions"]).exit_code == 2
    assert shell.invoke(args=["accounts", "end-sessions", "cleo"]).output == "Sessions ended: 1.\n"
    assert not is_signed_in(colleague)
    assert is_signed_in(signed_in)

    add_account(app, "dora")
    sign_in(app, "dora")
    ended = shell.invoke(args=["accounts", "end-sessions", "--everybody"])
    assert ended.output == "Sessions ended: 2.\n"
    assert not is_signed_in(signed_in)


def test_a_reader_sees_the_own_alone(app: Flask, signed_in: FlaskClient):
    client = sign_in_as(app, "ben")

    assert others_on(client.get(PAGE).text) == []


def test_a_script_is_told_who_is_signed_in_with_a_token_that_is_taken(app: Flask):
    add_account(app, "ada")
    client = sign_in(app)
    told = client.get(f"{PAGE}/present").json

    with app.app_context():
        assert (told["account"], told["name"]) == (account_named("ada").id, "ada")
    headers = {"X-CSRFToken": told["csrf_token"]}
    assert client.post("/sign-out", headers=headers).status_code == 302
    json = {"Accept": "application/json"}
    assert client.get(f"{PAGE}/present", headers=json).status_code == 401
