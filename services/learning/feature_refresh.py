"""Compute the kept features of cells again when other networks are served, in the background.

Each field is kept as soon as it is read: what is interrupted goes on where it was. A head that was
fitted to what the former networks said is silent until one is fitted to what these say.
"""

from __future__ import annotations

import logging
from typing import Any

from jobs.engine import Tasks
from jobs.work import Progress, TaskError
from models.manifest import WeightsError
from records import exclusive_transaction
from records.learning import cell_features, feature_tasks
from records.learning.cell_features import Source
from records.learning.feature_tasks import FeatureTask
from services.analyses.analysis import Analyst
from services.learning.kept_features import LAYOUT, FeatureStore, source_of
from services.learning.laboratory_models import LaboratoryModels

log = logging.getLogger(__name__)


class FeatureRefresh:
    """Reads cells again with the networks that are served, one field at a time (`Work`)."""

    table = FeatureTask
    at_once = 1
    poll_seconds = 5.0

    def __init__(self, laboratory: LaboratoryModels, analyst: Analyst, background: Tasks) -> None:
        self._laboratory = laboratory
        self._analyst = analyst
        self._tasks = background
        background.add(self)

    def ask(self) -> FeatureTask | None:
        """Have what other networks said computed again, unless that is under way; None if nothing.

        The background takes it up once it is started.
        """
        if not cell_features.any_kept():
            return None
        try:
            source = Source(*self._laboratory.versions(), LAYOUT)
        except WeightsError as error:
            log.warning("Kept features cannot be compared with the networks: %s", error)
            return None
        with exclusive_transaction():
            if not cell_features.of_other_sources(source):
                return None
            return feature_tasks.unfinished() or feature_tasks.add()

    def run(self, task_id: str, progress: Progress) -> dict[str, Any]:
        """Read the fields that are left (`Work`)."""
        try:
            networks = self._laboratory.networks()
        except WeightsError as error:
            raise TaskError(str(error)) from error
        features = FeatureStore(networks, self._analyst)
        waiting = cell_features.of_other_sources(source_of(networks))
        for done, analysis_id in enumerate(waiting):
            progress(done, len(waiting))
            features.read_anew(analysis_id)
        return {"done": len(waiting), "total": len(waiting)}

    def discard(self, made: dict[str, Any]) -> None:
        """Do nothing: each field is kept as it is read (`Work`)."""
