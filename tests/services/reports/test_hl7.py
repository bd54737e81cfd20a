"""The message, read by another library and held against its grammar of version 2.5.1."""

from __future__ import annotations

import re

import pytest
from hl7apy.consts import VALIDATION_LEVEL
from hl7apy.core import Message
from hl7apy.parser import parse_message
from hypothesis import given, settings
from hypothesis import strategies as st

from services.reports.contents import ASSISTS, ReportContents, ReportStatus
from services.reports.formatting import format_later_version
from services.reports.hl7 import as_hl7, escape
from services.reports.results import results_of
from tests.reports import (
    SUPERSEDED,
    signed,
    snapshot,
    tally,
    twice_signed,
    with_architecture,
    with_duplicate,
    with_letterhead,
)

HOSTILE = "a|b^c&d~e\\f\r\nMSH|^~\\&|g\nÅ 血"
MARROW = snapshot().specimen.model_copy(
    update={"kind": "marrow", "collected_on": None, "stain": ""}
)
NAMED = snapshot(by_reviewers=tally(blast=2, eosinophil=2), reviewed=4)
REPORTS = {
    "one reader": signed(),
    "two readers": twice_signed(),
    "amended": signed(status=ReportStatus.AMENDED, snapshot=snapshot(version=2)),
    "not signed": signed(status=ReportStatus.PRELIMINARY, signatures=()),
    "not reviewed": signed(
        status=ReportStatus.PRELIMINARY, signatures=(), snapshot=snapshot(reviewed=0)
    ),
    "begun": signed(status=ReportStatus.PRELIMINARY, signatures=(), snapshot=snapshot(reviewed=1)),
    "marrow": signed(snapshot=snapshot(specimen=MARROW)),
    "all named": signed(snapshot=NAMED),
    "superseded": signed(later=SUPERSEDED),
    "twice": signed(snapshot=with_duplicate()),
    "laboratory": with_letterhead(),
    "architecture": signed(snapshot=with_architecture()),
}


def parsed(contents: ReportContents) -> Message:
    """The message as hl7apy reads it; anything against the grammar is an error."""
    return parse_message(
        as_hl7(contents).decode(), VALIDATION_LEVEL.STRICT, find_groups=True, force_validation=True
    )


def segments(contents: ReportContents, name: str) -> list[list[str]]:
    """The fields of every segment of a name, by their number."""
    lines = [line.split("|") for line in as_hl7(contents).decode().split("\r")]
    return [line for line in lines if line[0] == name]


def unescaped(text: str) -> str:
    """What a receiver makes of a field (chapter 2.7)."""
    meant = {"F": "|", "S": "^", "T": "&", "R": "~", "E": "\\", ".br": "\n"}
    return re.sub(r"\\([FSTRE]|\.br)\\", lambda match: meant[match[1]], text)


@pytest.mark.parametrize("name", REPORTS)
def test_the_message_follows_the_grammar(name: str):
    message = parsed(REPORTS[name])
    assert message.validate()
    assert message.msh.msh_9.to_er7() == "ORU^R01^ORU_R01"
    assert (message.msh.msh_12.value, message.msh.msh_18.value) == ("2.5.1", "UNICODE UTF-8")
    assert len(message.msh.msh_10.value) <= 20
    (result,) = message.oru_r01_patient_result
    (order,) = result.oru_r01_order_observation
    numbers = [one.obx.obx_1.value for one in order.oru_r01_observation]
    assert numbers == [str(number) for number in range(1, len(numbers) + 1)]
    assert order.oru_r01_specimen.spm.spm_4.spm_4_3.value == "SCT"


def test_the_patient_is_a_pseudonym_and_nothing_else():
    (patient,) = segments(signed(), "PID")
    assert patient == ["PID", "1", "", "Alder-7^^^Leukoscope^ANON", "", "Alder-7^^^^^^S"]


@pytest.mark.parametrize(
    ("name", "status"), [("one reader", "F"), ("amended", "C"), ("not signed", "P")]
)
def test_the_status_follows_the_signatures(name: str, status: str):
    (order,) = segments(REPORTS[name], "OBR")
    assert order[25] == status
    assert {line[11] for line in segments(REPORTS[name], "OBX")} == {status}


def test_results_are_coded_with_loinc_where_it_fits():
    shares = {line[3]: line for line in segments(REPORTS["all named"], "OBX")}
    blasts = shares[
        "26446-5^Blasts/100 leukocytes in Blood^LN^blast-share^Blast, share of white cells^99LEUKO"
    ]
    assert (blasts[2], blasts[5], blasts[6]) == ("NM", "50.0", "%^%^UCUM")
    assert blasts[17] == "reviewers^Counted by reviewers^99LEUKO"
    assert "^LN" not in as_hl7(REPORTS["marrow"]).decode()
    counts = [line for line in segments(signed(), "OBX") if line[6] == "{cells}^cells^UCUM"]
    assert counts


