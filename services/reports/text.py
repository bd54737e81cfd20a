"""The report as a table (CSV) and as a document (JSON)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import date

from core.tables import COMMA, Cell, write_csv
from core.taxonomy import ERYTHROBLAST, SMUDGE
from services.analyses.findings import decimals
from services.cases.snapshot import (
    Agreement,
    CellSnapshot,
    ModelUsed,
    OwnClass,
    Specimen,
    Tally,
)
from services.reports.check_sentences import format_check
from services.reports.contents import ASSISTS, SCHEMA, ReportContents, SignatureLine
from services.reports.formatting import format_later_version, format_model, format_warnings

COLUMNS = (
    *("pseudonym", "version", "status", "what", "value", "image", "cell", "x1", "y1", "x2", "y2"),
    *("label", "proposed", "counted", "seen", "reviewer", "reviewed_at"),
    *("blast_probability", "classifier_label", "classifier_all_blast_probability"),
    *("cut_by_edge", "left_out", "cell_id"),
)


def as_csv(contents: ReportContents, separator: str = COMMA) -> bytes:
    """Write one table, `COLUMNS`: first about the whole, then one cell a line.

    `what` is "cell", or names the `value` of a line about the whole: shares and bounds of their 95%
    intervals in 0..1, counts of cells, sentences. Boxes are in pixels of the file, probabilities in
    0..1, times in UTC. What is not known is empty. `status` is preliminary, final or amended.
    """
    return "".join(write_csv(_rows(contents), separator)).encode()


def _rows(contents: ReportContents) -> Iterator[Sequence[Cell]]:
    yield COLUMNS
    snapshot = contents.snapshot
    head = (snapshot.specimen.pseudonym, snapshot.version, contents.status)
    for what, value in _whole(contents):
        yield *head, what, value, *[None] * (len(COLUMNS) - len(head) - 2)
    for cell in snapshot.cells:
        yield *head, "cell", None, *_line(cell)


def _whole(contents: ReportContents) -> Iterator[tuple[str, Cell]]:
    """Yield what the report says of the case as a whole, by name."""
    snapshot = contents.snapshot
    yield "notice", ASSISTS
    if contents.later:
        yield "later_version", format_later_version(contents.later)
    yield from (("warning", warning) for warning in format_warnings(snapshot))
    yield from _specimen(snapshot.specimen)
    if snapshot.amended_because:
        yield "amended_because", snapshot.amended_because
    yield from (("own_class", _own_class(one)) for one in snapshot.own_classes)
    yield from (("cells_reviewed", snapshot.reviewed), ("cells", snapshot.total))
    if snapshot.reviewed:
        yield from _counts("reviewers", snapshot.by_reviewers)
    yield from _counts("models", snapshot.by_models)
    for one in contents.signatures:
        yield "signature", f"{one.name}, {one.role}, {one.at.isoformat()}, SHA-256 {one.sha256}"
        yield "conclusion", one.conclusion
        for check in one.reasons:
            yield "reason", f"{format_check(check, snapshot)} {check.reason}"
    if contents.agreement:
        yield from _agreement(contents.agreement)
    yield from (("model", _model(used)) for used in snapshot.models)
    yield "sha256", contents.sha256


def _specimen(specimen: Specimen) -> Iterator[tuple[str, Cell]]:
    for what, value in specimen.serialize().items():
        is_date = what == "collected_on" and value
        yield what, date.fromisoformat(value) if is_date else "yes" if value is True else value


def _counts(by: str, tally: Tally) -> Iterator[tuple[str, Cell]]:
    yield f"white_cells_by_{by}", tally.white
    low, high = tally.interval or (None, None)
    yield f"blast_share_by_{by}", decimals(tally.share)
    yield f"blast_share_low_95_by_{by}", decimals(low)
    yield f"blast_share_high_95_by_{by}", decimals(high)
    for label, count in tally.labels.items():
        yield f"{label}_by_{by}", tally.proposed(label) if by == "models" else count
    yield f"erythroblasts_per_100_by_{by}", decimals(_erythroblasts(by, tally), 1)
    yield f"smudge_cells_per_100_by_{by}", decimals(tally.per_100(SMUDGE), 1)


def _erythroblasts(by: str, tally: Tally) -> float | None:
    looked_for = by == "reviewers" or tally.proposed(ERYTHROBLAST) is not None
    return tally.erythroblasts_per_100 if looked_for else None


def _own_class(one: OwnClass) -> str:
    kind = "a white cell" if one.white else "no white cell"
    return f"{one.code}: {one.name}, {kind}{f', LOINC {one.loinc}' if one.loinc else ''}"


def _agreement(agreement: Agreement) -> Iterator[tuple[str, Cell]]:
    yield "cells_named_by_each_reader", agreement.cells
    yield "cohens_kappa", decimals(agreement.kappa)
    for one in agreement.disagreements:
        first, second = one.first or "not drawn", one.second or "not drawn"
        decided = f" / decided {one.decided}" if one.decided else ""
        yield "named_differently", f"Cell {one.cell}: {first} / {second}{decided}"


def _model(used: ModelUsed) -> str:
    files = (f"{name} {sha}" for name, sha in used.files.items())
    return ", ".join([f"{format_model(used)} {used.version}", *files])


def as_json(contents: ReportContents) -> bytes:
    """Write the whole report, indented; `state` has the fields of `services.cases.snapshot`.

    A final report's `sha256` is that of the last entry of `signatures`, whose SHA-256 anybody can
    work out again: of the canonical JSON (RFC 8785) of all in it but `sha256`, with `agreement` and
    `state` of the report. An entry without a schema is hashed in the form of before:
    `core.canonical_json`.
    """
    report = {
        "schema": SCHEMA,
        "notice": ASSISTS,
        "status": contents.status,
        "later_version": format_later_version(contents.later) or None,
        "warnings": format_warnings(contents.snapshot),
        "sha256": contents.sha256,
        "made_at": contents.made_at.isoformat(),
        "signatures": [_signature(one) for one in contents.signatures],
        "agreement": contents.agreement.serialize() if contents.agreement else None,
        "cell_names": {cell.id: cell.name for cell in contents.snapshot.cells},
        "state": contents.snapshot.serialize(),
    }
    return (json.dumps(report, indent=2, ensure_ascii=False) + "\n").encode()


def _signature(line: SignatureLine) -> dict[str, object]:
    entry = {
        "reader": line.reader,
        "role": line.role,
        "at": line.at.isoformat(),
        "conclusion": line.conclusion,
        "sha256": line.sha256,
        "schema": line.schema,
        "checks": line.checks and [check.serialize() for check in line.checks],
        "full_name": line.full_name or None,
        "laboratory": line.laboratory and line.laboratory.serialize(),
    }
    return {name: value for name, value in entry.items() if value is not None}


def _line(cell: CellSnapshot) -> list[Cell]:
    number = cell.name.partition(".")[2]
    return [
        *(cell.image, int(number) if number.isdecimal() else number),
        *(decimals(edge, 1) for edge in cell.box),
        *(cell.label, cell.proposed, _yes(cell.counted), _yes(cell.seen)),
        *(cell.by, cell.at),
        *(decimals(cell.blast), cell.second_label, decimals(cell.second)),
        *(_yes(cell.at_edge), cell.left_out, cell.id),
    ]


def _yes(value: bool) -> str:
    return "yes" if value else "no"
