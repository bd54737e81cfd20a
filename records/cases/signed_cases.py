"""The signed cases of a team, by the signatures that completed them."""

from __future__ import annotations

from sqlalchemy import func, select

from records import db
from records.cases.cases import Case
from records.cases.signatures import Signature


def newest_of_team(team_id: str, at_most: int) -> list[tuple[int, str]]:
    """Return id and case of the final signature of each signed case, newest first; no demos.

    Of a case it is that of the newest signed version. What was signed is not read.
    """
    newest = func.max(Signature.id)
    wanted = select(newest, Signature.case_id).join(Case, Case.id == Signature.case_id)
    wanted = wanted.where(Signature.final, Case.team_id == team_id, ~Case.demo)
    wanted = wanted.group_by(Signature.case_id).order_by(newest.desc()).limit(at_most)
    return [(signature_id, case_id) for signature_id, case_id in db.session.execute(wanted)]
