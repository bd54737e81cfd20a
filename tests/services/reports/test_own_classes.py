"""A laboratory's own classes in every form of the report."""

import csv
import io
import json
from dataclasses import replace

import pypdfium2

from services.cases.snapshot import OwnClass
from services.reports.contents import ReportContents
from services.reports.fhir import LOINC, as_fhir
from services.reports.hl7 import CODE_LENGTH, as_hl7
from services.reports.pdf import as_pdf
from services.reports.printing import texts_of
from services.reports.results import results_of
from services.reports.sections import differential
from services.reports.text import as_csv, as_json
from tests.reports import CELLS, cell, signed, snapshot, tally

PLASMA = OwnClass(code="own_plasma", name="Plasma cell <&|^", white=True, loinc="26446-5")
HAIRY = OwnClass(code="own_hairy", name="毛細胞", white=True)
MEGA = OwnClass(code="own_megakaryo", name="Megakaryocyte", white=False, loinc="718-7")
OWN = PLASMA, HAIRY, MEGA
COUNTED = tally(blast=1, own_plasma=2, own_hairy=1, own_megakaryo=3)


def made(**changes: object) -> ReportContents:
    """A report of a case of blood, all of whose cells are reviewed; three classes are own ones."""
    cells = (*CELLS, cell(5, PLASMA.code), cell(6, HAIRY.code), cell(7, MEGA.code))
    state = snapshot(cells=cells, by_reviewers=COUNTED, own_classes=OWN)
    return replace(signed(snapshot=state, classes=state.classes), **changes)


def pdf_text(contents: ReportContents) -> str:
    document = pypdfium2.PdfDocument(as_pdf(contents, {}))
    texts = (page.get_textpage().get_text_range() for page in document)
    return " ".join(texts).replace("\r\n", " ")


def test_the_differential_has_them_behind_the_others_and_what_does_not_count_beside():
    lines = [(one.name, one.count, one.share, one.models) for one in differential(made())]
    names = [str(name) for name, *_ in lines]
    total = names.index("White cells")
    assert lines[total - 2 : total] == [
        (PLASMA.name, "2", "50%", "–"),
        (HAIRY.name, "1", "25%", "–"),
    ]
    assert lines[-1] == ("Megakaryocyte", "3", "75.0 per 100 WBC", "–")


def test_the_pdf_prints_their_names_as_typed():
    shown = pdf_text(made())
    assert PLASMA.name in shown
    assert HAIRY.name in shown
    assert "replaces a character" not in shown
    foreign = OwnClass(code="own_x", name="תא", white=True)
    lacking = made(snapshot=snapshot(own_classes=(foreign,)))
    assert foreign.name in texts_of(lacking.snapshot, None)
    assert "replaces a character" in pdf_text(lacking)


def test_the_csv_counts_and_explains_them():
    rows = list(csv.DictReader(io.StringIO(as_csv(made()).decode("utf-8-sig"))))
    told = [row["value"] for row in rows if row["what"] == "own_class"]
    assert told == [
        "own_plasma: Plasma cell <&|^, a white cell, LOINC 26446-5",
        "own_hairy: 毛細胞, a white cell",
        "own_megakaryo: Megakaryocyte, no white cell, LOINC 718-7",
    ]
    whole = {row["what"]: row["value"] for row in rows}
    assert (whole["own_plasma_by_reviewers"], whole["own_megakaryo_by_reviewers"]) == ("2", "3")
    assert "own_plasma_by_models" not in whole
    assert PLASMA.code in {row["label"] for row in rows}


def test_the_json_has_what_was_signed_of_them():
    state = json.loads(as_json(made()))["state"]
    assert state["own_classes"] == [one.serialize() for one in OWN]
    assert "loinc" not in state["own_classes"][1]


def test_fhir_codes_them_by_loinc_where_there_is_one_and_else_locally():
    entries = json.loads(as_fhir(made()))["entry"]
    coded = {
        coding["code"]: one["resource"]["code"]
        for one in entries
        if one["resource"]["resourceType"] == "Observation"
        for coding in one["resource"]["code"]["coding"]
    }
    share = coded["own_plasma-share"]
    assert share["coding"][0] == {"system": LOINC, "code": "26446-5"}
    assert share["text"] == "Plasma cell <&|^, share of white cells"
    assert coded["own_megakaryo-ratio"]["coding"][0] == {"system": LOINC, "code": "718-7"}
    hairy = coded["own_hairy-count"]
    assert [one["system"].rpartition(":")[2] for one in hairy["coding"]] == ["observation"]
    assert hairy["text"] == HAIRY.name
    assert "own_hairy-share" not in coded


def test_hl7_has_a_code_of_its_own_for_each():
    results = [line.split("|") for line in as_hl7(made()).decode().split("\r")]
    codes = [line[3].split("^") for line in results if line[0] == "OBX"]
    known = {one[3] if one[2:3] == ["LN"] else one[0]: one for one in codes}
    assert known["own_plasma-share"][:3] == ["26446-5", "", "LN"]
    assert known["own_plasma-count"][1] == "Plasma cell <\\T\\\\F\\\\S\\"
    assert known["own_hairy-count"][1] == HAIRY.name
    assert known["own_megakaryo-ratio"][:3] == ["718-7", "", "LN"]
    assert len({tuple(one) for one in codes}) == len(codes)


def test_loinc_is_of_blood_alone_and_of_what_people_counted():
    marrow = made().snapshot.specimen.model_copy(update={"kind": "marrow"})
    state = made().snapshot.model_copy(update={"specimen": marrow})
    own = [one for one in results_of(state) if one.code.code.startswith("own_")]
    assert own
    assert all(one.code.loinc is None for one in own)


def test_the_longest_code_fits_into_hl7():
    longest = OwnClass(code=f"own_{'x' * 10}", name="x", white=True, loinc="718-7")
    other = OwnClass(code=f"own_{'x' * 9}y", name="y", white=False)
    state = snapshot(
        own_classes=(longest, other),
        by_reviewers=tally(**{longest.code: 1, other.code: 1}),
    )
    text = as_hl7(signed(snapshot=state)).decode()
    for code in (f"{longest.code}-count", f"{longest.code}-share", f"{other.code}-ratio"):
        assert f"^{code}^" in text or f"|{code}^" in text
        assert len(code) <= CODE_LENGTH
