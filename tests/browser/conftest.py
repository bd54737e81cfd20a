"""What most browser tests need: the application on stand-in models, empty."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.serving import at_work, served
from tests.stand_ins import stand_in_models


@pytest.fixture(scope="module")
def instance(tmp_path_factory) -> Path:
    """The folder of an installation that is not there yet."""
    return tmp_path_factory.mktemp("clinic") / "instance"


@pytest.fixture(scope="module")
def address(instance: Path) -> Iterator[str]:
    """The address of the application."""
    with served(instance, models=stand_in_models()) as address:
        yield address


@pytest.fixture(scope="module")
def signed_in(address: str) -> Iterator[Page]:
    """A page of the first person, ada."""
    with at_work(address) as page:
        yield page
