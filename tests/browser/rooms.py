"""Cases for the reading room in the browser: fields that are uploaded, put into a case by hand."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from models.findings import Detection, FieldFindings
from models.registry import Models
from tests.browser.serving import served
from tests.services.analyses.fields import read_field
from tests.stand_ins import drawn_field, stand_in_models
from tests.uploads import fresh, png

NOW = datetime(2026, 11, 23, tzinfo=UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


@contextmanager
def served_fields(instance: Path, **others: object) -> Iterator[str]:
    """Serve an instance whose models say the same of every field; its address.

    Args:
        others: more settings.
    """
    found = read_field()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Models, "read_field", lambda self, rgb, progress=None, **options: found)
        with served(instance, models=stand_in_models(), **others) as address:
            yield address


def case_with_field(page: Page, specimen: str = "blood") -> str:
    """Open a case and upload one field to it; the case's address."""
    page.goto("cases/new")
    page.get_by_label("Pseudonym").fill("Alder-7")
    page.get_by_label("Specimen").select_option(specimen)
    page.get_by_role("button", name="Open the case").click()
    case = page.url
    page.get_by_role("link", name="Upload fields").click()
    file = {"name": "f.png", "mimeType": "image/png", "buffer": png(drawn_field(400, 400))}
    page.set_input_files("#images", [file])
    expect(page.locator(".upload-item").get_by_role("link", name="Open")).to_have_count(1)
    return case


def upload(page: Page, name: str, found: FieldFindings) -> str:
    """Send a field of which the models say this; the id of its analysis."""
    content = fresh(drawn_field(found.width, found.height))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Models, "read_field", lambda self, rgb, progress=None, **options: found)
        page.goto("/detect")
        page.set_input_files("#images", {"name": name, "mimeType": "image/png", "buffer": content})
        opened = page.locator(".upload-item").get_by_role("link", name="Open")
        return opened.get_attribute("href").rsplit("/", 1)[-1]


def confirm_each(page: Page) -> None:
    """Confirm the proposed cells of a reading room one by one, as blasts have to be."""
    while page.locator("[data-list$='?'] [data-cell]").count():
        page.keyboard.press("j")
        page.keyboard.press("Enter")


def many_cells(count: int) -> FieldFindings:
    """A field with this many other white cells in rows, the first the most suspicious."""
    cells = []
    for index in range(count):
        x, y = 20.0 + 60 * (index % 12), 20.0 + 60 * (index // 12)
        blast = 0.2 - index / 1000
        cells.append(Detection((x, y, x + 40, y + 40), "wbc", 0.7, blast, 0.9, blast, "normal"))
    return read_field(width=800, height=600, detections=tuple(cells), candidates=())


class Clinic:
    """The database of a served instance, as its pages leave it."""

    def __init__(self, instance: Path) -> None:
        self.path = instance / "leukoscope.sqlite3"

    def run(self, statement: str, *values: object) -> list[tuple]:
        """One statement in a transaction of its own."""
        with closing(sqlite3.connect(self.path)) as connection, connection:
            return connection.execute(statement, values).fetchall()

    def open_case(self, *analysis_ids: str) -> str:
        """A case with copies of these analyses; the address of its reading room."""
        case_id = uuid4().hex
        self.run(
            "INSERT INTO cases (id, owner_id, team_id, pseudonym, specimen, stain, magnification,"
            " notes, created_at) SELECT ?, id, team_id, 'Alder-7', 'blood', '', '', '', ?"
            " FROM accounts WHERE name = 'ada'",
            case_id,
            NOW,
        )
        for analysis_id in analysis_ids:
            self._copy(analysis_id, case_id)
        return f"/cases/{case_id}/room"

    def _copy(self, analysis_id: str, case_id: str) -> None:
        columns = [row[1] for row in self.run("PRAGMA table_info(analyses)")]
        changed = {"id": f"'{uuid4().hex}'", "case_id": f"'{case_id}'"}
        values = ", ".join(changed.get(column, column) for column in columns)
        self.run(f"INSERT INTO analyses SELECT {values} FROM analyses WHERE id = ?", analysis_id)

    def sign(self, room: str) -> None:
        """Lock the case of a room."""
        self.run(
            "INSERT INTO signatures (case_id, version, reader_id, role, final, at, conclusion,"
            " contents, sha256) SELECT ?, 1, id, 'first', 1, ?, '', '{}', ? FROM accounts"
            " WHERE name = 'ada'",
            room.split("/")[2],
            NOW,
            "0" * 64,
        )

    def reviews(self, room: str) -> list[tuple[str, str | None, str]]:
        """Cell, former label and label of every row of a room's case, oldest first."""
        return self.run(
            "SELECT cell, label_before, label FROM reviews WHERE case_id = ? ORDER BY id",
            room.split("/")[2],
        )
