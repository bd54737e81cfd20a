"""Fit a head to all signed cells, in the background."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import Any

from core.translatable import translatable
from jobs.engine import Tasks
from jobs.work import Progress, TaskError
from models.laboratory.head import TooFewCellsError
from models.laboratory.head_file import to_bytes
from models.manifest import WeightsError
from records import exclusive_transaction
from records.accounts.accounts import Account
from records.audit.audit import About, Event
from records.learning import heads, withdrawn_cases
from records.learning.heads import FittedHead
from records.tasks import TaskState
from services.analyses.analysis import Analyst
from services.audit.audit import note
from services.learning.kept_features import FeatureStore
from services.learning.laboratory_models import LaboratoryModels
from services.learning.observations import Networks
from services.learning.proofs import Proven, prove_head, too_few_sentence
from services.learning.signed_cells import NothingSignedError, SignedCells, read_signed_cells

WITHDRAWN = translatable(
    "A case was withdrawn from learning while the model was being fitted. Fit the model again."
)


class Fitting:
    """Fits heads, one at a time (`Work`)."""

    table = FittedHead
    at_once = 1
    poll_seconds = 5.0

    def __init__(self, laboratory: LaboratoryModels, analyst: Analyst, background: Tasks) -> None:
        self._laboratory = laboratory
        self._analyst = analyst
        self._tasks = background
        background.add(self)

    def ask(self, author: Account) -> FittedHead:
        """Have a head fitted to what is signed; one that is on its way is given instead."""
        with exclusive_transaction():
            head = heads.unfinished()
            if head is None:
                head = heads.add(author.id)
                note(Event.HEAD_FIT, about_head(head), number=head.number)
        self._tasks.enqueue(head)
        return head

    def run(self, task_id: str, progress: Progress) -> dict[str, Any]:
        """Fit and prove the head of one row (`Work`)."""
        return _columns(heads.get(task_id).number, *self.prove(progress))

    def fit_now(self, author: Account, progress: Progress) -> FittedHead:
        """Fit and prove a head in this thread, and keep it; raises `TaskError`."""
        networks, proven = self.prove(progress)
        with exclusive_transaction():
            head = heads.add(author.id)
            head.state = TaskState.DONE
            for name, value in _columns(head.number, networks, proven).items():
                setattr(head, name, value)
            note(Event.HEAD_FIT, about_head(head), number=head.number)
        return head

    def prove(self, progress: Progress) -> tuple[Networks, Proven]:
        """Fit and prove a head without keeping it, with the networks that it is fitted to.

        Raises:
            TaskError: It cannot be fitted, or a case that it was fitted to was withdrawn from
                learning meanwhile; the text says what to do.
        """
        try:
            networks = self._laboratory.networks()
            cells = read_signed_cells(FeatureStore(networks, self._analyst), progress)
            proven = prove_head(cells, networks)
        except TooFewCellsError as error:
            raise TaskError(too_few_sentence(error)) from error
        except (NothingSignedError, WeightsError) as error:
            raise TaskError(str(error)) from error
        _check_not_withdrawn(cells)
        return networks, proven

    def discard(self, made: dict[str, Any]) -> None:
        """Do nothing: a head is kept in its row alone (`Work`)."""


def _check_not_withdrawn(cells: SignedCells) -> None:
    # Contradictions are kept in the proof, and left other cells out.
    places = chain(cells.places, *cells.contradictions)
    if not withdrawn_cases.ids().isdisjoint({place.case_id for place in places}):
        raise TaskError(WITHDRAWN)


def _columns(number: int, networks: Networks, proven: Proven) -> dict[str, Any]:
    head = replace(proven.head, version=version_of(number))
    return {
        "classifier": networks.classifier.version,
        "embedder": networks.embedder.version,
        "contents": to_bytes(head),
        "proof": proven.proof,
    }


def about_head(head: FittedHead) -> About:
    """Name a head as the object of a row of the audit trail."""
    return About("head", head.id)


def version_of(number: int) -> str:
    """Return the version of a head, which findings name behind the classifier's."""
    return f"lab{number}"
