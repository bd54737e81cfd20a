"""One to four workers on PostgreSQL: `python -m benchmarks.cluster [--fields 2000]`.

A server of PostgreSQL, a web server, and workers with one task at a time each, on the loopback and
a temporary installation. The workers read fields by sleeping, so that two cores suffice for four;
with `--networks` they read them with the real networks, each worker pinned to a core. Prints fields
a second, efficiency beside one worker, how long pages take meanwhile, how soon others go on with
the fields of a killed worker, and how many changes a second the lock of the writers lets through.

Variables LEUKOSCOPE_IMAGES_… are passed on, for an installation whose images are in a store.
"""

from __future__ import annotations

import argparse
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass

from flask import Flask
from sqlalchemy import ColumnElement

from benchmarks.cluster_processes import Installation, installed, leave_nothing_behind, passed_on
from benchmarks.grown import AIM, percentiles
from benchmarks.load import grained
from benchmarks.load_clients import Figures, Person
from records import db
from records.accounts.accounts import Role, new_id
from records.analyses.analyses import Analysis
from records.analyses.field_tasks import FieldTask
from records.audit.audit import Event
from records.tasks import UNFINISHED, TaskState
from services.analyses.analysis import Upload
from services.analyses.field_queue import FieldQueue
from services.audit import audit
from tests.people import account_named, add_account
from tests.stand_ins import drawn_field

WORKERS = (1, 2, 3, 4)
OWNERS = 20
"""People whose fields wait: of each, one is read at a time."""

FIELDS, READING_SECONDS = 2_000, 0.5
WAITING = 100
"""Fields of all owners that two workers have before them when one is killed."""

LOOK_EVERY = 0.1
PATIENCE = 600
"""Seconds after which what is waited for counts as lost."""

PAGES = ("/cases", "/history", "/detect", "/healthz")
BETWEEN_PAGES = 0.2
WRITING_SECONDS = 5.0
WRITERS = (1, 2, 4, 8)


@dataclass(frozen=True)
class Run:
    """Record a run: seconds for all fields by so many workers, and times of pages meanwhile.

    `connections` are those of the database, of the workers, a web server and this process.
    """

    workers: int
    fields: int
    seconds: float
    pages: Figures
    connections: int

    @property
    def rate(self) -> float:
        """Fields a second."""
        return self.fields / self.seconds


@dataclass(frozen=True)
class Recovery:
    """Record a recovery: seconds until another worker began the killed one's fields again."""

    begun_anew: int
    seconds: float
    lost: int
    doubled: int


def main() -> None:
    """Run all parts, and print what each found."""
    options = _options()
    leave_nothing_behind()
    variables = passed_on() | {"BENCHMARK_READING_SECONDS": str(options.seconds)}
    if options.networks:
        variables["BENCHMARK_NETWORKS"] = "real"
    reading = "real networks" if options.networks else f"{options.seconds} s of sleep a field"
    print(
        f"\nWorkers on PostgreSQL, {reading}, {OWNERS} owners, {os.cpu_count()} cores", flush=True
    )
    with installed(variables) as installation:
        app = installation.app(max_waiting=options.fields)
        names = [f"owner {number}" for number in range(OWNERS)]
        owners = [add_account(app, name) for name in names]
        with app.app_context():
            account_named(names[0]).role = Role.REVIEWER
            db.session.commit()
            show_runs(installation, app, owners, options)
            show_recovery(recovery(installation, app, owners))
            show_writes(app)
            print(f"  tracebacks of the processes: {installation.errors()}")
            db.session.remove()
            db.engine.dispose()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fields", type=int, default=FIELDS, help="read in all runs together")
    parser.add_argument("--seconds", type=float, default=READING_SECONDS, help="for each field")
    parser.add_argument("--workers", type=int, nargs="+", default=WORKERS, help="in each run")
    parser.add_argument("--networks", action="store_true", help="read with the real networks")
    return parser.parse_args()


def show_runs(
    installation: Installation, app: Flask, owners: list[str], options: argparse.Namespace
) -> None:
    """Let each number of workers read its share of the fields, and print how fast that was."""
    print(f"  {'workers':<9}{'fields':>8}{'/s':>8}{'efficiency':>12}", end="")
    print(f"{'pages 50%':>11}{'95%':>7} ms{'connections':>13}{'load':>7}")
    first: Run | None = None
    for workers in options.workers:
        share = options.fields // len(options.workers)
        run = read_by(installation, app, owners, workers, share, pinned=options.networks)
        first = first or run
        efficiency = run.rate / first.rate / (run.workers / first.workers)
        median, late = percentiles([each for times in run.pages.seconds.values() for each in times])
        errors = ", ".join(f"{name}: {status}" for name, status in run.pages.errors)
        print(
            f"  {run.workers:<9}{run.fields:>8}{run.rate:>8.2f}{efficiency:>12.0%}{median:>11.0f}"
            f"{late:>7.0f}   {run.connections:>13}{os.getloadavg()[0]:>7.1f}  {errors}",
            flush=True,
        )
    print(f"  aim for pages: 95% within {AIM} ms")


