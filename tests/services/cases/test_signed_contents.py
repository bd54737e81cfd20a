"""What was signed is read and verified, in the form of now and in that of before schemas."""

import json
from copy import deepcopy
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from flask import Flask
from pydantic import ValidationError

from core import canonical_json
from records import db
from records.cases import signatures
from records.cases.cases import Case
from records.cases.signatures import Amendment, Signature
from services.cases.checks import CheckCode, CheckStatus, SignedCheck
from services.cases.signed_contents import (
    SCHEMA,
    WITHOUT_CHECKS,
    WITHOUT_LABORATORY,
    AlteredError,
    SignedContents,
    digest,
    verify,
)
from services.reports.contents import collect_report
from services.reports.fhir import as_fhir
from services.reports.pdf import as_pdf
from services.reports.text import as_csv, as_json
from tests.people import account_named, add_account
from tests.reports import AT, LABORATORY, snapshot, with_architecture

WITHOUT_SCHEMA = json.loads(
    (Path(__file__).parent / "signatures_without_schema.json").read_text(encoding="utf-8")
)
"""Made-up signatures of two readers, of two versions, as they were kept before schemas."""


def old_signatures(reader_id: str | None = None) -> list[Signature]:
    return [
        Signature(
            case_id=WITHOUT_SCHEMA["case_id"],
            reader_id=reader_id,
            **{**kept, "at": datetime.fromisoformat(kept["at"])},
        )
        for kept in deepcopy(WITHOUT_SCHEMA["signatures"])
    ]


CHECKS = (
    SignedCheck(
        code=CheckCode.WHITE_CELLS,
        status=CheckStatus.WARNING,
        count=87,
        total=90,
        limit=200,
        reason="No further field.",
    ),
    SignedCheck(code=CheckCode.IMAGES, status=CheckStatus.OK, total=1),
)


def signature(
    schema: str = SCHEMA, checks: tuple[SignedCheck, ...] | None = CHECKS, **changes: Any
) -> Signature:
    """A signature of now."""
    contents = SignedContents(
        schema=schema,
        checks=checks,
        reader="ada",
        role="first",
        at=AT.isoformat(),
        conclusion="Blasts are present.",
        agreement=None,
        state=snapshot(),
    ).serialize()
    return Signature(contents={**contents, **changes}, sha256=digest(contents))


@pytest.fixture
def old_case(app: Flask) -> Case:
    """A case signed before there were schemas, and signed again after an amendment."""
    add_account(app, "ada")
    with app.app_context():
        ada = account_named("ada").id
        case = Case(id=WITHOUT_SCHEMA["case_id"], owner_id=ada, pseudonym="x", specimen="blood")
        db.session.add(case)
        db.session.flush()
        for row in old_signatures(ada):
            signatures.add_signature(row, [])
        signatures.add_amendment(
            Amendment(case_id=case.id, version=2, opened_by=ada, reason="Giemsa.")
        )
        db.session.commit()
        db.session.expire_all()
        yield case


def test_signatures_without_a_schema_still_verify():
    for row in old_signatures():
        contents = verify(row)
        assert contents.schema_name is None
        assert contents.conclusion == row.conclusion


def test_what_was_read_is_written_as_it_was():
    """To the letter: their hash tells 10 from 10.0."""
    for row in old_signatures():
        assert canonical_json.canonical(verify(row).serialize()) == canonical_json.canonical(
            row.contents
        )
    assert verify(signature()).serialize() == signature().contents


def test_the_architecture_is_signed_only_where_it_is_known():
    unknown, known = signature().contents["state"], with_architecture().serialize()

    assert [set(one) for one in unknown["models"]] == [{"model", "version", "files"}] * 2
    assert known["models"][0]["architecture"] == "ResNet50"
    contents = {**signature().contents, "state": known}
    row = Signature(contents=contents, sha256=digest(contents))
    assert verify(row).serialize() == contents
    with pytest.raises(AlteredError):
        verify(Signature(contents=contents, sha256=signature().sha256))


def test_every_format_renders_an_old_signed_version(old_case: Case, settings):
    for version, status in ((1, "final"), (2, "amended")):
        report = collect_report(old_case, settings.weights_dir, version)
        text = "".join(
            page.get_textpage().get_text_range()
            for page in pypdfium2.PdfDocument(as_pdf(report, {}))
        )
        hash_of_last = WITHOUT_SCHEMA["signatures"][2 * version - 1]["sha256"]

        assert (report.status, report.sha256) == (status, hash_of_last)
        assert hash_of_last in text
        assert "Erle-7 é" in text
        assert f",{status},sha256,{hash_of_last}," in as_csv(report).decode()
        assert json.loads(as_fhir(report))["identifier"]["value"] == hash_of_last


