"""A server that is killed 32 times while people work: `python -m benchmarks.kills [NUMBER] [SEED]`.

A server of its own with the real networks, on the loopback and a temporary installation, ends by
`kill -9` at random moments of cells, fields, corrections and signatures, and starts again; it takes
under five minutes. Exits with 1 if an acknowledged act was lost or doubled, a file was left that no
row names or a row that names no file, or the audit trail is not whole.
"""

from __future__ import annotations

import random
import sys
import threading
import time
from collections import Counter
from itertools import chain

from flask import Flask
from sqlalchemy import Select

from app import create_app
from benchmarks.kill_clients import (
    AMENDMENT,
    CELL,
    CORRECTION,
    FIELD,
    KINDS,
    LABELS,
    SIGNATURE,
    Acts,
    Corrector,
    Sender,
    Signer,
    Worker,
)
from benchmarks.load import grained
from benchmarks.load_clients import Figures, Person
from benchmarks.load_server import Served, server_with
from benchmarks.reading_room import drawn_field as drawn_with_cells
from benchmarks.reading_room import keep
from models.findings import Detection, FieldFindings
from records import db
from records.accounts.accounts import Role, new_id
from records.analyses import analyses
from records.analyses.analyses import Analysis, AnalysisKind
from records.analyses.field_tasks import FieldTask
from records.cases.cases import Case
from records.cases.reviews import Review
from records.cases.signatures import Amendment, Signature
from records.storage import stored_files
from records.storage.image_store import DiskStore
from records.storage.stored_files import IMAGES, UPLOADS
from records.tasks import GIVEN_UP, TaskState
from services.audit.check import verify
from services.cases.review import Entry, cells_of, record
from services.instance import leftovers
from settings import Settings
from tests.people import account_named
from tests.stand_ins import drawn_cell, drawn_field, stand_in_models

KILLS = 32
SOONEST, LATEST = 0.2, 2.5
"""Seconds from a start until the next kill."""

KILLING_SECONDS = 240
"""After which no further kill follows: on a busy machine each start takes many seconds."""

READING_SECONDS = 60
"""Time limit for analysing the accepted fields after the last start."""

CELL_SIDE = 300
NAMES = ["sender of cells", "sender of fields", "corrector", "signer", "another signer"]


def main(number: int = KILLS, seed: int | None = None) -> int:
    """Kill the server so many times; print and judge what became of the acts."""
    chosen = random.SystemRandom().getrandbits(32) if seed is None else seed
    print(f"{number} kills of a server at work, seed {chosen}", flush=True)
    begun = time.monotonic()
    with server_with(NAMES) as server:
        app = create_app(
            Settings().model_copy(update={"instance_dir": server.instance}), stand_in_models()
        )
        acts, ended = Acts(), threading.Event()
        workers = _workers(app, server, acts, ended)
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.signed_in.wait()
        left = _kill(app, server, number, random.Random(chosen))
        ended.set()
        for worker in workers:
            worker.join()
        _wait_until_read(server)
        given_up = _try_again(app, workers[1].person)
        _wait_until_read(server)
        server.stop()
        good = _report(app, server, acts, left, given_up)
        with app.app_context():
            db.engine.dispose()
    print(f"  seconds {time.monotonic() - begun:.0f}")
    return 0 if good else 1


def _workers(app: Flask, server: Served, acts: Acts, ended: threading.Event) -> list[Worker]:
    """People at work, each of whom does one kind of thing."""
    cell, field = grained(drawn_cell(CELL_SIDE)), grained(drawn_field())
    people = [Person(server, name, number, Figures()) for number, name in enumerate(NAMES)]
    with app.app_context():
        for name in NAMES[2:]:
            account_named(name).role = Role.REVIEWER
        db.session.commit()
        corrector_id = account_named(NAMES[2]).id
        case_id = server.room.split("/")[2]
        (kept,) = analyses.of_case(case_id)
        cells = [f"{kept.id}.{number}" for number in range(20)]
        cases = [f"/cases/{_case_to_sign(app, name)}" for name in NAMES[3:]]
    return [
        Sender(people[0], acts, ended, CELL, cell),
        Sender(people[1], acts, ended, FIELD, field),
        Corrector(people[2], acts, ended, server.room, corrector_id, cells),
        *(Signer(one, acts, ended, case) for one, case in zip(people[3:], cases, strict=True)),
    ]


def _case_to_sign(app: Flask, name: str) -> str:
    """Make a case with one field, whose only cell was named."""
    owner = account_named(name)
    case = Case(owner_id=owner.id, pseudonym="Signed often", specimen="marrow")
    db.session.add(case)
    db.session.flush()
    rgb, _ = drawn_with_cells(1)
    cell = Detection((20.0, 20.0, 80.0, 80.0), "wbc", 0.95, 0.02, 0.97)
    height, width = rgb.shape[:2]
    found = FieldFindings(width, height, (cell,), "drawn", thresholds={"blast": 0.5})
    keep(app.config["LEUKOSCOPE"].instance_dir, owner.id, case.id, rgb, found)
    db.session.commit()
    named = [Entry(new_id(), each.id, LABELS[0]) for each in cells_of(case)]
    record(case, owner.id, named)
    return case.id


