"""The report as an HL7 FHIR R4 bundle: https://hl7.org/fhir/R4/diagnosticreport.html."""

from __future__ import annotations

import json
from collections.abc import Iterable
from html import escape
from typing import Any
from urllib.parse import quote
from uuid import NAMESPACE_URL, UUID, uuid5

from core.coding import OWN, REPORT_CODE, SPECIMEN_CODES
from core.taxonomy import LOINC_VERSION
from services.cases.checks import SignedCheck
from services.cases.snapshot import CaseSnapshot, ModelUsed
from services.cases.snapshot_builder import PROPOSING
from services.reports.check_sentences import CHECK_NAMES, format_check
from services.reports.contents import ASSISTS, ReportContents, SignatureLine
from services.reports.formatting import (
    format_later_version,
    format_specimen,
    format_warnings,
    signer_name,
)
from services.reports.results import (
    Code,
    Counter,
    Result,
    format_counted,
    results_of,
)

LOINC, UCUM = "http://loinc.org", "http://unitsofmeasure.org"
SNOMED = "http://snomed.info/sct"
TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"
DATA_ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"

Resource = dict[str, Any]


def as_fhir(contents: ReportContents) -> bytes:
    """Write a bundle of type "collection".

    It has the report, the patient by pseudonym, specimen, order, readers, observations and models.

    The same signed report gives the same bundle, so that a receiver can tell it from another. A
    version that was amended since keeps its status, for R4 has none that says so of a correct
    earlier report, and `entered-in-error` would be untrue. It gets a tag and a sentence instead.
    """
    entries = [{"fullUrl": _url(one["id"]), "resource": one} for one in _resources(contents)]
    return _bundle(contents, "collection", entries)


def as_fhir_transaction(contents: ReportContents) -> bytes:
    """Write the same resources as a bundle of type "transaction", to be sent to a server by POST.

    Each is created unless the server has one with its identifier, so that sending it twice makes
    nothing twice: https://hl7.org/fhir/R4/http.html#ccreate.
    """
    return _bundle(contents, "transaction", map(_created, _resources(contents)))


def _bundle(contents: ReportContents, kind: str, entries: Iterable[Resource]) -> bytes:
    bundle = {
        "resourceType": "Bundle",
        "type": kind,
        "identifier": {"system": f"{OWN}:sha256", "value": contents.sha256},
        "timestamp": _issued(contents),
        "entry": [*entries],
    }
    return (json.dumps(bundle, indent=2, ensure_ascii=False) + "\n").encode()


def _created(resource: Resource) -> Resource:
    """Return the entry that creates a resource, whose id the server chooses."""
    identifier = resource["identifier"][0]
    known = f"{quote(identifier['system'])}|{quote(identifier['value'])}"
    kind = resource["resourceType"]
    return {
        "fullUrl": _url(resource["id"]),
        "resource": {name: value for name, value in resource.items() if name != "id"},
        "request": {"method": "POST", "url": kind, "ifNoneExist": f"identifier={known}"},
    }


def _resources(contents: ReportContents) -> list[Resource]:
    return [
        _report(contents),
        _patient(contents),
        _specimen(contents),
        *_orders(contents),
        *_readers(contents),
        *_observations(contents),
        *_devices(contents),
    ]


def _report(contents: ReportContents) -> Resource:
    snapshot = contents.snapshot
    made = {
        "resourceType": "DiagnosticReport",
        "id": _id(contents, "report"),
        "text": _narrative(contents),
        "identifier": [
            {"system": f"{OWN}:case", "value": f"{snapshot.case_id}/{snapshot.version}"}
        ],
        "status": contents.status,
        "category": [_coded(f"{TERMINOLOGY}/v2-0074", "HM", "Hematology")],
        "code": _coded(f"{OWN}:report", *REPORT_CODE),
        "subject": _reference(contents, "patient"),
        "specimen": [_reference(contents, "specimen")],
        **_effective(snapshot),
        "issued": _issued(contents),
        "performer": _performers(contents),
        "result": [{"reference": _url(one["id"])} for one in _observations(contents)],
    }
    if _orders(contents):
        made["basedOn"] = [_reference(contents, "order")]
    if tags := _tags(contents):
        made["meta"] = {"tag": tags}
    if contents.signatures:
        made["resultsInterpreter"] = _performers(contents)
        made["conclusion"] = contents.conclusion
    return made


def _tags(contents: ReportContents) -> list[Resource]:
    """Tag what whoever reads only codes must know: R4's report has no note."""
    tags = {"outside-intended-use": format_specimen(contents.snapshot)}
    if contents.later:
        code = "superseded" if contents.later.signed else "being-amended"
        tags[code] = format_later_version(contents.later)
    return [
        {"system": f"{OWN}:tag", "code": code, "display": display}
        for code, display in tags.items()
        if display
    ]


