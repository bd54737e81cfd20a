"""The bundle, held against the models of FHIR R4B, whose resources used here are those of R4."""

import json
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs

import pytest
from fhir.resources.R4B.bundle import Bundle

from services.reports.contents import LaterVersion, ReportContents, ReportStatus
from services.reports.fhir import LOINC, as_fhir, as_fhir_transaction
from services.reports.formatting import format_later_version
from tests.reports import (
    BEING_AMENDED,
    SUPERSEDED,
    signed,
    snapshot,
    tally,
    twice_signed,
    with_architecture,
    with_duplicate,
    with_letterhead,
)

MARROW = snapshot().specimen.model_copy(
    update={"kind": "marrow", "collected_on": None, "stain": ""}
)
EMPTY = tally().model_copy(
    update={"white": 0, "share": None, "interval": None, "erythroblasts_per_100": None}
)
REPORTS = {
    "one reader": signed(),
    "two readers": twice_signed(),
    "amended": signed(
        status=ReportStatus.AMENDED, snapshot=snapshot(version=2, amended_because="A slip.")
    ),
    "not signed": signed(status=ReportStatus.PRELIMINARY, signatures=()),
    "marrow": signed(snapshot=snapshot(specimen=MARROW)),
    "empty": signed(snapshot=snapshot(cells=(), by_models=EMPTY, by_reviewers=EMPTY)),
    "laboratory": with_letterhead(),
    "without images": signed(snapshot=snapshot(images=(), models=(), cells=())),
}


def resources(contents: ReportContents, kind: str) -> list[dict[str, Any]]:
    entries = json.loads(as_fhir(contents))["entry"]
    return [each["resource"] for each in entries if each["resource"]["resourceType"] == kind]


@pytest.mark.parametrize("name", REPORTS)
def test_the_bundle_is_valid(name: str):
    bundle = Bundle.model_validate_json(as_fhir(REPORTS[name]))
    assert bundle.type == "collection"
    kinds = [entry.resource.get_resource_type() for entry in bundle.entry]
    assert kinds[:3] == ["DiagnosticReport", "Patient", "Specimen"]


@pytest.mark.parametrize("name", REPORTS)
def test_every_reference_leads_to_an_entry_and_no_entry_comes_twice(name: str):
    bundle = json.loads(as_fhir(REPORTS[name]))
    addresses = [each["fullUrl"] for each in bundle["entry"]]
    assert len(addresses) == len(set(addresses))

    def references(part: object) -> list[str]:
        if isinstance(part, dict):
            own = [part["reference"]] if "reference" in part else []
            return own + [one for value in part.values() for one in references(value)]
        return (
            [one for value in part for one in references(value)] if isinstance(part, list) else []
        )

    assert set(references(bundle)) <= set(addresses)


def test_the_status_follows_the_signatures():
    shown = {name: resources(contents, "DiagnosticReport")[0] for name, contents in REPORTS.items()}
    assert shown["one reader"]["status"] == "final"
    assert shown["amended"]["status"] == "amended"
    assert shown["not signed"]["status"] == "preliminary"
    assert "conclusion" not in shown["not signed"]
    assert shown["one reader"]["conclusion"] == "Blasts are present."
    assert [one["display"] for one in shown["two readers"]["resultsInterpreter"]] == ["ada", "ben"]
    assert "does not diagnose" in shown["one reader"]["text"]["div"]


def test_the_patient_is_a_pseudonym_and_nothing_else():
    (patient,) = resources(signed(), "Patient")
    assert set(patient) == {"resourceType", "id", "identifier"}
    assert [one["value"] for one in patient["identifier"]] == [f"{'c' * 32}/patient", "Alder-7"]


def observation(contents: ReportContents, by: str, code: str) -> dict[str, Any]:
    return next(
        one
        for one in resources(contents, "Observation")
        if one["method"]["coding"][0]["code"] == by
        and any(coding["code"] == code for coding in one["code"]["coding"])
    )


