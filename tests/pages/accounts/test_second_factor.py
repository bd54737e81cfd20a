import re
import threading
from collections.abc import Iterator
from datetime import timedelta

import pyotp
import pytest
from flask import Flask
from flask.testing import FlaskClient

from pages.accounts.accounts import CODE_TOO_LATE, UNREADABLE, WRONG_CODE
from records import db, utc_now
from records.accounts import second_factors
from records.accounts.accounts import Role
from records.audit.audit import Event
from services.accounts.second_factors import RECOVERY_CODES
from settings import Settings
from tests.applications import empty_app, end, new_app
from tests.people import PASSWORD, account_named, add_account, csrf_token, post, sign_in_as
from tests.trail import noted

PAGE = "/account/second-factor"
JSON = {"Accept": "application/json"}


@pytest.fixture
def required(settings: Settings) -> Iterator[Flask]:
    """The application as it is installed: administrators and reviewers need a second factor."""
    with empty_app(settings.model_copy(update={"second_factor": "required"})) as app:
        yield app


def pass_by(app: Flask, **time: float) -> None:
    app.extensions["leukoscope_accounts"].clock = lambda: utc_now() + timedelta(**time)


def code_of(app: Flask, secret: str) -> str:
    """What the phone shows at the time of the application."""
    return pyotp.TOTP(secret).at(app.extensions["leukoscope_accounts"].clock())


def secret_on(page: str) -> str:
    return re.search(r"<code>([A-Z2-7 ]+)</code>", page)[1].replace(" ", "")


def codes_on(page: str) -> list[str]:
    return re.findall(r"<li><code>([^<]+)</code></li>", page)


def enrol(app: Flask, client: FlaskClient) -> tuple[str, list[str]]:
    """Set a second factor up as a person does; its secret, and the recovery codes."""
    secret = secret_on(client.get(PAGE).text)
    answer = post(client, PAGE, code=code_of(app, secret), password=PASSWORD)
    assert answer.status_code == 200, answer.text
    return secret, codes_on(answer.text)


@pytest.fixture
def enrolled(app: Flask, signed_in: FlaskClient) -> tuple[str, list[str]]:
    """The secret and the recovery codes of ada, whose last code is of the past."""
    enrolment = enrol(app, signed_in)
    pass_by(app, minutes=2)
    return enrolment


def sign_in(client: FlaskClient, password: str = PASSWORD, **form: str):
    return post(client, "/sign-in", name="ada", password=password, **form)


def give_code(client: FlaskClient, code: str, **form: str):
    return post(client, "/sign-in/code", code=code, **form)


def is_signed_in(client: FlaskClient) -> bool:
    return client.get("/account/password").status_code == 200


def events(app: Flask, event: Event) -> int:
    with app.app_context():
        return len(noted(event))


def test_setting_up_shows_a_picture_a_key_and_then_ten_codes_once(app, signed_in: FlaskClient):
    page = signed_in.get(PAGE).text
    assert 'src="data:image/svg+xml' in page
    secret, codes = enrol(app, signed_in)

    assert len(set(codes)) == RECOVERY_CODES == 10
    again = signed_in.get(PAGE).text
    assert "10 recovery codes left" in again
    assert secret not in again.replace(" ", "")
    assert not any(code in again for code in codes)
    assert events(app, Event.SECOND_FACTOR) == 1


def test_the_key_stays_the_same_when_the_page_is_loaded_again(signed_in: FlaskClient):
    assert secret_on(signed_in.get(PAGE).text) == secret_on(signed_in.get(PAGE).text)


def test_nothing_secret_is_kept_or_noted_as_it_is(app: Flask, enrolled, settings: Settings):
    secret, codes = enrolled
    with app.app_context():
        db.session.execute(db.text("PRAGMA wal_checkpoint(TRUNCATE)"))
    kept = settings.instance_dir.joinpath("leukoscope.sqlite3").read_bytes().decode("latin-1")

    for typed in (secret, *codes, *(code.replace("-", "") for code in codes)):
        assert typed not in kept


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"code": "000000"}, "does not match"),
        ({"code": "٠٠٠٠٠٠"}, "does not match"),
        ({"code": ""}, "Fill in this field"),
        ({"password": "not the password"}, "not your password"),
    ],
)
def test_setting_up_needs_the_password_and_a_right_code(
    app, signed_in: FlaskClient, form, sentence
):
    secret = secret_on(signed_in.get(PAGE).text)
    answer = post(signed_in, PAGE, **{"code": code_of(app, secret), "password": PASSWORD} | form)

    assert answer.status_code == 422
    assert sentence in answer.text
    assert secret_on(answer.text) == secret
    with app.app_context():
        assert second_factors.enrolled_ids() == set()