def _narrative(contents: ReportContents) -> Resource:
    status = f"Status: {contents.status}, version {contents.snapshot.version}."
    sentences = [ASSISTS, status, format_later_version(contents.later)]
    sentences += [format_counted(contents.snapshot), *format_warnings(contents.snapshot)]
    text = escape(" ".join(filter(None, [*sentences, contents.conclusion])))
    div = f'<div xmlns="http://www.w3.org/1999/xhtml"><p>{text}</p></div>'
    return {"status": "generated", "div": div}


def _orders(contents: ReportContents) -> list[Resource]:
    """Describe what was asked for, by accession number and priority; nothing where none is known.

    R4's report has no priority. What was signed before cases had one has none either.
    """
    of = contents.snapshot.specimen
    if not (of.accession or of.priority):
        return []
    made = {
        "resourceType": "ServiceRequest",
        "id": _id(contents, "order"),
        "identifier": [_identifier(contents, "order"), *_accession(contents)],
        "status": "completed" if contents.signed else "active",
        "intent": "order",
        "code": _coded(f"{OWN}:report", *REPORT_CODE),
        "subject": _reference(contents, "patient"),
        "specimen": [_reference(contents, "specimen")],
    }
    if of.priority:
        made["priority"] = of.priority
    return [made]


def _accession(contents: ReportContents) -> list[Resource]:
    accession = contents.snapshot.specimen.accession
    kind = {"coding": [{"system": f"{TERMINOLOGY}/v2-0203", "code": "ACSN"}]}
    known = {"type": kind, "system": f"{OWN}:accession", "value": accession}
    return [known] if accession else []


def _patient(contents: ReportContents) -> Resource:
    """Describe the patient by the pseudonym only.

    What identifies the resource is its case: two teams may use the same pseudonym.
    """
    pseudonym = contents.snapshot.specimen.pseudonym
    return {
        "resourceType": "Patient",
        "id": _id(contents, "patient"),
        "identifier": [
            _identifier(contents, "patient"),
            {"system": f"{OWN}:pseudonym", "value": pseudonym},
        ],
    }


def _specimen(contents: ReportContents) -> Resource:
    of = contents.snapshot.specimen
    made = {
        "resourceType": "Specimen",
        "id": _id(contents, "specimen"),
        "identifier": [_identifier(contents, "specimen")],
        "type": _coded(SNOMED, *SPECIMEN_CODES[of.kind]),
        "subject": _reference(contents, "patient"),
    }
    for accession in _accession(contents):
        made["accessionIdentifier"] = accession
    if of.collected_on:
        made["collection"] = {"collectedDateTime": of.collected_on}
    if of.stain:
        made["processing"] = [{"description": f"Stain: {of.stain}"}]
    return made


def _readers(contents: ReportContents) -> list[Resource]:
    """Describe who signed, by name; before that, only that there is a reviewer."""
    if not contents.signatures:
        return [_reader(contents, "reviewer", "Reviewer")]
    return [
        {
            **_reader(contents, one.role, signer_name(one.role, contents.signatures)),
            "practitioner": {"display": one.name},
        }
        for one in contents.signatures
    ]


def _reader(contents: ReportContents, role: str, meaning: str) -> Resource:
    return {
        "resourceType": "PractitionerRole",
        "id": _id(contents, f"reader {role}"),
        "identifier": [_identifier(contents, f"reader {role}")],
        "code": [_coded(f"{OWN}:role", role, meaning)],
    }


def _performers(contents: ReportContents) -> list[Resource]:
    if not contents.signatures:
        return [_reference(contents, "reader reviewer")]
    return [_performer(contents, one) for one in contents.signatures]


def _performer(contents: ReportContents, signature: SignatureLine) -> Resource:
    reference = _reference(contents, f"reader {signature.role}")
    return {**reference, "display": signature.name}


def _observations(contents: ReportContents) -> list[Resource]:
    counted = [_observation(contents, result) for result in results_of(contents.snapshot)]
    return counted + [
        _warning(contents, signature, check)
        for signature in contents.signatures
        for check in signature.reasons
    ]


def _warning(contents: ReportContents, signature: SignatureLine, check: SignedCheck) -> Resource:
    """Describe a check that warned, and why the case was signed all the same."""
    name = f"check {signature.role} {check.code}"
    reason = {
        "authorString": signature.name,
        "time": signature.at.isoformat(timespec="milliseconds"),
        "text": check.reason,
    }
    return {
        **_on_specimen(contents, name),
        "code": _coded(f"{OWN}:check", check.code, CHECK_NAMES[check.code]),
        "issued": signature.at.isoformat(timespec="milliseconds"),
        "performer": [_performer(contents, signature)],
        "valueString": format_check(check, contents.snapshot),
        "note": [reason],
    }


