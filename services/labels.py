"""What specimens are called, on pages and in reports."""

from __future__ import annotations

SPECIMEN_NAMES = {"blood": "Peripheral blood", "marrow": "Bone marrow"}
"""By `records.cases.cases.Case.specimen`."""
