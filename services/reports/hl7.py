"""The report as an HL7 version 2.5.1 message, ORU^R01, encoded with vertical bars (ER7).

Segments, fields and data types: HL7 Messaging Standard Version 2.5.1, chapters 2, 3 and 7.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from datetime import UTC

from core.coding import LOCAL_CODES, REPORT_CODE, SPECIMEN_CODES
from records.cases.cases import Priority
from services.cases.snapshot import CaseSnapshot, ModelUsed
from services.reports.check_sentences import CHECK_NAMES, format_check
from services.reports.contents import ASSISTS, ReportContents, ReportStatus, SignatureLine
from services.reports.formatting import format_later_version, format_model, format_warnings
from services.reports.results import (
    Code,
    Counter,
    Result,
    format_counted,
    results_of,
)

SENDER, VERSION, CHARACTER_SET = "Leukoscope", "2.5.1", "UNICODE UTF-8"
STATUSES = {ReportStatus.PRELIMINARY: "P", ReportStatus.FINAL: "F", ReportStatus.AMENDED: "C"}
"""Status of each result (table 0085) and of the report (table 0123): both use these letters."""

PRIORITIES = {
    Priority.ROUTINE: ("R", "Routine", "HL70485"),
    Priority.URGENT: ("A", "ASAP", "HL70485"),
    Priority.STAT: ("S", "Stat", "HL70485"),
}
"""Code, name and table."""

CONTROL_ID_LENGTH = CODE_LENGTH = 20

_ESCAPES = {code: f"\\X{code:02X}\\" for code in (*range(32), 127)} | str.maketrans(
    {
        "\\": "\\E\\",
        "|": "\\F\\",
        "^": "\\S\\",
        "&": "\\T\\",
        "~": "\\R\\",
        "\n": "\\.br\\",
        "\t": " ",
    }
)
_OF_MODELS = "m-"
"""What codes begin with that models counted: who sees codes only must not take these for others."""


def as_hl7(contents: ReportContents) -> bytes:
    """Write one message: patient by pseudonym, order, a segment for each result, specimen.

    The accession number is that of the specimen (SPM-2), and in OBR-18, where IHE's Radiology
    Technical Framework has it; version 2.5.1 has no field of its own for it.

    The same signed report gives the same message, with the same control id.
    """
    segments = [
        _header(contents),
        _patient(contents.snapshot),
        _segment("ORC", {1: "RE", 3: _order_number(contents)}),
        _order(contents),
        *_notes(_order_notes(contents)),
        *_priority(contents.snapshot),
        *_observations(contents),
        _specimen(contents.snapshot),
    ]
    return "".join(f"{one}\r" for one in segments).encode()


def escape(text: str) -> str:
    """Escape what separates fields and lines (chapter 2.7); a tab becomes a space."""
    return "\n".join(text.splitlines()).translate(_ESCAPES)


def _header(contents: ReportContents) -> str:
    fields = {
        3: SENDER,
        7: _issued(contents),
        9: _field("ORU", "R01", "ORU_R01"),
        10: _control_id(contents),
        11: "P",
        12: VERSION,
        18: CHARACTER_SET,
    }
    # The separator is the first field itself.
    return _segment("MSH|^~\\&", {number - 2: value for number, value in fields.items()})


def _control_id(contents: ReportContents) -> str:
    snapshot = contents.snapshot
    named = f"{snapshot.case_id}/{snapshot.version}/{contents.status}/{contents.sha256}"
    return hashlib.sha256(named.encode()).hexdigest()[:CONTROL_ID_LENGTH]


def _patient(snapshot: CaseSnapshot) -> str:
    """Identify the patient by the pseudonym only: an anonymous identifier, a coded pseudo-name."""
    pseudonym = snapshot.specimen.pseudonym
    identifier = _field(pseudonym, "", "", SENDER, "ANON")
    return _segment("PID", {1: "1", 3: identifier, 5: _field(pseudonym, *[""] * 5, "S")})


def _order(contents: ReportContents) -> str:
    readers = [_person(one) for one in reversed(contents.signatures)]
    return _segment(
        "OBR",
        {
            1: "1",
            3: _order_number(contents),
            4: _field(*REPORT_CODE, LOCAL_CODES),
            7: _collected(contents.snapshot),
            18: escape(contents.snapshot.specimen.accession),
            22: _issued(contents),
            24: "HM",
            25: STATUSES[contents.status],
            32: readers[0] if readers else "",
            33: "~".join(readers[1:]),
        },
    )


def _person(signature: SignatureLine) -> str:
    """Name who signed: the account, and the full name where it is known (data type CNN)."""
    return "&".join(map(escape, filter(None, (signature.reader, signature.full_name))))


def _priority(snapshot: CaseSnapshot) -> list[str]:
    """Write how soon it was asked for, where that is known: the timing of the order."""
    priority = snapshot.specimen.priority
    return [_segment("TQ1", {1: "1", 9: _field(*PRIORITIES[priority])})] if priority else []


def _order_number(contents: ReportContents) -> str:
    return _field(f"{contents.snapshot.case_id}/{contents.snapshot.version}", SENDER)


def _order_notes(contents: ReportContents) -> Iterator[str]:
    yield ASSISTS
    if contents.later:
        yield format_later_version(contents.later)
    yield format_counted(contents.snapshot)
    yield from format_warnings(contents.snapshot)
    for used in contents.snapshot.models:
        yield f"Model: {_named(used)}"


def _named(used: ModelUsed) -> str:
    return f"{format_model(used)} {used.version}"


def _notes(sentences: Iterator[str] | Sequence[str]) -> Iterator[str]:
    for number, sentence in enumerate(sentences, start=1):
        yield _segment("NTE", {1: str(number), 2: "L", 3: escape(sentence)})


def _observations(contents: ReportContents) -> Iterator[str]:
    number = 0
    for result in results_of(contents.snapshot):
        for code, value in ((result.code, result.value), *result.bounds):
            number += 1
            yield _number(contents, result, number, code, value)
            yield from _notes([result.note] if result.note else [])
    if contents.conclusion:
        number += 1
        yield _text(contents, number, ("conclusion", "Conclusion"), contents.conclusion)
    for signature in contents.signatures:
        for check in signature.reasons:
            number += 1
            name = f"Check: {CHECK_NAMES[check.code].lower()}"
            found = format_check(check, contents.snapshot)
            yield _text(contents, number, (f"check-{check.code}", name), found)
            yield from _notes([f"{signature.name}: {check.reason}"])


def _number(contents: ReportContents, result: Result, number: int, code: Code, value: float) -> str:
    return _segment(
        "OBX",
        {
            1: str(number),
            2: "NM",
            3: _code(code, result.by),
            5: str(value),
            6: _field(result.unit, result.unit_name, "UCUM"),
            11: STATUSES[contents.status],
            14: _collected(contents.snapshot),
            17: _field(result.by, f"Counted by {result.by}", LOCAL_CODES),
        },
    )


def _text(contents: ReportContents, number: int, what: tuple[str, str], text: str) -> str:
    """Write a text as a result; `what` is its code and name."""
    return _segment(
        "OBX",
        {
            1: str(number),
            2: "FT",
            3: _field(*what, LOCAL_CODES),
            5: escape(text),
            11: STATUSES[contents.status],
            14: _collected(contents.snapshot),
        },
    )


def _code(code: Code, by: Counter) -> str:
    if by == Counter.MODELS:
        short = _short(code.code, CODE_LENGTH - len(_OF_MODELS))
        own = (_OF_MODELS + short, f"{code.meaning}, counted by models", LOCAL_CODES)
    else:
        own = (_short(code.code, CODE_LENGTH), code.meaning, LOCAL_CODES)
    return _field(*code.loinc, "LN", *own) if code.loinc else _field(*own)


def _short(code: str, longest: int) -> str:
    """Shorten a code to what a coded element takes, to the initials of its class if need be."""
    if len(code) <= longest:
        return code
    label, _, what = code.rpartition("-")
    return "".join(word[0] for word in label.split("_")) + f"-{what}"


def _specimen(snapshot: CaseSnapshot) -> str:
    stain = snapshot.specimen.stain
    return _segment(
        "SPM",
        {
            1: "1",
            2: escape(snapshot.specimen.accession),
            4: _field(*SPECIMEN_CODES[snapshot.specimen.kind], "SCT"),
            14: escape(f"Stain: {stain}") if stain else "",
            17: _collected(snapshot),
        },
    )


def _collected(snapshot: CaseSnapshot) -> str:
    return (snapshot.specimen.collected_on or "").replace("-", "")


def _issued(contents: ReportContents) -> str:
    at = contents.signatures[-1].at if contents.signed else contents.made_at
    return f"{at.astimezone(UTC):%Y%m%d%H%M%S}+0000"


def _field(*components: str) -> str:
    return "^".join(escape(one) for one in components).rstrip("^")


def _segment(name: str, fields: dict[int, str]) -> str:
    """Join a segment of its fields by number; those without a value are empty."""
    last = max((number for number, value in fields.items() if value), default=0)
    return "|".join([name, *(fields.get(number, "") for number in range(1, last + 1))])
