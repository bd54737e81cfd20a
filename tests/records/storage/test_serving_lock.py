from collections.abc import Iterator

import pytest
from flask import Flask

from records.storage import serving_lock
from settings import SettingsError


@pytest.fixture(autouse=True)
def _in_the_application(app: Flask) -> Iterator[None]:
    with app.app_context():
        yield


@pytest.mark.postgres_only("on SQLite the lock of the instance says it")
def test_many_serve_and_one_is_alone():
    with serving_lock.shared(), serving_lock.shared():
        sentence = "Web servers or workers run on this database"
        with pytest.raises(SettingsError, match=sentence), serving_lock.alone():
            pytest.fail("alone beside those that serve")
    with serving_lock.alone():
        pass
    with serving_lock.shared():
        pass


@pytest.mark.sqlite_only("the lock of the instance says it")
def test_on_sqlite_it_is_no_lock():
    with serving_lock.shared(), serving_lock.alone():
        pass