def test_the_hash_of_an_old_signature_can_be_worked_out_from_its_report(old_case: Case, settings):
    report = json.loads(as_json(collect_report(old_case, settings.weights_dir, 1)))
    last = report["signatures"][-1]
    signed = {name: last[name] for name in ("reader", "role", "at", "conclusion")}
    signed |= {"agreement": report["agreement"], "state": report["state"]}
    assert "schema" not in last
    assert canonical_json.digest(signed) == last["sha256"] == report["sha256"]


def _leaves(value: Any, path: tuple = ()) -> list[tuple]:
    if isinstance(value, dict):
        return [leaf for name in value for leaf in _leaves(value[name], (*path, name))]
    if isinstance(value, list):
        return [leaf for place, each in enumerate(value) for leaf in _leaves(each, (*path, place))]
    return [path]


def _changed(contents: dict[str, Any], path: tuple) -> dict[str, Any]:
    altered = deepcopy(contents)
    at = altered
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = "altered" if at[path[-1]] != "altered" else "again"
    return altered


def before_checks() -> Signature:
    """A signature of the schema that had no checks."""
    return signature(WITHOUT_CHECKS, None)


def test_a_signature_of_before_checks_still_verifies():
    row = before_checks()
    assert "checks" not in row.contents
    assert verify(row).checks is None
    assert verify(row).serialize() == row.contents


def before_laboratory() -> Signature:
    """A signature of the schema that had no laboratory."""
    return signature(WITHOUT_LABORATORY)


def with_laboratory() -> Signature:
    """A signature under a letterhead, by somebody with a full name."""
    known = {"full_name": "Dr Ada Byron", "laboratory": LABORATORY.serialize()}
    contents = {**signature().contents, **known}
    return Signature(contents=contents, sha256=digest(contents))


def test_a_signature_of_before_the_laboratory_still_verifies():
    row = before_laboratory()
    assert {"laboratory", "full_name"}.isdisjoint(row.contents)
    assert {"accession", "priority"}.isdisjoint(row.contents["state"]["specimen"])
    assert verify(row).laboratory is None
    assert verify(row).serialize() == row.contents


def test_letterhead_and_full_name_are_signed():
    contents = verify(with_laboratory())
    assert contents.laboratory == LABORATORY
    assert contents.full_name == "Dr Ada Byron"
    assert contents.serialize() == with_laboratory().contents


def test_the_hash_covers_checks_and_reasons():
    checks = deepcopy(signature().contents["checks"])
    checks[0]["reason"] = "Another one."
    contents = {**signature().contents, "checks": checks}
    with pytest.raises(AlteredError):
        verify(Signature(contents=contents, sha256=signature().sha256))
    assert verify(signature()).checks == CHECKS


@pytest.mark.parametrize(
    "row",
    [old_signatures()[1], before_checks(), before_laboratory(), signature(), with_laboratory()],
    ids=["oldest", "older", "old", "new", "with laboratory"],
)
def test_any_value_that_was_altered_is_noticed(row: Signature):
    original = row.contents
    for path in _leaves(original):
        with pytest.raises(AlteredError):
            verify(Signature(contents=_changed(original, path), sha256=row.sha256))


@pytest.mark.parametrize("schema", [None, "leukoscope.signature.1", "leukoscope.signature.5", 2])
def test_another_schema_does_not_verify(schema: object):
    with pytest.raises(AlteredError):
        contents = {**signature().contents, "schema": schema}
        verify(Signature(contents=contents, sha256=digest(contents)))
    (old, *_) = old_signatures()
    with pytest.raises(AlteredError):
        verify(Signature(contents={**old.contents, "schema": SCHEMA}, sha256=old.sha256))


def test_a_schema_cannot_be_taken_away():
    row = signature()
    contents = {name: value for name, value in row.contents.items() if name != "schema"}
    with pytest.raises(AlteredError):
        verify(Signature(contents=contents, sha256=row.sha256))


def test_the_hash_is_of_rfc_8785():
    """Numbers and the order of names as the standard has them, whatever JSON wrote them."""
    kept = json.loads('{"\\u20ac": 10.0, "\\ud83d\\ude00": 1e21, "\\ufb33": "\\u000f"}')
    written = '{"€":10,"😀":1e+21,"\ufb33":"\\u000f"}'

    assert digest(kept) == sha256(written.encode()).hexdigest()


def test_an_unknown_field_is_an_error():
    with pytest.raises(ValidationError):
        SignedContents.model_validate({**signature().contents, "extra": 1})
