import pytest
from flask import Flask
from limits import parse

from pages.common.shared_counts import SharedCounts
from records import db
from records.hits import Hit
from settings import Settings
from tests.applications import end, new_app
from tests.people import post

several = pytest.mark.postgres_only("on SQLite one process counts in its memory")


@several
def test_web_servers_count_wrong_passwords_together(app: Flask, settings: Settings, signed_in):
    other = new_app(settings)
    try:
        statuses = [
            post(each.test_client(), "/sign-in", name="ada", password="wrong wrong").status_code
            for each in (app, other) * 6
        ]
    finally:
        end(other)

    assert statuses[0] != 429
    assert 429 in statuses
    first = statuses.index(429)
    assert set(statuses[first:]) == {429}


@several
def test_the_limiter_of_requests_uses_them(app: Flask):
    assert app.config["RATELIMIT_STORAGE_URI"] == "leukoscope-database://"


@pytest.mark.sqlite_only("about the default")
def test_one_process_counts_in_memory(app: Flask):
    assert app.config["RATELIMIT_STORAGE_URI"] == "memory://"


@several
def test_names_and_addresses_are_not_kept(app: Flask):
    storage = SharedCounts()
    with app.app_context():
        key = parse("2 per minute").key_for("ada", "203.0.113.7")
        assert storage.acquire_entry(key, 2, 60)
        assert storage.get_moving_window(key, 2, 60)[1] == 1
        assert [len(kept) for kept in db.session.scalars(db.select(Hit.key))] == [64]
        storage.give_back(key)
        assert storage.get_moving_window(key, 2, 60)[1] == 0
        assert storage.check()


@pytest.mark.parametrize("ask", ["incr", "get", "get_expiry", "reset"])
def test_windows_move(ask: str):
    given = {"incr": ("a", 1), "get": ("a",), "get_expiry": ("a",), "reset": ()}[ask]
    with pytest.raises(NotImplementedError):
        getattr(SharedCounts(), ask)(*given)