def _observation(contents: ReportContents, result: Result) -> Resource:
    made = {
        **_on_specimen(contents, f"{result.by} {result.name}"),
        "code": _code(result.code),
        "issued": _issued(contents),
        "method": _coded(f"{OWN}:method", result.by, f"Counted by {result.by}"),
        "valueQuantity": _quantity(result, result.value),
    }
    if result.bounds:
        made["component"] = [
            {"code": _code(code), "valueQuantity": _quantity(result, bound)}
            for code, bound in result.bounds
        ]
    if result.note:
        made["note"] = [{"text": result.note}]
    if result.by == Counter.REVIEWERS:
        made["performer"] = _performers(contents)
    proposing = _proposing(contents.snapshot)
    if result.by == Counter.MODELS and len(proposing) == 1:
        made["device"] = _reference(contents, f"device {proposing[0].model} {proposing[0].version}")
    return made


def _on_specimen(contents: ReportContents, name: str) -> Resource:
    """Return what all observations have, whatever they say."""
    return {
        "resourceType": "Observation",
        "id": _id(contents, name),
        "identifier": [_identifier(contents, name)],
        "status": contents.status,
        "category": [_coded(f"{TERMINOLOGY}/observation-category", "laboratory", "Laboratory")],
        "subject": _reference(contents, "patient"),
        "specimen": _reference(contents, "specimen"),
        **_effective(contents.snapshot),
    }


def _proposing(snapshot: CaseSnapshot) -> list[ModelUsed]:
    """Return the networks that propose classes; an observation can name only one."""
    kinds = {(PROPOSING[image.kind], image.model) for image in snapshot.images}
    return [used for used in snapshot.models if (used.model, used.version) in kinds]


def _devices(contents: ReportContents) -> list[Resource]:
    return [_device(contents, used) for used in contents.snapshot.models]


def _device(contents: ReportContents, used: ModelUsed) -> Resource:
    files = [
        {"system": f"{OWN}:sha256:{name}", "value": value} for name, value in used.files.items()
    ]
    made = {
        "resourceType": "Device",
        "id": _id(contents, f"device {used.model} {used.version}"),
        "identifier": [
            {"system": f"{OWN}:model", "value": f"{used.model}/{used.version}"},
            *files,
        ],
        "deviceName": [{"name": f"Leukoscope {used.model}", "type": "model-name"}],
        "version": [{"value": used.version}],
    }
    if used.architecture:
        kind = _coded(f"{OWN}:device-property", "architecture", "Architecture of the network")
        made["property"] = [{"type": kind, "valueCode": [{"text": used.architecture}]}]
    return made


def _effective(snapshot: CaseSnapshot) -> Resource:
    """Return when the specimen was taken, which is the time that the values are true of."""
    if snapshot.specimen.collected_on:
        return {"effectiveDateTime": snapshot.specimen.collected_on}
    unknown = {"url": DATA_ABSENT, "valueCode": "unknown"}
    return {"_effectiveDateTime": {"extension": [unknown]}}


def _coded(system: str, code: str, display: str) -> Resource:
    return {"coding": [{"system": system, "code": code, "display": display}], "text": display}


def _code(code: Code) -> Resource:
    made = _coded(f"{OWN}:observation", code.code, code.meaning)
    if code.loinc:
        number, display = code.loinc
        coding = {"system": LOINC, "code": number}
        if display:
            coding = {**coding, "version": LOINC_VERSION, "display": display}
        made["coding"].insert(0, coding)
    return made


def _quantity(result: Result, value: float) -> Resource:
    return {"value": value, "unit": result.unit_name, "system": UCUM, "code": result.unit}


def _issued(contents: ReportContents) -> str:
    at = contents.signatures[-1].at if contents.signed else contents.made_at
    return at.isoformat(timespec="milliseconds")


def _reference(contents: ReportContents, what: str) -> Resource:
    return {"reference": _url(_id(contents, what))}


def _url(resource_id: str) -> str:
    return f"urn:uuid:{resource_id}"


def _identifier(contents: ReportContents, what: str) -> Resource:
    return {"system": f"{OWN}:resource", "value": _name(contents, what)}


def _id(contents: ReportContents, what: str) -> str:
    return str(_uuid(_name(contents, what)))


def _name(contents: ReportContents, what: str) -> str:
    """Name a resource: the patient's name stays in all versions of a case, others do not."""
    snapshot = contents.snapshot
    version = "" if what in {"patient", "specimen"} else f"/{snapshot.version}"
    return f"{snapshot.case_id}{version}/{what}"


def _uuid(name: str) -> UUID:
    return uuid5(NAMESPACE_URL, f"{OWN}:{name}")
