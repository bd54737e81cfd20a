"""Batches: fields that were sent together."""

from __future__ import annotations

from flask import Response, abort
from flask_login import current_user

from api.v1.analyses_schemas import Batch, describe, describe_waiting
from api.v1.common.answers import UNCHANGED, tagged
from api.v1.common.document import make_blueprint
from api.v1.common.ids import BatchPath
from pages.common.requires import Look, requires
from records.accounts.accounts import Role
from records.accounts.api_tokens import Scope
from records.analyses import analyses, field_tasks

blueprint = make_blueprint("batches", __name__, "/batches", "Fields that were sent together.")


@blueprint.get("/<batch_id>", responses={200: Batch, **UNCHANGED})
@requires(Role.VIEWER, audit=Look.PICTURE, scope=Scope.READ)
def show(path: BatchPath) -> Response:
    """Return the fields of a batch: which wait, which are read, and what was found."""
    tasks = field_tasks.of_batch(current_user.team_id, path.batch_id) or abort(404)
    read = analyses.in_team(current_user.team_id, [task.id for task in tasks])
    items = [
        describe(read[task.id]) if task.id in read else describe_waiting(task) for task in tasks
    ]
    return tagged(Batch(id=path.batch_id, items=items))
