"""The demo case: made-up fields to practise on, read by the models like any other."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from core.coding import BLOOD
from core.ids import derived_id
from records import exclusive_transaction, utc_now
from records.accounts.accounts import Account
from records.audit.audit import Event
from records.cases import cases
from records.cases.cases import Case
from services.analyses.analysis import OtherUploadError, Upload
from services.analyses.field_queue import FieldQueue
from services.audit.audit import note
from services.cases.cases import CaseError, about_case
from services.language import lazy_gettext

PSEUDONYM = "Practice smear"
NOTES = "Made-up fields: cells of C-NMC (CC BY 3.0) and PBC (CC BY 4.0) on a drawn background."
NOT_OWN = lazy_gettext("Only your own demo case can be removed.")


def make_demo(owner: Account, queue: FieldQueue, folder: Path) -> Case:
    """Return a person's demo case; where they have none, make it.

    Args:
        folder: has the fields as `field-*.webp`.

    Raises:
        QueueFullError: the person has too many fields waiting; called again, it goes on.
        NoRoomError: the disk is full; likewise.
    """
    with exclusive_transaction():
        case = cases.demo_of(owner.id, owner.team_id)
        if case is None:
            case = Case(owner_id=owner.id, pseudonym=PSEUDONYM, specimen=BLOOD, notes=NOTES)
            case.demo = True
            cases.add(case)
            note(Event.CASE_OPEN, about_case(case), demo=True)
    for path in sorted(folder.glob("field-*.webp")):
        # A picture that another version of the program came with stays as it is.
        with suppress(OtherUploadError):
            queue.take(owner.id, _upload(case, path))
    return case


def remove_demo(case: Case, account_id: str) -> None:
    """Take a demo case off its owner's lists; one that is gone stays gone. Raises `CaseError`.

    It is archived rather than deleted, because reviews are kept.
    """
    with exclusive_transaction(case):
        if not case.demo or case.owner_id != account_id:
            raise CaseError(NOT_OWN)
        if case.archived_at is None:
            case.archived_at = utc_now()
            note(Event.DEMO_REMOVE, about_case(case))


def _upload(case: Case, path: Path) -> Upload:
    """Make a field's upload, under the same id each time."""
    batch_id, upload_id = derived_id(case.id, "demo"), derived_id(case.id, path.name)
    return Upload(path.name, path.read_bytes(), batch_id, case.id, case.team_id, upload_id)