def _kill(app: Flask, server: Served, number: int, chance: random.Random) -> Counter[str]:
    """Kill and start the server again; files that no row named before and after the starts."""
    left: Counter[str] = Counter()
    end = time.monotonic() + KILLING_SECONDS
    while left["kills"] < number and time.monotonic() < end:
        time.sleep(chance.uniform(SOONEST, LATEST))
        server.kill()
        killed = time.time()
        left["kills"] += 1
        left["before the start"] += _left(app, killed)
        server.start()
        left["after it"] += _left(app, killed)
        print(".", end="", flush=True)
    print()
    return left


def _left(app: Flask, before: float) -> int:
    with app.app_context():
        return len(leftovers.find(app.config["LEUKOSCOPE"], before))


def _wait_until_read(server: Served) -> None:
    end = time.monotonic() + READING_SECONDS
    while {"waiting", "running"} & set(server.fields()) and time.monotonic() < end:
        time.sleep(0.5)


def _try_again(app: Flask, sender: Person) -> int:
    """Press “Try again” beside each field that was given up; how many there were."""
    wanted = db.select(FieldTask.batch_id, FieldTask.id).filter_by(error=GIVEN_UP)
    with app.app_context():
        given_up = list(db.session.execute(wanted).tuples())
    for batch_id, task_id in given_up:
        sender.post(None, f"/batches/{batch_id}/{task_id}/retry")
    sender.close()
    return len(given_up)


def _report(app: Flask, server: Served, acts: Acts, left: Counter[str], given_up: int) -> bool:
    good = True
    print(
        f"  {'':<16}{'tried':>8}{'acknowledged':>14}{'kept':>8}{'lost':>6}{'doubled':>9}  refused"
    )
    with app.app_context():
        for kind in KINDS:
            kept, known = _kept(kind), set(acts.asked[kind])
            lost = acts.acknowledged[kind] - kept.keys()
            doubled = [name for name in known if kept[name] > 1]
            numbers = (len(known), len(acts.acknowledged[kind]), len(kept.keys() & known))
            print(
                f"  {kind:<16}{numbers[0]:>8}{numbers[1]:>14}{numbers[2]:>8}{len(lost):>6}"
                f"{len(doubled):>9}  {', '.join(sorted(acts.refused[kind]))}"
            )
            good &= not lost and not doubled
        good &= _report_fields(acts, given_up)
        missing = _missing(app)
        findings = verify().findings
        at_the_end = _left(app, time.time() + 1)
    print(f"  files no row names, after {left['kills']} kills: {left['before the start']}")
    print(f"  of these left by the starts: {left['after it']}; at the end: {at_the_end}")
    print(f"  rows that name a file that is gone: {missing}")
    print(f"  tracebacks in the server's log: {server.errors()}")
    if server.errors():
        print(server.log.read_text()[-9000:])
    print(f"  audit verify: {'; '.join(findings) or 'none changed, moved or missing'}", flush=True)
    return good and not (left["after it"] or at_the_end or missing or findings)


def _report_fields(acts: Acts, given_up: int) -> bool:
    """Print what became of the fields that were taken; whether all were read, each once."""
    wanted = db.select(FieldTask.file_name, FieldTask.state, FieldTask.error)
    tasks = [
        (state, error)
        for name, state, error in db.session.execute(wanted)
        if name in acts.acknowledged[FIELD]
    ]
    read = _named(db.select(Analysis.file_name).filter_by(kind=AnalysisKind.DETECTION))
    doubled = sum(number > 1 for name, number in read.items() if name in set(acts.asked[FIELD]))
    states = ", ".join(f"{n} {state}" for state, n in Counter(s for s, _ in tasks).items())
    print(f"  fields taken: {states}; read twice: {doubled}")
    print(f"  of these given up after three starts, and tried again by hand: {given_up}")
    failed = Counter(error for state, error in tasks if state == TaskState.FAILED)
    for error, number in failed.items():
        print(f"    failed: {number} × {error}")
    return not doubled and all(state == TaskState.DONE for state, _ in tasks)


def _kept(kind: str) -> Counter[str]:
    """Count the rows of each act of a kind, by its name."""
    return _named(
        {
            CELL: db.select(Analysis.file_name).filter_by(kind=AnalysisKind.CLASSIFICATION),
            FIELD: db.select(FieldTask.file_name),
            CORRECTION: db.select(Review.key),
            SIGNATURE: db.select(Signature.conclusion),
            AMENDMENT: db.select(Amendment.reason),
        }[kind]
    )


def _named(wanted: Select[tuple[str]]) -> Counter[str]:
    return Counter(db.session.scalars(wanted))


def _missing(app: Flask) -> int:
    """Count files that rows name but that are missing on disk."""
    chosen = app.config["LEUKOSCOPE"]
    roots = {IMAGES: chosen.images_dir, UPLOADS: chosen.uploads_dir}
    stores = {folder: DiskStore(root) for folder, root in roots.items()}
    paths = chain.from_iterable(
        (store.path(name) for name in stored_files.named(folder))
        for folder, store in stores.items()
    )
    return sum(not path.is_file() for path in paths)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