def test_the_page_of_the_codes_belongs_to_the_new_session(app: Flask, signed_in: FlaskClient):
    secret = secret_on(signed_in.get(PAGE).text)
    page = post(signed_in, PAGE, code=code_of(app, secret), password=PASSWORD).text
    token = page.split('name="csrf-token" content="')[1].split('"')[0]

    assert signed_in.post("/sign-out", data={"csrf_token": token}).status_code == 302


def test_setting_up_signs_other_browsers_out(app: Flask, signed_in: FlaskClient):
    other = app.test_client()
    sign_in(other)
    enrol(app, signed_in)

    assert is_signed_in(signed_in)
    assert not is_signed_in(other)


def test_the_password_alone_opens_nothing(app: Flask, client: FlaskClient, enrolled):
    answer = post(client, "/sign-in?next=/history", name="ada", password=PASSWORD)

    assert answer.headers["Location"] == "/sign-in/code?next=/history"
    assert not is_signed_in(client)
    for path in ("/", PAGE, "/admin/people"):
        assert client.get(path).headers["Location"].startswith("/sign-in")
    assert events(app, Event.SIGN_IN) == 2


def test_the_code_completes_the_sign_in_and_leads_on(app: Flask, client: FlaskClient, enrolled):
    path = post(client, "/sign-in?next=/history", name="ada", password=PASSWORD).headers["Location"]
    code = code_of(app, enrolled[0])
    answer = post(client, path, code=f" {code[:3]} {code[3:]}")

    assert answer.headers["Location"] == "/history"
    assert is_signed_in(client)
    with app.app_context():
        assert noted(Event.SIGN_IN)[-1].known["second_factor"] == "authenticator app"


def test_a_code_page_without_a_password_leads_back(client: FlaskClient, enrolled):
    answer = client.get("/sign-in/code", follow_redirects=True)

    assert answer.request.path == "/sign-in"
    assert CODE_TOO_LATE in answer.text


def test_the_code_comes_within_ten_minutes(app: Flask, client: FlaskClient, enrolled):
    sign_in(client)
    pass_by(app, minutes=13)

    assert give_code(client, code_of(app, enrolled[0])).headers["Location"] == "/sign-in"
    assert not is_signed_in(client)


def test_a_cookie_between_password_and_code_is_no_session(app: Flask, client, enrolled):
    sign_in(client)
    with client.session_transaction() as session, app.app_context():
        session["sign_in"] = session["code_for"]
        session["_user_id"] = account_named("ada").id

    assert not is_signed_in(client)


def test_a_new_password_ends_what_waits_for_a_code(app: Flask, client: FlaskClient, enrolled):
    sign_in(client)
    with app.app_context():
        accounts = app.extensions["leukoscope_accounts"]
        accounts.reset_password(account_named("ada"), "seven pale rims at noon")

    assert give_code(client, code_of(app, enrolled[0])).headers["Location"] == "/sign-in"


def test_a_code_works_once(app: Flask, client: FlaskClient, enrolled):
    code = code_of(app, enrolled[0])
    sign_in(client)
    assert give_code(client, code).status_code == 302
    other = app.test_client()
    sign_in(other)
    answer = give_code(other, code)

    assert answer.status_code == 401
    assert WRONG_CODE in answer.text
    assert events(app, Event.CODE_FAILED) == 1


def test_an_earlier_code_than_the_last_is_no_code(app: Flask, client: FlaskClient, enrolled):
    earlier = code_of(app, enrolled[0])
    pass_by(app, minutes=2, seconds=30)
    sign_in(client)
    give_code(client, code_of(app, enrolled[0]))
    other = app.test_client()
    sign_in(other)

    assert give_code(other, earlier).status_code == 401


@pytest.mark.parametrize(("seconds", "status"), [(-35, 302), (35, 302), (-95, 401), (95, 401)])
def test_a_phones_clock_may_be_off_by_one_step(app, client, enrolled, seconds: int, status: int):
    secret, _ = enrolled
    # In the middle of a step, so that a slow test does not cross its end.
    now = utc_now().replace(second=15, microsecond=0) + timedelta(minutes=5)
    app.extensions["leukoscope_accounts"].clock = lambda: now
    sign_in(client)

    code = pyotp.TOTP(secret).at(now + timedelta(seconds=seconds))
    assert give_code(client, code).status_code == status


