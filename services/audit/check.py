"""Is the audit trail what it was? Walks the chain and compares it with its external hash log."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import RowMapping

from records.audit import audit, external_log
from records.audit.audit import NOTHING, Event, Head

NO_LOG = "The external hash log is missing: rows removed at the end would not be found."


@dataclass(frozen=True)
class Verdict:
    """What was found, a sentence each; the end of the trail; how many rows the log names."""

    findings: tuple[str, ...]
    head: Head | None
    logged: int


def verify(noted: Head | None = None) -> Verdict:
    """Check every row; `noted` is an end of the trail that somebody wrote down earlier."""
    hashes: dict[int, str] = {}
    findings = list(_broken_links(audit.in_order(), hashes))
    logged, missed = _logged_hashes(expected=bool(hashes))
    findings += [*missed, *_contradictions(logged, hashes, "the external hash log names")]
    if noted:
        findings += _contradictions({noted.number: {noted.hash}}, hashes, "somebody wrote down")
    last = max(hashes, default=None)
    return Verdict(tuple(findings), Head(last, hashes[last]) if last else None, len(logged))


def fits_external_log() -> bool:
    """Return whether every row that the external hash log names is kept with its hash.

    False also where there is no log.

    Only row numbers and kept hashes are compared, which tells databases apart;
    `verify` tells whether it was changed.
    """
    try:
        named = _named(external_log.read())
    except FileNotFoundError:
        return False
    return bool(named) and not any(_contradictions(named, audit.hashes(), ""))


def _broken_links(rows: Iterable[RowMapping], hashes: dict[int, str]) -> Iterator[str]:
    """Name each place where the chain does not hold; fill in each row's hash."""
    previous = Head(0, NOTHING)
    for row in rows:
        number = row["number"]
        if number != previous.number + 1:
            yield _missing(previous.number + 1, number - 1)
        elif row["former"] != previous.hash:
            yield f"Row {number} does not continue row {previous.number}: one of them was changed."
        if audit.digest({str(name): row[name] for name in row if name != "hash"}) != row["hash"]:
            yield f"Row {number} was changed: its contents are not those of its hash."
        if number == 1 and row["event"] != Event.BEGIN:
            yield "Row 1 is not the beginning of a trail."
        hashes[number] = row["hash"]
        previous = Head(number, row["hash"])


def _logged_hashes(expected: bool) -> tuple[dict[int, set[str]], list[str]]:
    """Read the hashes of each row in the external log, and what is wrong with it."""
    try:
        lines = list(external_log.read())
    except FileNotFoundError:
        return {}, [NO_LOG] if expected else []
    unreadable = lines.count(None)
    sentences = (
        [f"{unreadable} lines of the external hash log cannot be read."] if unreadable else []
    )
    return _named(lines), sentences


def _named(lines: Iterable[Head | None]) -> dict[int, set[str]]:
    named: dict[int, set[str]] = {}
    for line in filter(None, lines):
        named.setdefault(line.number, set()).add(line.hash)
    return named


def _contradictions(
    named: Mapping[int, set[str]], hashes: Mapping[int, str], by: str
) -> Iterator[str]:
    """Name each run of rows that were once different, or that are gone."""
    end = max(hashes, default=0)
    gone = [number for number in named if number > end]
    if gone:
        yield f"{_rows(end + 1, max(gone))} removed at the end: {by} row {max(gone)}."
    other = (number for number in sorted(named) if number in hashes)
    for first, last in _runs(number for number in other if named[number] != {hashes[number]}):
        yield f"{_rows(first, last)} replaced: {by} another hash."


def _runs(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Yield the first and last of each run of consecutive numbers."""
    run: tuple[int, int] | None = None
    for number in numbers:
        if run is None:
            run = number, number
        elif number == run[1] + 1:
            run = run[0], number
        else:
            yield run
            run = number, number
    if run is not None:
        yield run


def _missing(first: int, last: int) -> str:
    return f"{_rows(first, last)} removed."


def _rows(first: int, last: int) -> str:
    return f"Row {first} was" if first == last else f"Rows {first} to {last} were"
