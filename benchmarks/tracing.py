"""Measure what traces cost: `python -m benchmarks.tracing`.

Processes without and with a collector take turns; each makes the application, answers the same
page many times in one thread, and tells of its memory and of the time of a page.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from statistics import median
from tempfile import TemporaryDirectory

from app import create_app, trace
from benchmarks.memory import memory_mib
from core import tracing
from core.tracing import Kind
from records import opening
from settings import Settings
from tests.collector import collecting
from tests.stand_ins import stand_in_models

ROUNDS, PAGES, WARM = 3, 200, 30
PAGE = "/sign-in"
ONE = "one"


def main() -> None:
    """Print the medians of all rounds, without and with a collector."""
    if ONE in sys.argv:
        print(json.dumps(measured()))
        return
    kinds: dict[str, list[dict[str, float]]] = {"off": [], "on": []}
    with collecting() as collector:
        for _ in range(ROUNDS):
            for kind, found in kinds.items():
                found.append(in_process(collector.url if kind == "on" else ""))
        print(f"{len(collector.spans())} spans in {sum(map(len, collector.bodies))} bytes")
    for kind, found in kinds.items():
        for name in found[0]:
            print(f"{kind:4}{name:24}{median(one[name] for one in found):8.2f}")


def in_process(url: str) -> dict[str, float]:
    """Measure in a process of its own."""
    with TemporaryDirectory() as folder:
        given = {"LEUKOSCOPE_INSTANCE": folder, "LEUKOSCOPE_TRACES_URL": url}
        command = [sys.executable, "-m", "benchmarks.tracing", ONE]
        done = subprocess.run(command, env=os.environ | given, capture_output=True, check=True)
        return json.loads(done.stdout.splitlines()[-1])


def measured() -> dict[str, float]:
    """Make the application, and answer."""
    settings = Settings.from_environment()
    app = create_app(settings, stand_in_models())
    with app.app_context():
        opening.bring_up_to_date(settings)
    before, begun = memory_mib(), time.perf_counter()
    trace(settings, "all")
    found = {"begin, ms": 1000 * (time.perf_counter() - begun), "begin, MiB": memory_mib() - before}
    client = app.test_client()
    seconds = []
    for _ in range(WARM + PAGES):
        begun = time.perf_counter()
        client.get(PAGE)
        seconds.append(time.perf_counter() - begun)
    found["a page, ms"] = 1000 * median(seconds[WARM:])
    found["a span, ms"] = 1000 * seconds_of_span()
    found["after the pages, MiB"] = memory_mib()
    begun = time.perf_counter()
    tracing.close()
    return found | {"end, ms": 1000 * (time.perf_counter() - begun)}


def seconds_of_span() -> float:
    """Return the processor time of beginning and ending a span, with no request in it."""
    begun = time.thread_time()
    for _ in range(PAGES):
        with tracing.span("GET", Kind.REQUEST):
            pass
    return (time.thread_time() - begun) / PAGES


if __name__ == "__main__":
    main()
