"""Metrics of this server for Prometheus, for whoever has the token."""

from __future__ import annotations

import hmac
from collections.abc import Iterator

from flask import Blueprint, Flask, Response, abort, current_app, request
from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from pages.common import logs
from pages.common.requires import Audience, requires
from services.instance import measures
from settings import Settings

blueprint = Blueprint("metrics", __name__)

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
"""Upper ends in seconds: from a picture that is kept to a field that is read."""

GUESSES = {("accounts.sign_in", 401), ("accounts.code", 401), ("accounts.key", 401)}
"""Answers to a wrong password, code or security key."""


class Metrics:
    """The metrics of one application; another one in the process has its own."""

    def __init__(self, settings: Settings) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "leukoscope_requests",
            "Requests answered.",
            ("endpoint", "method", "status"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "leukoscope_request_seconds",
            "Seconds until an answer was ready.",
            ("endpoint", "method"),
            buckets=BUCKETS,
            registry=self.registry,
        )
        self._guesses = Counter(
            "leukoscope_sign_ins_failed",
            "Wrong passwords, codes and security keys at the sign-in.",
            registry=self.registry,
        )
        ProcessCollector(registry=self.registry)
        self.registry.register(_Installation(settings))

    def note(self, answered: logs.Answered) -> None:
        """Count an answer."""
        labels = (answered.endpoint, answered.method)
        self._requests.labels(*labels, str(answered.status)).inc()
        self._seconds.labels(*labels).observe(answered.seconds)
        if (answered.endpoint, answered.status) in GUESSES:
            self._guesses.inc()


class _Installation(Collector):
    """What is read when it is asked for: queues, cells, disk."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def collect(self) -> Iterator[Metric]:
        """Yield each, of now."""
        now = measures.measure(self._settings)
        tasks = GaugeMetricFamily(
            "leukoscope_tasks", "Background tasks.", labels=("table", "state")
        )
        for labels, number in sorted(now.tasks.items()):
            tasks.add_metric(labels, number)
        yield tasks
        for name, meaning, value in (
            ("white_cells", "White cells of all analyses that are kept.", now.white_cells),
            ("database_bytes", "Size of the database.", now.database_bytes),
            ("disk_bytes", "Size of the disk of the instance.", now.disk_bytes),
            ("disk_free_bytes", "Room on the disk of the instance.", now.free_bytes),
        ):
            yield GaugeMetricFamily(f"leukoscope_{name}", meaning, value)


def init_app(app: Flask) -> None:
    """Count every answer of the application."""
    app.extensions["leukoscope_metrics"] = Metrics(app.config["LEUKOSCOPE"])
    app.teardown_request(lambda _error: _metrics().note(logs.answered()))


@blueprint.get("/metrics")
@requires(Audience.ANYBODY)
def show() -> Response:
    """Answer with the metrics, in the text format of Prometheus."""
    token = current_app.config["LEUKOSCOPE"].metrics_token
    if not token:
        abort(404)
    if not _has(token):
        refusal = Response("A token is needed.\n", 401, mimetype="text/plain")
        refusal.headers["WWW-Authenticate"] = "Bearer"
        return refusal
    return Response(generate_latest(_metrics().registry), content_type=CONTENT_TYPE_LATEST)


def _has(token: str) -> bool:
    """Return whether the request carries the token, without telling how much of it is right."""
    sent = request.headers.get("Authorization", "").encode()
    return hmac.compare_digest(sent, f"Bearer {token}".encode())


def _metrics() -> Metrics:
    return current_app.extensions["leukoscope_metrics"]