def read_by(
    installation: Installation,
    app: Flask,
    owners: list[str],
    workers: int,
    fields: int,
    *,
    pinned: bool = False,
) -> Run:
    """Let so many workers read so many fields while somebody looks at pages."""
    ask(app, owners, fields)
    with looked_at(installation, "owner 0") as pages:
        installation.work(workers, pinned=pinned)
        # What was read while the last ones started does not count.
        before, begun = unread(), time.monotonic()
        connections = installation.connections()
        wait_until(lambda: not unread())
        seconds = time.monotonic() - begun
    installation.stop()
    return Run(workers, before, seconds, pages, connections)


def recovery(
    installation: Installation, app: Flask, owners: list[str], fields: int = WAITING
) -> Recovery:
    """Kill one of two workers while both read, and wait until all is read."""
    asked = ask(app, owners, fields)
    killed, _ = installation.work(2)
    wait_until(lambda: len(running()) > 1)
    killed.kill()
    killed.wait()
    # One of the living, too, which ends it as usual.
    held, begun = running(), time.monotonic()
    wait_until(lambda: not held & running(attempts=1))
    seconds = time.monotonic() - begun
    wait_until(lambda: not unread())
    installation.stop()
    names = db.session.scalars(db.select(Analysis.file_name).where(Analysis.file_name.in_(asked)))
    kept = Counter(names)
    anew = db.select(db.func.count()).select_from(FieldTask).where(FieldTask.attempts > 1)
    return Recovery(
        begun_anew=db.session.scalar(anew) or 0,
        seconds=seconds,
        lost=len(asked - kept.keys()),
        doubled=sum(number > 1 for number in kept.values()),
    )


def show_recovery(found: Recovery) -> None:
    """Print what became of the fields of the killed worker."""
    print(
        f"\n  one of two workers killed: {found.seconds:.1f} s until its {found.begun_anew} field "
        f"was begun anew; lost {found.lost}, doubled {found.doubled}",
        flush=True,
    )


def ask(app: Flask, owners: list[str], fields: int) -> set[str]:
    """Let so many fields wait, those of all owners in turn; the names of their files."""
    queue: FieldQueue = app.extensions["leukoscope_fields"]
    content, batch_id = grained(drawn_field()), new_id()
    names = [f"{batch_id[:8]}-{number}.png" for number in range(fields)]
    for number, name in enumerate(names):
        queue.take(owners[number % len(owners)], Upload(name, content, batch_id))
    return set(names)


def unread() -> int:
    """Count the fields that wait or are read."""
    return _counted(FieldTask.state.in_(UNFINISHED))


def running(attempts: int | None = None) -> set[str]:
    """Return the ids of the fields that are read, or of those that were begun so often."""
    db.session.rollback()
    wanted = db.select(FieldTask.id).filter_by(state=TaskState.RUNNING)
    if attempts is not None:
        wanted = wanted.filter_by(attempts=attempts)
    return set(db.session.scalars(wanted))


def _counted(condition: ColumnElement[bool]) -> int:
    db.session.rollback()
    wanted = db.select(db.func.count()).select_from(FieldTask).where(condition)
    return db.session.scalar(wanted) or 0


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for what is true at last; raises `TimeoutError`."""
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("fields were not read")
        time.sleep(LOOK_EVERY)


@contextmanager
def looked_at(installation: Installation, name: str) -> Generator[Figures]:
    """Have somebody look at pages of a web server, one after the other; the times of all."""
    web, figures, ended = installation.web(), Figures(), threading.Event()
    person = Person(web, name, 0, figures)

    def look() -> None:
        while not ended.is_set():
            for path in PAGES:
                person.get(path, path)
                ended.wait(BETWEEN_PAGES)

    person.sign_in()
    figures.seconds.clear()
    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield figures
    finally:
        ended.set()
        thread.join()
        person.close()


def show_writes(app: Flask, seconds: float = WRITING_SECONDS) -> None:
    """Print how many changes, each an audit row of its own, are committed a second."""
    print("\n  changes a second, each one audit row, by as many writers at once")
    for writers in WRITERS:
        rate = writes_a_second(app, writers, seconds)
        print(f"    {writers} writers{rate:>8.0f}     load {os.getloadavg()[0]:.1f}", flush=True)


def writes_a_second(app: Flask, writers: int, seconds: float) -> float:
    """Let so many threads commit one audit row after the other; rows a second."""
    begun, kept = time.monotonic(), Counter[int]()

    def write(number: int) -> None:
        with app.app_context():
            while time.monotonic() < begun + seconds:
                audit.keep(Event.VIEW, page="benchmark")
                kept[number] += 1

    threads = [threading.Thread(target=write, args=(number,)) for number in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return kept.total() / (time.monotonic() - begun)


if __name__ == "__main__":
    main()
