"""The report as a table (CSV) and as a document (JSON)."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import asdict

from services.findings import decimals, harmless
from services.reports.contents import ASSISTS, SCHEMA, CellRead, ReportContents, document

COLUMNS = (
    *("pseudonym", "version", "status", "image", "cell", "x1", "y1", "x2", "y2"),
    *("label", "proposed", "counted", "seen", "reviewer", "reviewed_at"),
    *("blast_probability", "second_label", "second_all_blast_probability"),
)


def as_csv(contents: ReportContents) -> bytes:
    """One cell a line, `COLUMNS`: box in pixels of the file, probabilities in 0..1, times in UTC.

    What is not known is empty. `status` is preliminary, final or amended.
    """
    buffer = io.StringIO(newline="")
    table = csv.writer(buffer)
    table.writerow(COLUMNS)
    state = contents.state
    head = (harmless(state.specimen.pseudonym), state.version, contents.status)
    table.writerows([*head, *_line(cell)] for cell in state.cells)
    return buffer.getvalue().encode()


def as_json(contents: ReportContents) -> bytes:
    """The whole report, indented; the fields are those of `services.reports.contents`.

    A final report's `sha256` is that of the last entry of `signatures`, whose SHA-256 anybody can
    work out again: of the canonical JSON of its reader, role, at and conclusion, with `agreement`
    and `state` of the report.
    """
    report = {
        "schema": SCHEMA,
        "notice": ASSISTS,
        "status": contents.status,
        "sha256": contents.sha256,
        "made_at": contents.made_at.isoformat(),
        "signatures": [{**asdict(one), "at": one.at.isoformat()} for one in contents.signatures],
        "agreement": contents.agreement and document(contents.agreement),
        "state": document(contents.state),
    }
    return (json.dumps(report, indent=2, ensure_ascii=False) + "\n").encode()


def _line(cell: CellRead) -> list[object]:
    return [
        *(cell.image, harmless(cell.name.partition(".")[2])),
        *(f"{edge:.1f}" for edge in cell.box),
        *(cell.label, cell.proposed, _yes(cell.counted), _yes(cell.seen)),
        *(cell.by and harmless(cell.by), cell.at),
        *(decimals(cell.blast), cell.second_label, decimals(cell.second)),
    ]


def _yes(value: bool) -> str:
    return "yes" if value else "no"
