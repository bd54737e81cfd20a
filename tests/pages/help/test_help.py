"""Every page leads to its help, and whatever the help links to is there."""

import re

from flask import Flask
from flask.testing import FlaskClient

from pages.help.texts import FIGURES, GENERAL, TOPICS, topic_of
from tests.addresses import rules_of_pages
from tests.pages.common.test_access import requests

LINK = re.compile(r'class="help-link" href="/help#([a-z_]+)"')


def test_every_blueprint_has_a_topic_of_its_own(app: Flask):
    pages = {name for name in app.blueprints if not name.startswith("api_")} - {"bootstrap"}
    named = [name for topic in TOPICS.values() for name in topic.blueprints]
    assert len(named) == len(set(named))
    assert pages == set(named)


def test_every_page_leads_to_its_help(app: Flask, signed_in: FlaskClient):
    """A page that is not there does so too, in the words of its address."""
    led = {}
    for rule, method, address in requests(app, rules_of_pages(app)):
        if method != "GET":
            continue
        with signed_in.get(address) as answer:
            if answer.mimetype == "text/html" and answer.status_code // 100 != 3:
                (led[rule.endpoint],) = LINK.findall(answer.text)
    assert {led[one] for one in led} > {"cases", "detect", "people", "audit", "account"}
    assert all(code == topic_of(endpoint.split(".")[0]) for endpoint, code in led.items())


def test_every_anchor_of_the_help_is_there(signed_in: FlaskClient):
    page = signed_in.get("/help").text
    places = set(re.findall(r'id="([^"]+)"', page))
    wanted = set(re.findall(r'href="(?:/help)?#([^"]+)"', page))
    assert wanted <= places
    assert set(TOPICS) <= places
    assert {f"figure-{code}" for code in FIGURES} <= places


def test_every_figure_is_of_a_topic_and_every_topic_names_known_ones():
    shown = [figure for topic in TOPICS.values() for figure in topic.figures]
    assert set(shown) == set(FIGURES)


def test_the_keys_are_those_of_the_person(app: Flask, signed_in: FlaskClient):
    page = signed_in.get("/help").text
    assert "<kbd>PgUp</kbd>" in page
    assert page.count("<dd>Blast</dd>") == 1


def test_whoever_is_not_signed_in_has_help_too(client: FlaskClient):
    assert LINK.findall(client.get("/sign-in").text) == ["account"]
    page = client.get("/help").text
    assert "Try the demo case" not in page
    assert LINK.findall(page) == [GENERAL]