@pytest.mark.parametrize("name", REPORTS)
def test_every_result_is_there_once(name: str):
    contents = REPORTS[name]
    results = results_of(contents.snapshot)
    numbers = [line for line in segments(contents, "OBX") if line[2] == "NM"]
    assert len(numbers) == sum(1 + len(one.bounds) for one in results)
    codes = [line[3].split("^")[0] for line in numbers]
    assert len(set(codes)) == len(codes), "a system that sees codes only keeps every result"
    of_models = [line[17].startswith("models^") for line in numbers]
    assert [code.startswith("m-") for code in codes] == of_models
    own = [part for line in numbers for part in line[3].split("^")[::3]]
    assert max(map(len, own)) <= 20
    first = results[0]
    bounds = [str(value) for _, value in first.bounds]
    assert [line[5] for line in numbers[: 1 + len(bounds)]] == [str(first.value), *bounds]


def test_notes_tell_what_the_report_is_and_is_not():
    def notes(name: str) -> list[str]:
        return [unescaped(line[3]) for line in segments(REPORTS[name], "NTE")]

    assert notes("one reader")[0] == ASSISTS
    assert format_later_version(SUPERSEDED) in notes("superseded")
    assert any(note.startswith("Image 2 duplicates") for note in notes("twice"))
    assert "No cells reviewed." in notes("not reviewed")
    assert "Reviewed so far: 2 blasts of 4 white cells. 1 of 4 cells reviewed." in notes("begun")
    assert "Model: classifier (ResNet50) c-1" in notes("architecture")


def test_readers_and_their_conclusion_are_told():
    (order,) = segments(twice_signed(), "OBR")
    assert (order[32], order[33]) == ("ben", "ada")
    (conclusion,) = (line for line in segments(twice_signed(), "OBX") if line[2] == "FT")
    assert conclusion[5] == "I call cell 1.1 a lymphocyte."
    assert not [line for line in segments(REPORTS["not signed"], "OBX") if line[2] == "FT"]


def test_a_specimen_has_its_day():
    (specimen,) = segments(signed(), "SPM")
    assert (specimen[4], specimen[17]) == ("119297000^Blood specimen^SCT", "20261120")
    (order,) = segments(signed(), "OBR")
    assert (order[7], order[22]) == ("20261120", "20261123070506+0000")
    (marrow,) = segments(REPORTS["marrow"], "SPM")
    assert marrow[4:] == ["119359002^Bone marrow specimen^SCT"]


def test_what_separates_is_escaped_wherever_people_type():
    of = snapshot().specimen.model_copy(update={"pseudonym": HOSTILE, "stain": HOSTILE})
    (line,) = signed().signatures
    signature = type(line)(HOSTILE, line.role, line.at, HOSTILE, line.sha256)
    contents = signed(snapshot=snapshot(specimen=of), signatures=(signature,))

    assert parsed(contents).validate()
    names = [line.split("|")[0] for line in as_hl7(contents).decode().split("\r")]
    assert names == [line.split("|")[0] for line in as_hl7(signed()).decode().split("\r")]
    meant = HOSTILE.replace("\r\n", "\n")
    (patient,) = segments(contents, "PID")
    assert unescaped(patient[3].split("^")[0]) == meant
    (conclusion,) = (line for line in segments(contents, "OBX") if line[2] == "FT")
    assert unescaped(conclusion[5]) == meant


@settings(deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp"])))
def test_any_text_survives_its_escape(text: str):
    escaped = escape(text)
    assert not set(escaped) & set("|^&~\r\n")
    assert unescaped(escaped) == text


def test_the_same_report_is_the_same_message_and_another_version_is_another():
    assert as_hl7(signed()) == as_hl7(signed())
    assert segments(signed(), "MSH")[0][9] != segments(REPORTS["amended"], "MSH")[0][9]


def test_models_that_are_not_for_the_specimen_say_so_of_the_order_and_of_each_number():
    warning = "Bone marrow: neither model is validated for it."
    message = as_hl7(REPORTS["marrow"]).decode()
    numbers = [one for one in segments(REPORTS["marrow"], "OBX") if one[3].startswith("m-")]

    assert message.count(warning) == 1 + len(numbers)
    assert "validated" not in as_hl7(REPORTS["one reader"]).decode()


def test_the_order_has_accession_number_and_priority():
    contents = with_letterhead()
    (order,), (specimen,) = segments(contents, "OBR"), segments(contents, "SPM")
    (timing,) = segments(contents, "TQ1")

    assert order[18] == specimen[2] == "H26-4711"
    assert timing[9] == "A^ASAP^HL70485"
    assert order[32] == "ada&Dr Ada Byron"
    assert segments(signed(), "TQ1") == []
    assert segments(signed(), "SPM")[0][2] == ""


def test_a_warning_comes_with_the_reason_and_who_gave_it():
    lines = as_hl7(with_letterhead()).decode().split("\r")
    (place,) = [number for number, line in enumerate(lines) if "check-white_cells" in line]

    assert "87 white cells reviewed; peripheral blood needs at least 200." in lines[place]
    assert lines[place + 1] == "NTE|1|L|Dr Ada Byron: No further field."
