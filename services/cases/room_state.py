"""A short name for all that the reading room shows of a case, to ask whether anything changed."""

from __future__ import annotations

import hashlib

from records.analyses import analyses
from records.cases import comments, reviews, signatures
from records.cases.blinding import sight_of
from records.cases.cases import Case


def of(case: Case, account_id: str) -> str:
    """Name what a person sees of a case now: another name follows every change, in hexadecimal.

    Only counts and flags are asked of the database, and no cell is looked at.
    """
    sight = sight_of(case, account_id)
    parts = (
        reviews.count_of(case.id, sight),
        comments.count_of(case.id, sight),
        analyses.ids_of_case(case.id),
        case.leave_out_edge,
        signatures.locked(case.id),
        case.closed_at is not None,
        sight,
    )
    return hashlib.sha256(repr((account_id, parts)).encode()).hexdigest()[:32]
