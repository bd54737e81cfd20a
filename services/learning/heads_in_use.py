"""Take heads into use and out of it; each act is noted."""

from __future__ import annotations

from records import exclusive_transaction
from records.accounts.accounts import Account
from records.audit.audit import Event
from records.learning import heads
from records.learning.heads import FittedHead, HeadUse
from records.tasks import TaskState
from services.audit.audit import note
from services.language import lazy_gettext
from services.learning.fitting import about_head
from services.learning.laboratory_models import LaboratoryModels

NOT_FITTED = lazy_gettext("This model is not fitted yet.")
NOT_PASSED = lazy_gettext(
    "This model did not pass its test: on cells of patients it had not seen it was worse in at "
    "least one figure. It cannot be activated."
)
OTHER_NETWORKS = lazy_gettext(
    "This model was fitted to a version of the networks that is no longer installed. Fit a new one."
)

_EVENTS = {HeadUse.ACTIVE: Event.HEAD_ACTIVATE, HeadUse.SHADOW: Event.HEAD_SHADOW}
_STOPS = {HeadUse.ACTIVE: Event.HEAD_DEACTIVATE, HeadUse.SHADOW: Event.HEAD_SHADOW_STOP}


class HeadUseError(Exception):
    """A head cannot be used so; the text is a sentence for the administrator."""


def use(author: Account, laboratory: LaboratoryModels, head: FittedHead, how: HeadUse) -> bool:
    """Use a head from the next field on; False where it is used so already.

    A head that did not pass may run in shadow, where nobody is shown its answers.

    Raises:
        HeadUseError: It is not fitted, did not pass, or does not fit the networks.
        WeightsError: The networks that it needs cannot be loaded.
    """
    if (reason := why_not(laboratory, head, how)) is not None:
        raise HeadUseError(reason)
    with exclusive_transaction():
        before = heads.id_in_use(how)
        if before == head.id:
            return False
        heads.change_use(author.id, how, head.id)
        if how == HeadUse.ACTIVE and heads.id_in_use(HeadUse.SHADOW) == head.id:
            heads.change_use(author.id, HeadUse.SHADOW, None)
        note(_EVENTS[how], about_head(head), number=head.number, before=_number(before))
    return True


def stop(author: Account, how: HeadUse) -> bool:
    """Use no head so from the next field on; False where none was."""
    with exclusive_transaction():
        before = heads.id_in_use(how)
        if before is None:
            return False
        heads.change_use(author.id, how, None)
        head = heads.get(before)
        note(_STOPS[how], about_head(head), number=head.number)
    return True


def why_not(laboratory: LaboratoryModels, head: FittedHead, how: HeadUse) -> str | None:
    """Say why a head cannot be used so; None where it can."""
    if head.state != TaskState.DONE or head.proof is None:
        return str(NOT_FITTED)
    if not laboratory.fits(head):
        return str(OTHER_NETWORKS)
    if how == HeadUse.ACTIVE and not head.proof["passed"]:
        return str(NOT_PASSED)
    return None


def _number(head_id: str | None) -> int | None:
    return heads.get(head_id).number if head_id else None
