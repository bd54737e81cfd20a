"""Codes of what is reported, in the systems that laboratories share and in our own."""

from __future__ import annotations

OWN = "urn:leukoscope"
"""The system of our own codes and identifiers, for what no standard code certainly fits."""

LOCAL_CODES = "99LEUKO"
"""The same in HL7 v2 and DICOM, where names of local systems begin with 99."""

BLOOD, MARROW = "blood", "marrow"
"""Codes of the kinds of specimen."""

SPECIMEN_CODES = {
    BLOOD: ("119297000", "Blood specimen"),
    MARROW: ("119359002", "Bone marrow specimen"),
}
"""SNOMED CT code and term, by kind of specimen."""

REPORT_CODE = ("smear-review", "Blood film review")
