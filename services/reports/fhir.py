"""The report as an HL7 FHIR R4 bundle: https://hl7.org/fhir/R4/diagnosticreport.html."""

from __future__ import annotations

import json
from collections.abc import Iterator
from html import escape
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from core.taxonomy import BLAST, CELL_CLASSES, CLASS_NAMES, REPORTED, UNCLASSIFIED
from records.cases.cases import BLOOD
from services.cases.snapshot import CaseSnapshot, ModelUsed, Tally
from services.cases.snapshot_builder import PROPOSING
from services.reports.contents import ASSISTS, ReportContents
from services.reports.formatting import format_later_version, format_warnings

LOINC, UCUM = "http://loinc.org", "http://unitsofmeasure.org"
SNOMED = "http://snomed.info/sct"
TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"
OWN = "urn:leukoscope"
"""The system of our own codes, for what no standard code certainly fits."""

BLOOD_LOINC = {one.code: one.loinc for one in CELL_CLASSES if one.loinc}
"""LOINC code and name of the share of each class that has one, for blood."""

SPECIMEN_CODES = {
    "blood": ("119297000", "Blood specimen"),
    "marrow": ("119359002", "Bone marrow specimen"),
}

Resource = dict[str, Any]


def as_fhir(contents: ReportContents) -> bytes:
    """Write a bundle of type "collection".

    It has the report, the patient by pseudonym, specimen, observations and models.

    The same signed report gives the same bundle, so that a receiver can tell it from another. A
    version that was amended since keeps its status, for R4 has none that says so of a correct
    earlier report, and `entered-in-error` would be untrue. It gets a tag and a sentence instead.
    """
    made = [_report(contents), _patient(contents), _specimen(contents)]
    made += [*_observations(contents), *_devices(contents)]
    bundle = {
        "resourceType": "Bundle",
        "type": "collection",
        "identifier": {"system": f"{OWN}:sha256", "value": contents.sha256},
        "timestamp": _issued(contents),
        "entry": [{"fullUrl": f"urn:uuid:{one['id']}", "resource": one} for one in made],
    }
    return (json.dumps(bundle, indent=2, ensure_ascii=False) + "\n").encode()


def _report(contents: ReportContents) -> Resource:
    snapshot = contents.snapshot
    observations = [one["id"] for one in _observations(contents)]
    made = {
        "resourceType": "DiagnosticReport",
        "id": _id(contents, "report"),
        "text": _narrative(contents),
        "identifier": [
            {"system": f"{OWN}:case", "value": f"{snapshot.case_id}/{snapshot.version}"}
        ],
        "status": contents.status,
        "category": [_coded(f"{TERMINOLOGY}/v2-0074", "HM", "Hematology")],
        "code": _coded(f"{OWN}:report", "smear-review", "Blood film review"),
        "subject": _reference(contents, "patient"),
        "specimen": [_reference(contents, "specimen")],
        "issued": _issued(contents),
        "result": [{"reference": f"urn:uuid:{one}"} for one in observations],
    }
    if contents.later:
        code = "superseded" if contents.later.signed else "being-amended"
        tag = {
            "system": f"{OWN}:tag",
            "code": code,
            "display": format_later_version(contents.later),
        }
        made["meta"] = {"tag": [tag]}
    if contents.signatures:
        made["resultsInterpreter"] = [{"display": one.reader} for one in contents.signatures]
        made["conclusion"] = contents.conclusion
    return made


def _narrative(contents: ReportContents) -> Resource:
    status = f"Status: {contents.status}, version {contents.snapshot.version}."
    sentences = [ASSISTS, status, format_later_version(contents.later), _counted(contents.snapshot)]
    sentences += [*format_warnings(contents.snapshot), contents.conclusion]
    text = escape(" ".join(filter(None, sentences)))
    div = f'<div xmlns="http://www.w3.org/1999/xhtml"><p>{text}</p></div>'
    return {"status": "generated", "div": div}


def _counted(snapshot: CaseSnapshot) -> str:
    if not snapshot.reviewed:
        return "No cells reviewed."
    tally = snapshot.by_reviewers
    blasts = f"Blasts: {tally.blasts.blasts} of {tally.white} white cells."
    return blasts if _all_reviewed(snapshot) else f"{blasts} {_reviewed(snapshot)}."


def _all_reviewed(snapshot: CaseSnapshot) -> bool:
    return snapshot.reviewed == snapshot.total


def _reviewed(snapshot: CaseSnapshot) -> str:
    reviewed = f"{snapshot.reviewed} of {snapshot.total} cells reviewed"
    return f"{reviewed}; the others count as the models propose"


def _patient(contents: ReportContents) -> Resource:
    """Describe the patient by the pseudonym only."""
    pseudonym = contents.snapshot.specimen.pseudonym
    return {
        "resourceType": "Patient",
        "id": _id(contents, "patient"),
        "identifier": [{"system": f"{OWN}:pseudonym", "value": pseudonym}],
    }


def _specimen(contents: ReportContents) -> Resource:
    of = contents.snapshot.specimen
    made = {
        "resourceType": "Specimen",
        "id": _id(contents, "specimen"),
        "type": _coded(SNOMED, *SPECIMEN_CODES[of.kind]),
        "subject": _reference(contents, "patient"),
    }
    if of.collected_on:
        made["collection"] = {"collectedDateTime": of.collected_on}
    if of.stain:
        made["processing"] = [{"description": f"Stain: {of.stain}"}]
    return made


