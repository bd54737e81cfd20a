"""Whether the process answers, and whether it can do its work, for load balancers."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, jsonify

from pages.common.requires import Audience, requires
from services.instance import readiness

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
@requires(Audience.ANYBODY)
def alive() -> Response:
    """Answer that the process does, without a look at anything else."""
    return Response("ok\n", mimetype="text/plain")


@blueprint.get("/readyz")
@requires(Audience.ANYBODY)
def ready() -> Response:
    """Answer with one word for each check: 200 if this server can serve, else 503."""
    models = current_app.extensions.get("leukoscope_models")
    probe = current_app.extensions.get("leukoscope_store_probe")
    elsewhere = current_app.extensions["leukoscope_tasks"].elsewhere
    settings = current_app.config["LEUKOSCOPE"]
    checks = readiness.check(settings, models, probe, elsewhere=elsewhere)
    answer = jsonify({name: str(state) for name, state in checks.items()})
    answer.status_code = 200 if readiness.is_ready(checks) else 503
    return answer
