"""Is the audit trail what it was? Walks the chain and compares it with its external hash log."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from sqlalchemy import RowMapping

from records import db
from records.audit import audit, external_log
from records.audit.audit import NOTHING, Event, Head

NO_LOG = "The external hash log is missing: rows removed at the end would not be found."


AT_ONCE = 1000
"""Lines of the log whose rows are looked up together."""

_SAME, _OTHER = 1, 2
"""Bits for a row of the trail: the log names its kept hash, another one, or both."""


@dataclass(frozen=True)
class Verdict:
    """Findings, a sentence each; the end of the trail; how many rows of it the log names."""

    findings: tuple[str, ...]
    head: Head | None
    logged: int


def verify(noted: Head | None = None) -> Verdict:
    """Check every row; `noted` is an end of the trail that somebody wrote down earlier."""
    # Before any row is read: what is logged from now on may be of rows that come too late.
    lines = _lines_of_log()
    chain = _Chain()
    findings = list(chain.broken_links(audit.in_order()))
    end = chain.head.number
    if lines is None and end:
        findings.append(NO_LOG)
    log = _Comparison(lines or (), end)
    if log.unreadable:
        findings.append(f"{log.unreadable} lines of the external hash log cannot be read.")
    findings += log.contradictions("the external hash log names")
    if noted:
        findings += _Comparison([noted], end).contradictions("somebody wrote down")
    return Verdict(tuple(findings), chain.head if end else None, log.named)


def fits_external_log() -> bool:
    """Return whether every row that the external hash log names is kept with its hash.

    False also where there is no log.

    Only row numbers and kept hashes are compared, which tells databases apart;
    `verify` tells whether it was changed.
    """
    lines = _lines_of_log()
    if lines is None:
        return False
    head = audit.head(db.session())
    log = _Comparison(lines, head.number if head else 0)
    return bool(log.named) and not any(log.contradictions(""))


def _lines_of_log() -> Iterator[Head | None] | None:
    try:
        return external_log.read()
    except FileNotFoundError:
        return None


class _Chain:
    """The rows as far as they were read, in order; `head` is the last of them."""

    def __init__(self) -> None:
        self.head = Head(0, NOTHING)

    def broken_links(self, rows: Iterable[RowMapping]) -> Iterator[str]:
        """Name each place where the chain does not hold."""
        for row in rows:
            number, previous = row["number"], self.head
            if number != previous.number + 1:
                yield _missing(previous.number + 1, number - 1)
            elif row["former"] != previous.hash:
                yield (
                    f"Row {number} does not continue row {previous.number}: "
                    "one of them was changed."
                )
            content = {str(name): row[name] for name in row if name != "hash"}
            if audit.digest(content) != row["hash"]:
                yield f"Row {number} was changed: its contents are not those of its hash."
            if number == 1 and row["event"] != Event.BEGIN:
                yield "Row 1 is not the beginning of a trail."
            self.head = Head(number, row["hash"])


class _Comparison:
    """Compare lines of a log with the rows of a trail; they come in any order, several of one row.

    A byte is kept for each row, as there may be many millions.
    """

    def __init__(self, lines: Iterable[Head | None], end: int) -> None:
        self.unreadable = 0
        self._end, self._last = end, 0
        self._said = bytearray(end + 1)
        rest = iter(lines)
        while some := list(islice(rest, AT_ONCE)):
            readable = [line for line in some if line]
            self.unreadable += len(some) - len(readable)
            self._compare(readable)

    def _compare(self, lines: Sequence[Head]) -> None:
        kept = audit.hashes_of({line.number for line in lines if line.number <= self._end})
        for line in lines:
            if line.number <= self._end:
                same = kept.get(line.number, line.hash) == line.hash
                self._said[line.number] |= _SAME if same else _OTHER
            self._last = max(self._last, line.number)

    @property
    def named(self) -> int:
        """Count the rows of the trail that the lines name."""
        return len(self._said) - self._said.count(0)

    def contradictions(self, by: str) -> Iterator[str]:
        """Name each run of rows that were once different, or that are gone."""
        if self._last > self._end:
            yield f"{_rows(self._end + 1, self._last)} removed at the end: {by} row {self._last}."
        others = (number for number, said in enumerate(self._said) if said & _OTHER)
        for first, last in _runs(others):
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
