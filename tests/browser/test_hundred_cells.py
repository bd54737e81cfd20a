"""One hundred real cells, from upload to a signed report, by keyboard alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.journey import CELLS, DEFAULT_DATA, pbc_fields, play
from tests.browser.serving import chromium, served

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(chromium() is None, reason="Chromium is not installed here"),
]


@pytest.fixture(scope="module")
def address(instance: Path) -> Iterator[str]:
    with served(instance) as address:
        yield address


@pytest.fixture(scope="module")
def fields(tmp_path_factory) -> list[Path]:
    made = pbc_fields(tmp_path_factory.mktemp("fields"))
    return made or pytest.skip(f"real images are not here: {DEFAULT_DATA / 'pbc'} is missing")


def test_a_hundred_cells_are_read_and_signed_by_keyboard(fields: list[Path], signed_in: Page):
    times = play(signed_in, fields)
    # Some tiles show more than one white cell, and the models may miss one.
    assert len(times.decisions) >= 0.9 * CELLS
    expect(signed_in.get_by_text("Version 1 signed. The case is locked.")).to_be_visible()
    with signed_in.expect_download() as download:
        signed_in.get_by_role("link", name="PDF report of version 1").press("Enter")
    assert Path(download.value.path()).read_bytes().startswith(b"%PDF-")
