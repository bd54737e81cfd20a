from collections.abc import Iterator

import pytest
from flask import Flask

from records.audit.audit import Event
from services.accounts.full_names import FullNameError, choose
from tests.people import account_named, add_account
from tests.trail import noted


@pytest.fixture(autouse=True)
def _in_the_application(app: Flask) -> Iterator[None]:
    add_account(app, "ada")
    with app.app_context():
        yield


def test_a_name_is_kept_without_needless_spaces_and_noted():
    assert account_named("ada").full_name == ""
    assert choose(account_named("ada"), "  Dr  Ada Byron ")
    assert not choose(account_named("ada"), "Dr Ada Byron")
    assert account_named("ada").full_name == "Dr Ada Byron"
    (entry,) = noted(Event.FULL_NAME)
    assert entry.known == {"before": "", "after": "Dr Ada Byron"}


def test_a_long_name_is_refused():
    with pytest.raises(FullNameError):
        choose(account_named("ada"), "a" * 121)