def test_the_blast_share_has_its_interval_and_in_blood_its_loinc_code():
    share = observation(signed(snapshot=snapshot(reviewed=4)), "reviewers", "26446-5")
    assert (share["valueQuantity"]["value"], share["valueQuantity"]["code"]) == (50.0, "%")
    bounds = [one["valueQuantity"]["value"] for one in share["component"]]
    assert bounds == [25.0, 95.0]
    assert share["code"]["coding"][0]["system"] == LOINC
    by_models = observation(signed(), "models", "blast-share")
    assert len(by_models["code"]["coding"]) == 1, "a model counts no manual differential"
    assert LOINC not in json.dumps(resources(REPORTS["marrow"], "Observation"))


def codes(contents: ReportContents) -> str:
    return json.dumps([one["code"] for one in resources(contents, "Observation")])


def test_a_class_has_a_share_only_where_every_white_cell_was_named():
    named = signed(snapshot=snapshot(by_reviewers=tally(blast=2, eosinophil=2), reviewed=4))
    eosinophils = observation(named, "reviewers", "26450-7")
    assert eosinophils["valueQuantity"]["value"] == 50.0
    left_open = snapshot(by_reviewers=tally(blast=2, unclassified=2), reviewed=4)
    for contents in (signed(), signed(snapshot=left_open)):
        assert "eosinophil-share" not in codes(contents)
        assert "26450-7" not in codes(contents)


def test_what_nobody_reviewed_is_no_count_of_reviewers():
    untouched = signed(
        status=ReportStatus.PRELIMINARY, signatures=(), snapshot=snapshot(reviewed=0)
    )
    methods = {one["method"]["text"] for one in resources(untouched, "Observation")}
    assert methods == {"Counted by models"}
    assert "No cells reviewed" in resources(untouched, "DiagnosticReport")[0]["text"]["div"]
    assert LOINC not in codes(untouched)


def test_a_count_in_the_middle_of_a_review_says_so_and_is_no_share():
    unknown = {"share": None, "interval": None, "erythroblasts_per_100": None}
    so_far = tally(blast=1).model_copy(update=unknown)
    case = snapshot(reviewed=1, by_reviewers=so_far)
    begun = signed(status=ReportStatus.PRELIMINARY, signatures=(), snapshot=case)
    count = observation(begun, "reviewers", "blast-count")
    (report,) = resources(begun, "DiagnosticReport")

    assert count["note"][0]["text"] == "1 of 4 cells reviewed."
    assert "Reviewed so far: 1 blast of 4 white cells. 1 of 4 cells" in report["text"]["div"]
    shares = [one for one in resources(begun, "Observation") if "share" in json.dumps(one["code"])]
    assert {one["method"]["coding"][0]["code"] for one in shares} == {"models"}
    assert LOINC not in codes(begun)
    Bundle.model_validate_json(as_fhir(begun))


def test_smudge_cells_and_erythroblasts_stand_beside_the_white_cells():
    counted = tally(blast=2, lymphocyte=2, smudge=3, erythroblast=1)
    contents = signed(snapshot=snapshot(by_reviewers=counted, by_models=tally(blast=4, smudge=1)))

    for by, name, value, unit in (
        ("reviewers", "smudge-count", 3, "{cells}"),
        ("reviewers", "smudge-per-100-wbc", 75.0, "/100{WBCs}"),
        ("reviewers", "nrbc-per-100-wbc", 25.0, "/100{WBCs}"),
        ("models", "smudge-per-100-wbc", 25.0, "/100{WBCs}"),
    ):
        quantity = observation(contents, by, name)["valueQuantity"]
        assert (quantity["value"], quantity["code"]) == (value, unit)
    every = resources(contents, "Observation")
    of_models = [one["code"] for one in every if "models" in str(one["method"])]
    assert "nrbc" not in json.dumps(of_models), "models do not look for them"


def test_counts_and_models_are_told():
    assert observation(signed(), "reviewers", "lymphocyte-count")["valueQuantity"]["value"] == 1
    device = observation(signed(), "models", "blast-count")["device"]["reference"]
    detector = resources(signed(), "Device")[1]
    assert device == f"urn:uuid:{detector['id']}"
    identifiers = [one["value"] for one in detector["identifier"]]
    assert identifiers == ["detector/d-1", "12" * 32, "34" * 32]


def test_the_classifier_has_its_architecture_where_that_is_known():
    contents = signed(snapshot=with_architecture())
    classifier, detector = resources(contents, "Device")

    (prop,) = classifier["property"]
    assert prop["type"]["text"] == "Architecture of the network"
    assert prop["valueCode"] == [{"text": "ResNet50"}]
    assert "property" not in detector
    assert "property" not in resources(signed(), "Device")[0]
    Bundle.model_validate_json(as_fhir(contents))


