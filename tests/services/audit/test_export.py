import csv
import io
import json
from datetime import datetime

import pytest
from flask import Flask

from core.tables import BOM, SEMICOLON
from records.audit import audit
from services.audit.export import as_csv, as_json_lines
from tests.trail import append, entries


@pytest.fixture(autouse=True)
def trail(app: Flask):
    with app.app_context():
        append(3)
        yield


def test_a_table_has_a_line_for_each_row_with_all_columns():
    rows = list(csv.DictReader(io.StringIO("".join(as_csv(audit.in_order())).removeprefix(BOM))))

    assert [row["number"] for row in rows] == ["1", "2", "3", "4"]
    assert rows[1]["account_name"] == "ada"
    assert json.loads(rows[1]["details"]) == {"number": 0}
    assert datetime.fromisoformat(rows[1]["at"]) == entries()[1].at


def test_a_table_may_have_semicolons():
    text = "".join(as_csv(audit.in_order(), SEMICOLON)).removeprefix(BOM)
    rows = list(csv.DictReader(io.StringIO(text), delimiter=";"))
    assert [row["event"] for row in rows] == [entry.event for entry in entries()]


def test_json_lines_carry_what_the_hashes_are_of():
    rows = [json.loads(line) for line in as_json_lines(audit.in_order())]

    for row, former in zip(rows[1:], rows, strict=False):
        sealed = {name: value for name, value in row.items() if name != "hash"}
        sealed["at"] = datetime.fromisoformat(row["at"])
        assert audit.digest(sealed) == row["hash"]
        assert row["former"] == former["hash"]