def test_a_recovery_code_works_once_and_is_noted(app: Flask, client: FlaskClient, enrolled):
    code = enrolled[1][3]
    sign_in(client)
    assert give_code(client, code.upper().replace("-", " ")).status_code == 302
    assert "9 recovery codes left" in client.get(PAGE).text
    other = app.test_client()
    sign_in(other)

    assert give_code(other, code).status_code == 401
    with app.app_context():
        assert [entry.known["left"] for entry in noted(Event.RECOVERY_CODE)] == [9]


@pytest.mark.parametrize("kind", ["app", "recovery"])
def test_of_two_who_give_the_same_code_at_once_one_gets_in(app: Flask, enrolled, kind: str):
    code = code_of(app, enrolled[0]) if kind == "app" else enrolled[1][0]
    count = 4
    barrier, statuses = threading.Barrier(count), []
    browsers = [app.test_client() for _ in range(count)]
    for browser in browsers:
        sign_in(browser)
    tokens = [csrf_token(browser) for browser in browsers]

    def give(browser: FlaskClient, token: str) -> None:
        barrier.wait()
        form = {"code": code, "csrf_token": token}
        statuses.append(browser.post("/sign-in/code", data=form).status_code)

    threads = [
        threading.Thread(target=give, args=each) for each in zip(browsers, tokens, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert sorted(statuses) == [302, *[401] * (count - 1)]


def test_guessing_codes_is_stopped_with_the_counts_of_passwords(app, client, enrolled):
    sign_in(client)
    assert [give_code(client, "000000").status_code for _ in range(6)] == [401] * 5 + [429]

    assert sign_in(client, "not the password").status_code == 429


def test_another_name_in_the_form_does_not_count_elsewhere(client: FlaskClient, enrolled):
    sign_in(client)
    codes = [give_code(client, "000000", name=f"n {number}").status_code for number in range(6)]

    assert codes == [401] * 5 + [429]


def test_a_sign_in_that_waits_does_not_count_for_other_accounts(app, client, enrolled):
    add_account(app, "ben")
    sign_in(client)
    guess = {"name": "ben", "password": "not the password"}
    codes = [post(client, "/sign-in", **guess).status_code for _ in range(6)]

    assert codes == [401] * 5 + [429]
    assert post(app.test_client(), "/sign-in", **guess).status_code == 429


def test_new_recovery_codes_replace_the_former(app: Flask, signed_in, client, enrolled):
    secret, former = enrolled
    form = {"password": PASSWORD, "code": code_of(app, secret)}
    answer = post(signed_in, f"{PAGE}/recovery-codes", **form)
    new = codes_on(answer.text)
    sign_in(client)

    assert len(new) == RECOVERY_CODES
    assert give_code(client, former[0]).status_code == 401
    assert give_code(client, new[0]).status_code == 302
    assert events(app, Event.RECOVERY_CODES) == 1


@pytest.mark.parametrize("path", ["recovery-codes", "remove"])
@pytest.mark.parametrize("wrong", ["password", "code"])
def test_changing_anything_needs_password_and_code(app, signed_in, enrolled, path, wrong):
    form = {"password": PASSWORD, "code": code_of(app, enrolled[0])}
    form[wrong] = "000000"
    statuses = [post(signed_in, f"{PAGE}/{path}", **form).status_code for _ in range(6)]

    assert statuses == [422] * 5 + [429]
    with app.app_context():
        assert second_factors.count_recovery_codes(account_named("ada").id) == RECOVERY_CODES
        assert [entry.known["wrong"] for entry in noted(Event.CODE_FAILED)] == [wrong] * 5


def test_removed_the_password_is_enough_again(app: Flask, signed_in, client, enrolled):
    answer = post(signed_in, f"{PAGE}/remove", password=PASSWORD, code=enrolled[1][0])
    assert answer.headers["Location"] == PAGE
    assert is_signed_in(signed_in)

    assert sign_in(client).headers["Location"] == "/"
    assert events(app, Event.SECOND_FACTOR_REMOVE) == 1
    with app.app_context():
        assert second_factors.count_recovery_codes(account_named("ada").id) == 0


def test_another_set_up_does_not_replace_the_first(app: Flask, signed_in: FlaskClient, enrolled):
    assert post(signed_in, PAGE, password=PASSWORD, code="123456").headers["Location"] == PAGE
    with app.app_context():
        ada = account_named("ada")
        accounts = app.extensions["leukoscope_accounts"]
        sealed = accounts.second_factors.new_secret()
        code = code_of(app, accounts.second_factors.open(sealed))
        accounts.enrol(ada, sealed, PASSWORD, code)
        assert second_factors.get(ada.id).sealed_secret != sealed


def test_an_administrator_resets_somebody_elses(app: Flask, signed_in, colleague: FlaskClient):
    enrol(app, colleague)
    with app.app_context():
        cleo = account_named("cleo").id
    assert "Reset second factor" in signed_in.get("/admin/people").text
    answer = post(signed_in, f"/admin/people/{cleo}/second-factor")

    assert answer.headers["Location"] == "/admin/people"
    assert not is_signed_in(colleague)
    with app.app_context():
        (entry,) = noted(Event.SECOND_FACTOR_RESET)
        assert (entry.account_name, entry.object_id) == ("ada", cleo)
        assert second_factors.enrolled_ids() == set()


def test_an_administrator_does_not_reset_the_own(app: Flask, signed_in, enrolled):
    with app.app_context():
        ada = account_named("ada").id
    post(signed_in, f"/admin/people/{ada}/second-factor")

    with app.app_context():
        assert second_factors.enrolled_ids() == {ada}


def test_the_shell_resets_any(app: Flask, signed_in: FlaskClient, client: FlaskClient, enrolled):
    shell = app.test_cli_runner()
    answer = shell.invoke(args=["accounts", "reset-second-factor", "ADA"])
    again = shell.invoke(args=["accounts", "reset-second-factor", "ada"])

    assert answer.output == "Second factor of “ada” removed.\n"
    assert again.exit_code == 1
    assert not is_signed_in(signed_in)
    assert sign_in(client).headers["Location"] == "/"


def test_after_a_new_key_of_the_server_recovery_codes_still_work(
    app: Flask, settings: Settings, enrolled
):
    settings.instance_dir.joinpath("secret_key").unlink()
    again = new_app(settings)
    client = again.test_client()
    sign_in(client)
    refused = give_code(client, code_of(app, enrolled[0]))
    assert refused.status_code == 401
    assert UNREADABLE.replace("'", "&#39;") in refused.text

    assert give_code(client, enrolled[1][0]).status_code == 302
    end(again)


def test_administrators_and_reviewers_are_led_to_it_first(required: Flask):
    client = sign_in_as(required, "ada")

    assert client.get("/history").headers["Location"] == PAGE
    shown = client.get("/history", headers=JSON)
    assert shown.status_code == 403
    assert "second factor" in shown.json["error"]
    assert "Your account needs a second factor" in client.get(PAGE).text
    assert post(client, "/admin/teams", name="night").headers["Location"] == PAGE
    with client.get("/static/css/common/leukoscope.css") as style:
        assert style.status_code == 200

    enrol(required, client)
    assert client.get("/history").status_code == 200


def test_readers_are_not(required: Flask):
    sign_in_as(required, "ada")
    client = sign_in_as(required, "ben")
    assert client.get("/history").status_code == 200

    with required.app_context():
        account_named("ben").is_administrator = True
        db.session.commit()
    assert client.get("/history").headers["Location"] == PAGE


def test_everybody_is_where_the_clinic_says_so(settings: Settings):
    with empty_app(settings.model_copy(update={"second_factor": "everybody"})) as app:
        sign_in_as(app, "ada")
        client = sign_in_as(app, "ben")

        assert client.get("/history").headers["Location"] == PAGE
        enrol(app, client)
        assert client.get("/history").status_code == 200


def test_a_given_password_is_changed_before_the_second_factor(required: Flask):
    add_account(required, "ada")
    with required.app_context():
        accounts = required.extensions["leukoscope_accounts"]
        given = accounts.give_one_time_password(account_named("ada"))
    client = required.test_client()
    sign_in(client, given)
    assert client.get("/").headers["Location"] == "/account/password"
    assert client.get(PAGE).headers["Location"] == "/account/password"

    new = "seven pale rims at noon"
    post(client, "/account/password", present=given, new=new, again=new)
    assert client.get("/").headers["Location"] == PAGE


def test_whoever_loses_the_roles_may_go_on(required: Flask):
    client = sign_in_as(required, "ada")
    with required.app_context():
        ada = account_named("ada")
        ada.role, ada.is_administrator = Role.READER, False
        db.session.commit()

    assert client.get("/history").status_code == 200
