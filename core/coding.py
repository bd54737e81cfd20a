"""Codes of what is reported, in the systems that laboratories share and in our own."""

from __future__ import annotations

OWN = "urn:leukoscope"
"""The system of our own codes and identifiers, for what no standard code certainly fits."""

LOCAL_CODES = "99LEUKO"
"""The same in HL7 v2 and DICOM, where names of local systems begin with 99."""

SPECIMEN_CODES = {
    "blood": ("119297000", "Blood specimen"),
    "marrow": ("119359002", "Bone marrow specimen"),
}
"""SNOMED CT code and term, by kind of specimen."""

REPORT_CODE = ("smear-review", "Blood film review")
