"""Blind review: whatever address the second reviewer asks, none tells of the first one's work."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator

import pypdfium2
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import AnyConverter, Rule
from werkzeug.test import TestResponse

from pages.cases.reports import get_sign_off
from records import db
from records.accounts.accounts import Role
from records.cases.cases import Case
from services.cases import cell_notes, review
from services.cases.cases import Details, open_case, put
from services.cases.review import cells_of
from settings import Settings
from tests.addresses import rules_of_pages
from tests.applications import empty_app
from tests.cases import entry, sign_case
from tests.pages.common.test_access import ARGUMENTS
from tests.people import account_named, post
from tests.uploads import texts, upload_field

SECRET = "zebra"
"""In whatever the first reviewer writes."""

CHANGING = re.compile(
    r'value="[^"]{50,}"|content="[^"]{50,}"'  # tokens of forms
    r"|[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{32,64}"  # ids and hashes
    r"|\d{4}-\d\d-\d\d[T ][\d:.+Z]*|\d\d? \w{3} \d{4},? \d\d:\d\d|\d{14}"  # times
)
UNSENT = {"sessions.present"}
"""Of the person alone, and different each time."""


class Blind:
    """A blind case of ada's and cleo's with one field."""

    def __init__(self, app: Flask, client: FlaskClient) -> None:
        self.app = app
        self.field = upload_field(client)["id"]
        with app.app_context():
            case = open_case(account_named("ada").id, Details("Alder-7", "blood"), blind=True)
            put(case, [self.field])
            self.id = case.id
            for account in (account_named("ada"), account_named("cleo")):
                account.role, account.is_administrator = Role.REVIEWER, True
            db.session.commit()
        self.path = f"/cases/{self.id}"
        self.drawn = f"{self.field}.d0000000a"

    @property
    def case(self) -> Case:
        return db.session.get_one(Case, self.id)

    def look(self, name: str, label: str | None = None) -> None:
        """Name every counted cell."""
        with self.app.app_context():
            account = account_named(name).id
            cells = [cell for cell in cells_of(self.case, None, account) if cell.counted]
            named = [entry(cell.id, label or cell.label, based_on=None) for cell in cells]
            review.record(self.case, account, named)

    def work(self) -> None:
        """All that ada can say of cells."""
        self.look("ada", "basophil")
        with self.app.app_context():
            ada, cell = account_named("ada").id, f"{self.field}.0"
            drawn = entry(self.drawn, "basophil", box=(10.0, 10.0, 60.0, 60.0))
            review.record(self.case, ada, [drawn])
            cell_notes.comment(self.case, ada, cell, "a" * 32, SECRET)
            cell_notes.correct(self.case, ada, cell, "b" * 32, "cell_size", "small")

    def sign(self, name: str) -> None:
        with self.app.app_context():
            sign_case(get_sign_off(), self.case, account_named(name), f"{SECRET} {name}")

    def addresses(self) -> Iterator[tuple[str, str]]:
        """Every address that a browser can load, of this case, its field, and of lists."""
        ids = {"case_id": self.id, "analysis_id": self.field, "field": self.field}
        values = {**ARGUMENTS, **ids, "number": 0, "index": 0, "cell_number": 0}
        for rule in rules_of_pages(self.app):
            if "GET" not in (rule.methods or ()) or rule.endpoint.endswith("static"):
                continue
            if rule.arguments - set(values) or rule.endpoint in UNSENT:
                continue
            for more in self.choices(rule):
                with self.app.test_request_context():
                    urls = self.app.url_map.bind("localhost")
                    chosen = {name: {**values, **more}[name] for name in rule.arguments}
                    yield rule.endpoint, urls.build(rule.endpoint, chosen)

    def choices(self, rule: Rule) -> list[dict[str, str]]:
        if "cell" in rule.arguments:
            return [{"cell": f"{self.field}.0"}, {"cell": self.drawn}]
        offered = rule._converters.get("suffix")
        if isinstance(offered, AnyConverter):
            return [{"suffix": one} for one in offered.items]
        return [{}]


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    """An application whose new cases are read blind by two."""
    with empty_app(settings.model_copy(update={"readers": 2, "blind": True})) as app:
        yield app


@pytest.fixture
def blind(app: Flask, signed_in: FlaskClient, colleague: FlaskClient) -> Blind:
    return Blind(app, signed_in)


def told(answer: TestResponse) -> str:
    """All that an answer says, without what is different each time."""
    content = answer.data
    if content[:4] == b"%PDF":
        document = pypdfium2.PdfDocument(content)
        text = "\n".join(page.get_textpage().get_text_range() for page in document)
    elif content[:2] == b"PK":
        archive = zipfile.ZipFile(io.BytesIO(content))
        text = "\n".join(f"{one}\n{archive.read(one)!r}" for one in archive.namelist())
    else:
        text = content.decode(errors="replace")
    return f"{answer.status_code}\n{CHANGING.sub('#', text)}"


def walk(blind: Blind, client: FlaskClient) -> dict[tuple[str, str], str]:
    answers = {}
    for one in blind.addresses():
        with client.get(one[1]) as answer:
            answers[one] = told(answer)
    # What one of them left to be said on the next page.
    client.get("/cases")
    return answers


def added(before: str, now: str) -> str:
    """The lines that are new."""
    known = set(before.splitlines())
    return "\n".join(line for line in now.splitlines() if line not in known)


def test_no_address_tells_the_second_reviewer_anything(blind: Blind, colleague: FlaskClient):
    blind.look("cleo")
    before = walk(blind, colleague)
    blind.work()
    now = walk(blind, colleague)

    trail = {"audit.index", "audit.export"}
    assert len([one for one in now if one[0].startswith(("reading.", "reports."))]) > 12
    differing = [
        (*one, added(before[one], now[one]))
        for one in before
        if before[one] != now[one] and one[0] not in trail
    ]
    assert differing == []
    blind.sign("ada")
    signed = walk(blind, colleague)
    for one, text in signed.items():
        new = added(before[one], text)
        assert SECRET not in new, one
        assert "basophil" not in new.lower(), one
        assert "small" not in new.lower(), one
    assert (
        "Hidden until two reviewers have signed"
        in signed["sign_off.show", blind.path + "/sign-off"]
    )
    data = [one for one in signed if one[0].startswith("reading.") and "sheet" not in one[0]]
    page = {"reading.show"}
    assert [one for one in data if before[one] != signed[one] and one[0] not in page] == []


def test_the_first_reviewer_sees_nothing_of_the_second_either(blind: Blind, signed_in: FlaskClient):
    blind.work()
    blind.sign("ada")
    before = walk(blind, signed_in)
    blind.look("cleo", "eosinophil")
    now = walk(blind, signed_in)
    trail = {"audit.index", "audit.export"}
    assert [one for one in before if before[one] != now[one] and one[0] not in trail] == []
    assert not any("eosinophil" in added(before[one], now[one]).lower() for one in now)


def test_once_both_have_signed_the_differences_are_decided(
    blind: Blind, colleague: FlaskClient, signed_in: FlaskClient
):
    blind.look("ada", "basophil")
    blind.sign("ada")
    blind.look("cleo")
    blind.sign("cleo")
    page = colleague.get(f"{blind.path}/sign-off").text
    assert "0 of 2 decided" in texts(page)
    assert "First: ada" in texts(page)
    assert "Differences to decide" in texts(page)
    assert SECRET in page, "both conclusions are there now"

    forms = re.findall(
        r'name="key" value="(\w+)">\s*<input type="hidden" name="cell" value="([\w.]+)">\s*'
        r'<input type="hidden" name="label" value="(\w+)">\s*'
        r'<input type="hidden" name="based_on" value="(\d*)">',
        page,
    )
    firsts = [form for form in forms if form[2] == "basophil"]
    assert len(firsts) == 2
    names = ("key", "cell", "label", "based_on")
    for form in firsts:
        answer = post(
            colleague, f"{blind.path}/sign-off/keep", **dict(zip(names, form, strict=True))
        )
        assert answer.status_code == 200
    assert "2 of 2 decided" in texts(answer.text)
    blind.sign("ada")
    report = json.loads(signed_in.get(f"{blind.path}/report.json").data)
    assert report["agreement"]["blind"] is True
    assert {one["decided"] for one in report["agreement"]["disagreements"]} == {"basophil"}
    assert [one["role"] for one in report["signatures"]] == ["first", "second", "adjudicator"]
    text = told(signed_in.get(f"{blind.path}/report.pdf"))
    assert "Adjudicator" in text
    assert "without seeing" in text.replace("\r\n", " ")
    assert "Adjudicator" in texts(signed_in.get(f"{blind.path}/sign-off").text)


def test_who_decides_late_is_told_what_a_colleague_decided(blind: Blind, colleague: FlaskClient):
    blind.look("ada", "basophil")
    blind.sign("ada")
    blind.look("cleo")
    blind.sign("cleo")
    with blind.app.app_context():
        cell = next(one for one in cells_of(blind.case) if one.counted)
        seen = cell.review and cell.review.id
        review.record(blind.case, account_named("ada").id, [entry(cell.id, "monocyte")])
    form = {"key": "c" * 32, "cell": cell.id, "label": "basophil", "based_on": seen}
    answer = post(colleague, f"{blind.path}/sign-off/keep", **form)
    assert answer.status_code == 422
    assert "Somebody else has named this cell" in texts(answer.text)


def test_who_has_signed_changes_nothing_until_the_other_has(blind: Blind, signed_in: FlaskClient):
    blind.look("ada")
    blind.sign("ada")
    assert 'data-editable="no"' in signed_in.get(f"{blind.path}/room").text
    with blind.app.app_context(), pytest.raises(review.ReviewError, match="You have signed"):
        review.record(blind.case, account_named("ada").id, [entry(f"{blind.field}.0", "blast")])


def test_a_new_case_is_blind_where_the_settings_say_so(app: Flask, signed_in: FlaskClient):
    answer = post(
        signed_in, "/cases/new", pseudonym="Alder-8", specimen="blood", priority="routine"
    )
    page = signed_in.get(answer.headers["Location"]).text
    assert "blind, by two reviewers" in texts(page)