@pytest.mark.parametrize(
    ("later", "code"), [(SUPERSEDED, "superseded"), (BEING_AMENDED, "being-amended")]
)
def test_a_former_version_is_tagged_and_its_status_stays(later: LaterVersion, code: str):
    contents = signed(later=later)
    (report,) = resources(contents, "DiagnosticReport")
    assert [(tag["code"], tag["display"]) for tag in report["meta"]["tag"]] == [
        (code, format_later_version(contents.later))
    ]
    assert format_later_version(contents.later) in report["text"]["div"]
    assert report["status"] == "final"
    Bundle.model_validate_json(as_fhir(contents))


def test_the_newest_version_has_no_tag():
    assert "meta" not in resources(signed(), "DiagnosticReport")[0]


def test_cells_that_count_twice_are_told():
    (report,) = resources(signed(snapshot=with_duplicate()), "DiagnosticReport")
    assert "Image 2 duplicates an earlier one" in report["text"]["div"]


def test_the_same_report_is_the_same_bundle_and_another_version_is_another():
    assert as_fhir(signed()) == as_fhir(signed())
    first, second = (
        resources(REPORTS[name], "DiagnosticReport")[0] for name in ("one reader", "amended")
    )
    assert first["id"] != second["id"]
    assert first["subject"] == second["subject"]


LONG_COMMON_NAMES = {
    "26446-5": "Blasts/100 leukocytes in Blood",
    "26450-7": "Eosinophils/100 leukocytes in Blood",
    "30180-4": "Basophils/100 leukocytes in Blood",
}
"""As https://loinc.org/24318-8 lists them in LOINC 2.78."""


def codings(part: object) -> list[dict[str, str]]:
    """Every coding below a part of a bundle."""
    if isinstance(part, list):
        return [one for value in part for one in codings(value)]
    if not isinstance(part, dict):
        return []
    own = part.get("coding", [])
    return own + [one for value in part.values() for one in codings(value)]


def test_loinc_names_are_those_of_the_release_that_is_named():
    named = signed(snapshot=snapshot(by_reviewers=tally(blast=2, eosinophil=2), reviewed=4))
    of_loinc = [one for one in codings(json.loads(as_fhir(named))) if one["system"] == LOINC]
    assert {one["code"]: one["display"] for one in of_loinc} == LONG_COMMON_NAMES
    assert {one["version"] for one in of_loinc} == {"2.78"}


@pytest.mark.parametrize(
    ("name", "code", "term"),
    [
        ("one reader", "119297000", "Blood specimen"),
        ("marrow", "119359002", "Bone marrow specimen"),
    ],
)
def test_the_specimen_is_coded(name: str, code: str, term: str):
    (specimen,) = resources(REPORTS[name], "Specimen")
    (coding,) = specimen["type"]["coding"]
    assert (coding["code"], coding["display"]) == (code, term)
    assert coding["system"] == "http://snomed.info/sct"


def test_values_are_of_the_day_on_which_the_specimen_was_taken():
    known = [*resources(signed(), "Observation"), *resources(signed(), "DiagnosticReport")]
    assert {one["effectiveDateTime"] for one in known} == {"2026-11-20"}
    for one in resources(REPORTS["marrow"], "Observation"):
        assert "effectiveDateTime" not in one
        assert one["_effectiveDateTime"]["extension"][0]["valueCode"] == "unknown"


def test_who_reviewed_performed_it_and_nobody_is_named_before_signing():
    roles = resources(twice_signed(), "PractitionerRole")
    assert [one["practitioner"]["display"] for one in roles] == ["ada", "ben"]
    addresses = [f"urn:uuid:{one['id']}" for one in roles]
    share = observation(twice_signed(), "reviewers", "blast-share")
    assert [one["reference"] for one in share["performer"]] == addresses
    assert "performer" not in observation(twice_signed(), "models", "blast-share")

    (role,) = resources(REPORTS["not signed"], "PractitionerRole")
    assert "practitioner" not in role
    (report,) = resources(REPORTS["not signed"], "DiagnosticReport")
    assert report["performer"] == [{"reference": f"urn:uuid:{role['id']}"}]


