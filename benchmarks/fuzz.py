"""Damaged files sent to every route that takes files: `python -m benchmarks.fuzz [NUMBER] [SEED]`.

Exits with 1 if any answer was an error of the server, any request hung or any file was left behind.
"""

from __future__ import annotations

import faulthandler
import itertools
import logging
import random
import resource
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, Phase, given, seed, settings

from app import create_app
from jobs.runner import GOING_WRONG
from records import db
from records.analyses.field_tasks import FieldTask
from services.instance import leftovers
from settings import Settings
from tests.cases import open_case
from tests.image_files import damaged_files
from tests.people import account_named, sign_in_as
from tests.stand_ins import stand_in_models
from tests.uploads import follow, send

NUMBER = 10_000
EVERY = 500
"""Uploads between two lines of progress."""

HANGS = 10
"""Seconds after which a request counts as hung, with what follows from it in the background."""

ENDS = 120
"""Seconds after which the run ends, and prints where each thread is."""


@dataclass
class Outcomes:
    """Count the answers to the uploads so far."""

    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    errors: list[str] = field(default_factory=list)
    hangs: list[str] = field(default_factory=list)
    slowest: float = 0.0

    @property
    def sent(self) -> int:
        """Return the number of uploads sent."""
        return self.answers.total()


def main(number: int = NUMBER, number_of_seed: int | None = None) -> int:
    """Send damaged files; print and judge what became of them."""
    chosen = random.SystemRandom().getrandbits(32) if number_of_seed is None else number_of_seed
    print(f"{number} uploads, seed {chosen}", flush=True)
    warnings.simplefilter("ignore")
    before = _peak()
    with tempfile.TemporaryDirectory() as folder, _served(Path(folder)) as app:
        outcomes = _send(app, number, chosen)
        outcomes.errors += _gone_wrong(app)
        left = sorted(_left_behind(app))
    _report(outcomes, left, before)
    return 1 if outcomes.errors or outcomes.hangs or left else 0


@contextmanager
def _served(folder: Path) -> Generator[Flask]:
    """Serve an empty installation, its background at work."""
    chosen = Settings.model_construct(
        instance_dir=folder, weights_dir=folder, password_memory_kib=8, password_passes=1
    )
    app = create_app(chosen, stand_in_models())
    app.config["PROPAGATE_EXCEPTIONS"] = False
    with app.app_context():
        db.create_all()
    app.extensions["leukoscope_tasks"].start()
    try:
        yield app
    finally:
        app.extensions["leukoscope_tasks"].stop()
        with app.app_context():
            db.engine.dispose()


def _send(app: Flask, number: int, chosen: int) -> Outcomes:
    client, outcomes = sign_in_as(app, "ada"), Outcomes()
    routes = itertools.cycle(_routes(client))

    @seed(chosen)
    @settings(
        max_examples=number,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        # Its own iteration has no types.
        suppress_health_check=list(HealthCheck),  # pyright: ignore[reportArgumentType]
    )
    @given(damaged_files())
    def upload(data: bytes) -> None:
        _upload(client, next(routes), data, outcomes)

    upload()
    return outcomes


def _gone_wrong(app: Flask) -> list[str]:
    """Fields that failed in the background for another reason than their file."""
    with app.app_context():
        failed = db.select(FieldTask.id).filter_by(error=GOING_WRONG)
        return [f"/detect: task {task_id} went wrong" for task_id in db.session.scalars(failed)]


def _routes(client: FlaskClient) -> list[tuple[str, dict[str, str], bool]]:
    """Path, form and whether it is a script that sends, of each way that files are taken."""
    with client.application.app_context():
        case_id = open_case(account_named("ada").id).id
    return [
        (path, form, as_json)
        for path in ("/classify", "/detect")
        for form in ({}, {"case": case_id})
        for as_json in (True, False)
    ]


def _upload(
    client: FlaskClient, route: tuple[str, dict[str, str], bool], data: bytes, outcomes: Outcomes
) -> None:
    path, form, as_json = route
    faulthandler.dump_traceback_later(ENDS, exit=True)
    start = time.monotonic()
    try:
        answer = send(client, path, ("smear", data), as_json=as_json, **form)
        if answer.status_code == 202:
            follow(client, answer.get_json())
    except Exception as error:  # counted, and the run goes on
        outcomes.errors.append(f"{path}: {error!r}, {data[:200].hex()}")
        outcomes.answers[path, 599] += 1
        return
    finally:
        faulthandler.cancel_dump_traceback_later()
    took = time.monotonic() - start
    outcomes.slowest = max(outcomes.slowest, took)
    outcomes.answers[path, answer.status_code] += 1
    if answer.status_code >= 500:
        outcomes.errors.append(f"{path}: {answer.status_code}, {data[:200].hex()}")
    if took > HANGS:
        outcomes.hangs.append(f"{path}: {took:.0f} s, {data[:200].hex()}")
    if outcomes.sent % EVERY == 0:
        print(f"  {outcomes.sent} sent, {len(outcomes.errors)} errors", flush=True)


def _left_behind(app: Flask) -> set[str]:
    """Files that no row names, half-written ones too."""
    with app.app_context():
        left = leftovers.find(app.config["LEUKOSCOPE"], time.time() + 1)
    return {each.place for each in (*left.images, *left.uploads, *left.derived)}


def _peak() -> float:
    """Most resident memory of this process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _report(outcomes: Outcomes, left: list[str], before: float) -> None:
    for (path, status), number in sorted(outcomes.answers.items()):
        print(f"  {path:<12} {status}  {number:6}")
    print(f"uploads             {outcomes.sent:6}")
    print(f"answers of 5xx      {len(outcomes.errors):6}")
    print(f"hangs over {HANGS} s     {len(outcomes.hangs):6}  (slowest {outcomes.slowest:.2f} s)")
    print(f"peak of memory      {_peak():6.0f} MB  ({before:.0f} MB before the first upload)")
    print(f"files left behind   {len(left):6}")
    for line in [*outcomes.errors[:20], *outcomes.hangs[:20], *left[:20]]:
        print(line)


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    sys.exit(main(*map(int, sys.argv[1:])))