def _observations(contents: ReportContents) -> list[Resource]:
    snapshot = contents.snapshot
    models = _of_tally(contents, "models", snapshot.by_models)
    if not snapshot.reviewed:
        return [*models]
    reviewers = _of_tally(contents, "reviewers", snapshot.by_reviewers)
    return [*reviewers, *_other_shares(contents), *models]


def _of_tally(contents: ReportContents, by: str, tally: Tally) -> Iterator[Resource]:
    """Yield the share of blasts with its interval, then the count of each class."""
    if tally.share is not None:
        share = _observation(contents, by, "blast-share", _share_code(contents, BLAST, by))
        share["valueQuantity"] = _percent(tally.share)
        share["component"] = _bounds(tally)
        yield share
    for label in REPORTED:
        count = _observation(contents, by, label, _code(f"{label}-count", CLASS_NAMES[label]))
        count["valueQuantity"] = _quantity(tally.count(label), "{cells}", "cells")
        yield count


def _other_shares(contents: ReportContents) -> Iterator[Resource]:
    """Yield the shares that only people can name, once they classified every cell."""
    snapshot, tally = contents.snapshot, contents.snapshot.by_reviewers
    if not tally.white or tally.count(UNCLASSIFIED) or not _all_reviewed(snapshot):
        return
    others = [label for label in BLOOD_LOINC if label != BLAST]
    for label in others:
        code = _share_code(contents, label, "reviewers")
        made = _observation(contents, "reviewers", f"{label}-share", code)
        made["valueQuantity"] = _percent(tally.count(label) / tally.white)
        yield made


def _observation(contents: ReportContents, by: str, name: str, code: Resource) -> Resource:
    made = {
        "resourceType": "Observation",
        "id": _id(contents, f"{by} {name}"),
        "status": contents.status,
        "category": [_coded(f"{TERMINOLOGY}/observation-category", "laboratory", "Laboratory")],
        "code": code,
        "subject": _reference(contents, "patient"),
        "specimen": _reference(contents, "specimen"),
        "issued": _issued(contents),
        "method": _coded(f"{OWN}:method", by, f"Counted by {by}"),
    }
    if by == "reviewers" and not _all_reviewed(contents.snapshot):
        made["note"] = [{"text": f"{_reviewed(contents.snapshot)}."}]
    proposing = _proposing(contents.snapshot)
    if by == "models" and len(proposing) == 1:
        made["device"] = _reference(contents, f"device {proposing[0].model} {proposing[0].version}")
    return made


def _proposing(snapshot: CaseSnapshot) -> list[ModelUsed]:
    """Return the networks that propose classes; an observation can name only one."""
    kinds = {(PROPOSING[image.kind], image.model) for image in snapshot.images}
    return [used for used in snapshot.models if (used.model, used.version) in kinds]


def _share_code(contents: ReportContents, label: str, by: str) -> Resource:
    """Return our code, and LOINC's where people counted all cells of blood.

    What models counted is no manual count.
    """
    own = _code(f"{label}-share", f"{CLASS_NAMES[label]}, share of white cells")
    in_blood = contents.snapshot.specimen.kind == BLOOD
    if in_blood and by == "reviewers" and _all_reviewed(contents.snapshot):
        code, display = BLOOD_LOINC[label]
        own["coding"].insert(0, {"system": LOINC, "code": code, "display": display})
    return own


def _bounds(tally: Tally) -> list[Resource]:
    names = ("lower", "upper")
    return [
        {
            "code": _code(f"{name}-95", f"{name.capitalize()} bound of the 95% interval"),
            "valueQuantity": _percent(bound),
        }
        for name, bound in zip(names, tally.interval or (), strict=True)
    ]


def _devices(contents: ReportContents) -> list[Resource]:
    return [_device(contents, used) for used in contents.snapshot.models]


def _device(contents: ReportContents, used: ModelUsed) -> Resource:
    made = {
        "resourceType": "Device",
        "id": _id(contents, f"device {used.model} {used.version}"),
        "deviceName": [{"name": f"Leukoscope {used.model}", "type": "model-name"}],
        "version": [{"value": used.version}],
    }
    if used.architecture:
        kind = _coded(f"{OWN}:device-property", "architecture", "Architecture of the network")
        made["property"] = [{"type": kind, "valueCode": [{"text": used.architecture}]}]
    if used.files:
        made["identifier"] = [
            {"system": f"{OWN}:sha256:{name}", "value": value} for name, value in used.files.items()
        ]
    return made


def _coded(system: str, code: str, display: str) -> Resource:
    return {"coding": [{"system": system, "code": code, "display": display}], "text": display}


def _code(code: str, display: str) -> Resource:
    return _coded(f"{OWN}:observation", code, display)


def _percent(share: float) -> Resource:
    return _quantity(round(100 * share, 2), "%", "%")


def _quantity(value: float, code: str, unit: str) -> Resource:
    return {"value": value, "unit": unit, "system": UCUM, "code": code}


def _issued(contents: ReportContents) -> str:
    at = contents.signatures[-1].at if contents.signed else contents.made_at
    return at.isoformat(timespec="milliseconds")


def _reference(contents: ReportContents, what: str) -> Resource:
    return {"reference": f"urn:uuid:{_id(contents, what)}"}


def _id(contents: ReportContents, what: str) -> str:
    """Make an id: the patient's stays in all versions of a case, others do not."""
    snapshot = contents.snapshot
    version = "" if what in {"patient", "specimen"} else f"/{snapshot.version}"
    return str(_uuid(f"{snapshot.case_id}{version}/{what}"))


def _uuid(name: str) -> UUID:
    return uuid5(NAMESPACE_URL, f"{OWN}:{name}")