@pytest.mark.parametrize("name", REPORTS)
def test_a_transaction_creates_each_resource_once(name: str):
    bundle = Bundle.model_validate_json(as_fhir_transaction(REPORTS[name]))
    assert bundle.type == "transaction"
    assert len(bundle.entry) == len(json.loads(as_fhir(REPORTS[name]))["entry"])
    asked = set()
    for entry in bundle.entry:
        kind = entry.resource.get_resource_type()
        assert (entry.request.method, entry.request.url) == ("POST", kind)
        (known,) = parse_qs(entry.request.ifNoneExist)["identifier"]
        system, value = known.split("|")
        assert (system, value) in {(one.system, one.value) for one in entry.resource.identifier}
        assert entry.fullUrl.startswith("urn:uuid:")
        assert entry.resource.id is None
        asked.add((kind, known))
    assert len(asked) == len(bundle.entry)


def test_a_transaction_refers_to_what_it_creates():
    bundle = json.loads(as_fhir_transaction(signed()))
    addresses = {one["fullUrl"] for one in bundle["entry"]}
    (report,) = (
        e["resource"] for e in bundle["entry"] if e["request"]["url"] == "DiagnosticReport"
    )
    linked = [report["subject"], *report["specimen"], *report["result"], *report["performer"]]
    assert {one["reference"] for one in linked} <= addresses


def test_the_same_pseudonym_in_another_case_is_another_patient():
    other = replace(signed(), snapshot=snapshot(case_id="d" * 32))
    first, second = (
        next(
            entry["request"]["ifNoneExist"]
            for entry in json.loads(as_fhir_transaction(one))["entry"]
            if entry["request"]["url"] == "Patient"
        )
        for one in (signed(), other)
    )
    assert first != second
    assert "Alder-7" not in first


def test_models_that_are_not_for_the_specimen_say_so_to_people_and_programs():
    (report,) = resources(REPORTS["marrow"], "DiagnosticReport")
    warning = "Bone marrow: neither model is validated for it."
    (tag,) = report["meta"]["tag"]

    assert tag["code"] == "outside-intended-use"
    assert tag["display"].startswith(warning)
    assert warning in report["text"]["div"]
    for one in resources(REPORTS["marrow"], "Observation"):
        notes = " ".join(note["text"] for note in one.get("note", []))
        by_models = one["method"]["coding"][0]["code"] == "models"
        assert (warning in notes) == by_models
    assert "validated" not in as_fhir(REPORTS["one reader"]).decode()


def test_the_order_has_accession_number_and_priority():
    (report,) = resources(with_letterhead(), "DiagnosticReport")
    (order,) = resources(with_letterhead(), "ServiceRequest")
    (specimen,) = resources(with_letterhead(), "Specimen")

    assert report["basedOn"] == [{"reference": f"urn:uuid:{order['id']}"}]
    assert (order["priority"], order["status"], order["intent"]) == ("urgent", "completed", "order")
    assert order["identifier"][1]["value"] == "H26-4711"
    assert order["identifier"][1]["type"]["coding"][0]["code"] == "ACSN"
    assert specimen["accessionIdentifier"]["value"] == "H26-4711"


def test_what_was_signed_before_cases_had_a_priority_has_no_order():
    assert resources(signed(), "ServiceRequest") == []
    assert "basedOn" not in resources(signed(), "DiagnosticReport")[0]
    assert "accessionIdentifier" not in resources(signed(), "Specimen")[0]


def test_a_warning_comes_with_the_reason_and_who_gave_it():
    contents = with_letterhead()
    (warning,) = [one for one in resources(contents, "Observation") if "valueString" in one]
    (report,) = resources(contents, "DiagnosticReport")

    assert warning["code"]["coding"][0]["code"] == "white_cells"
    assert warning["valueString"].startswith("87 white cells reviewed")
    assert warning["note"][0]["text"] == "No further field."
    assert warning["note"][0]["authorString"] == "Dr Ada Byron"
    assert {"reference": f"urn:uuid:{warning['id']}"} in report["result"]


def test_who_signed_goes_by_the_full_name():
    (reader,) = resources(with_letterhead(), "PractitionerRole")
    assert reader["practitioner"] == {"display": "Dr Ada Byron"}
