"""Try engines for background tasks under `kill -9`: `python -m benchmarks.task_engines [NAME ...]`.

Twenty jobs of three steps for two owners. The process that does them is killed three times, each
time some moments after its first step, and started again. Prints a row of a table for each engine
(`dbos` and `huey` unless named): steps done and done twice, jobs lost, the longest run of one
owner's jobs, the seconds from the last start to the end, and what the idle process takes. An engine
that is not installed is skipped: `pip install huey==3.5.4`.
"""

from __future__ import annotations

import importlib.util
import itertools
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.memory import memory_mib

JOBS, STEPS = 20, ("read", "find", "keep")
STEP_SECONDS = 0.4
KILLED_AFTER = (0.2, 0.7, 1.1)
"""Seconds from the first step of a process to its end."""
PATIENCE = 60
"""Seconds after the last start in which everything is to be done."""

IDLE_SECONDS = 10


def main(*names: str) -> None:
    """Try the engines and print the table."""
    print("| engine | steps done | done twice | jobs lost | run of an owner | s to the end |")
    print("|---|---:|---:|---:|---:|---:|", flush=True)
    notes = []
    for name in names or ("dbos", "huey"):
        if importlib.util.find_spec(name) is None:
            print(f"| {name} | not installed | | | | |")
            continue
        with TemporaryDirectory() as folder:
            notes.append(trial(name, Path(folder)))
    print(*notes, sep="\n")


def trial(name: str, folder: Path) -> str:
    """Try one engine; print its row, and return a sentence on the idle process."""
    run(name, folder, "ask").wait()
    for seconds in KILLED_AFTER:
        before = len(done(folder))
        worker = run(name, folder, "work")
        while len(done(folder)) == before:
            time.sleep(0.02)
        time.sleep(seconds)
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    worker = run(name, folder, "work")
    took = until_done(folder)
    before = processor_seconds(worker.pid)
    time.sleep(IDLE_SECONDS)
    idle = (processor_seconds(worker.pid) - before) / IDLE_SECONDS
    memory = memory_mib(pid=worker.pid)
    worker.kill()
    worker.wait()
    steps = done(folder)
    per_job = Counter(job for job, _ in steps)
    lost = sum(len({step for job, step in steps if job == each}) < len(STEPS) for each in jobs())
    twice = len(steps) - len(set(steps))
    runs = (len(list(group)) for _, group in itertools.groupby(owner(job) for job in per_job))
    columns = (name, f"{len(set(steps))} of {JOBS * len(STEPS)}", twice, lost)
    row = " | ".join(str(column) for column in (*columns, max(runs, default=0), took))
    print(f"| {row} |", flush=True)
    return f"{name}, idle: {memory:.0f} MiB, {idle:.1%} of one processor"


def run(name: str, folder: Path, act: str) -> subprocess.Popen[bytes]:
    """Start a process of an engine: it asks for the jobs, or does them."""
    # As a file, since the package would load the application too.
    command = [sys.executable, __file__, "--process", name, str(folder), act]
    return subprocess.Popen(command)


def until_done(folder: Path) -> str:
    """Wait until all steps are done; the seconds that it took."""
    begun = time.monotonic()
    while time.monotonic() - begun < PATIENCE:
        if len(set(done(folder))) == JOBS * len(STEPS):
            return f"{time.monotonic() - begun:.0f}"
        time.sleep(0.2)
    return f"not in {PATIENCE}"


def jobs() -> list[str]:
    """Return the names of the jobs; all of the first owner's come before the second's."""
    return [f"{owner}{number:02}" for owner in "ab" for number in range(JOBS // 2)]


def owner(job: str) -> str:
    """Return whose job it is."""
    return job[0]


def done(folder: Path) -> list[tuple[str, str]]:
    """Return the steps that were done, in order."""
    log = folder / "log"
    lines = log.read_text().split("\n")[:-1] if log.exists() else []
    return [(line.split()[0], line.split()[1]) for line in lines]


def do(folder: Path, job: str, step: str) -> None:
    """Do one step: it takes a while, then is kept."""
    time.sleep(STEP_SECONDS)
    with (folder / "log").open("a") as log:
        log.write(f"{job} {step}\n")


def processor_seconds(pid: int) -> float:
    """Return the processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def with_dbos(folder: Path, act: str) -> None:
    """Each step is kept by DBOS; of each owner one job runs at a time."""
    from dbos import DBOS, SetEnqueueOptions, SetWorkflowID

    @DBOS.step()
    def step(job: str, name: str) -> None:
        do(folder, job, name)

    @DBOS.workflow()
    def work(job: str) -> None:
        for name in STEPS:
            step(job, name)

    DBOS(
        config={
            "name": "trial",
            "system_database_url": f"sqlite:///{folder / 'dbos.sqlite'}",
            "application_version": "1",
            "log_level": "ERROR",
        }
    )
    DBOS.listen_queues(["jobs"] if act == "work" else [])
    DBOS.launch()
    DBOS.register_queue(
        "jobs", worker_concurrency=2, partition_concurrency=1, polling_interval_sec=0.25
    )
    if act == "ask":
        for job in jobs():
            with SetWorkflowID(job), SetEnqueueOptions(queue_partition_key=owner(job)):
                DBOS.enqueue_workflow("jobs", work, job)
        DBOS.destroy()
    else:
        time.sleep(PATIENCE * 3)


def with_huey(folder: Path, act: str) -> None:
    """Make a job one task, since huey keeps neither steps nor turns."""
    import huey  # pyright: ignore[reportMissingImports]  installed for the trial alone

    app = huey.SqliteHuey("trial", filename=str(folder / "huey.sqlite"))

    @app.task(retries=3)
    def work(job: str) -> None:
        for name in STEPS:
            do(folder, job, name)

    if act == "ask":
        for job in jobs():
            work(job)
    else:
        consumer = app.create_consumer(workers=2)
        consumer.start()
        time.sleep(PATIENCE * 3)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--process"]:
        {"dbos": with_dbos, "huey": with_huey}[sys.argv[2]](Path(sys.argv[3]), sys.argv[4])
    else:
        main(*sys.argv[1:])
