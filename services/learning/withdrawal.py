"""Withdraw cases from learning, and tell which models were fitted to cells that are gone."""

from __future__ import annotations

from records import exclusive_transaction
from records.accounts.accounts import Account
from records.analyses import analyses
from records.audit.audit import Event
from records.cases.cases import Case
from records.learning import cell_features, heads, withdrawn_cases
from records.learning.heads import FittedHead, HeadUse
from services.audit.audit import note
from services.cases.cases import about_case


def withdraw(author: Account, case: Case) -> bool:
    """Learn nothing from a case any more; False where it is withdrawn already.

    What is kept of its cells for learning is removed. Its findings and signatures stay. Models that
    were fitted to it know it until another is fitted and used.
    """
    with exclusive_transaction():
        if case.id in withdrawn_cases.ids():
            return False
        withdrawn_cases.add(case.id, author.id)
        cell_features.remove(analyses.ids_of_case(case.id))
        note(Event.CASE_WITHDRAW, about_case(case))
    return True


def fields_gone(head: FittedHead) -> int | None:
    """Count the fields that a model was fitted to and could not be fitted to now.

    They were deleted or taken out of their case, or the case was withdrawn. None where it is not
    known what the model was fitted to.
    """
    fitted_to = (head.proof or {}).get("fields")
    if fitted_to is None:
        return None
    return len(set(fitted_to) - withdrawn_cases.fields_left(fitted_to))


def in_use_with_gone_fields() -> list[tuple[HeadUse, FittedHead, int | None]]:
    """Return the models in use that know fields that are gone, or of which it is not known."""
    used = [(how, heads.id_in_use(how)) for how in HeadUse]
    counted = [(how, heads.get(head_id)) for how, head_id in used if head_id]
    gone = [(how, head, fields_gone(head)) for how, head in counted]
    return [one for one in gone if one[2] != 0]
