"""Many people at once: `python -m benchmarks.load`, in less than five minutes.

A server of its own, on the loopback and a temporary installation, is used by 8, 32 and 100 people
who sign in, send cells and fields, and look at the history and a reading room. Then pages are
timed, once alone and once while 24 people send cells without a pause.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageFilter

from benchmarks.load_clients import UNTIL_READ, Figures, Person
from benchmarks.load_server import Served, server_with
from imaging.images import RgbImage, encode_png
from tests.stand_ins import drawn_cell, drawn_field

LEVELS = (8, 32, 100)
LEVEL_SECONDS = 40
PAUSE = 1.0
"""Seconds that a person looks at what came, at most."""

SENDERS, LOOKERS = 24, 2
PAGES_SECONDS = 20
CALM_SECONDS = 20
"""How long fields that were sent before may take before pages are timed alone."""

CELL_SIDE = 300
AIM = 3.0

SHARES = {"sign-in": 1, "classify": 4, "detect": 1, "history": 3, "reading room": 2}
"""How often a person does what."""


def main() -> None:
    """Print what each number of people waits for, and what pages take beside senders."""
    names = [f"person {number}" for number in range(max(LEVELS))]
    with server_with(names) as server:
        print("\nMany people at once, on a machine that they share with the server")
        print(f"  memory at the start {_memory(server)}", flush=True)
        for people in LEVELS:
            show_level(server, names[:people])
        print(f"  memory at the end   {_memory(server)}")
        print(f"  fields sent, by state: {server.fields()}", flush=True)
        show_pages(server, names)
        print(f"  memory at the end   {_memory(server)}")
        print(f"  tracebacks in the server's log: {server.errors()}")


def show_level(server: Served, names: list[str]) -> None:
    """Let so many people work, and print what they waited for."""
    figures, cell, field = Figures(), grained(drawn_cell(CELL_SIDE)), grained(drawn_field())

    def work(person: Person, end: float) -> None:
        person.sign_in()
        while time.monotonic() < end:
            (act,) = person.chance.choices(list(SHARES), list(SHARES.values()))
            _do(person, act, cell, field, end)
            time.sleep(person.chance.uniform(0, PAUSE))

    seconds = at_the_same_time(server, names, figures, work, LEVEL_SECONDS)
    print(f"\n  {len(names)} people, {seconds:.0f} s")
    show(figures, seconds)


def _do(person: Person, act: str, cell: bytes, field: bytes, end: float) -> None:
    if act == "sign-in":
        person.sign_in()
    elif act == "classify":
        person.classify(cell, end)
    elif act == "detect":
        person.detect(field)
    elif act == "history":
        person.get("history", "/history")
    else:
        person.get("reading room", person.server.room)
        person.get("its cells", f"{person.server.room}/cells.json")
        person.get("its pictures", person.server.sheet)


def show_pages(server: Served, names: list[str]) -> None:
    """Time pages alone and while people send cells, and print how many times longer they take."""
    _calm(server)
    alone = pages_beside(server, names, 0)
    beside = pages_beside(server, names, SENDERS)
    print("\n  Pages alone")
    show(alone, PAGES_SECONDS)
    print(f"\n  Pages beside {SENDERS} people who send cells without a pause")
    show(beside, PAGES_SECONDS)
    times = [np.percentile(_of_pages(figures), 95) for figures in (alone, beside)]
    words = " and ".join(f"{1000 * each:.0f} ms" for each in times)
    print(f"\n  95% of pages within {words}: × {times[1] / times[0]:.1f}, aim × {AIM:.0f}")


def pages_beside(server: Served, names: list[str], senders: int) -> Figures:
    """Time pages while so many people send cells."""
    figures, cell = Figures(), grained(drawn_cell(CELL_SIDE))

    def send(person: Person, end: float) -> None:
        person.sign_in()
        while time.monotonic() < end:
            person.classify(cell, end)

    def look(person: Person, end: float) -> None:
        person.sign_in()
        while time.monotonic() < end:
            person.get("page: health", "/healthz")
            person.get("page: history", "/history")
            person.get("page: reading room", server.room)
            time.sleep(person.chance.uniform(0, 0.1))

    def act(person: Person, end: float) -> None:
        (look if person.name in names[:LOOKERS] else send)(person, end)

    at_the_same_time(server, names[: LOOKERS + senders], figures, act, PAGES_SECONDS)
    return figures


def at_the_same_time(
    server: Served,
    names: list[str],
    figures: Figures,
    act: Callable[[Person, float], None],
    seconds: float,
) -> float:
    """Let each person act in a thread of their own; the seconds until the last one was done."""
    begun = time.monotonic()
    people = [Person(server, name, number, figures) for number, name in enumerate(names)]
    threads = [
        threading.Thread(target=act, args=(person, begun + seconds), daemon=True)
        for person in people
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for person in people:
        person.close()
    return time.monotonic() - begun


def show(figures: Figures, seconds: float) -> None:
    """Print the answers a second, and for each route its times and errors."""
    answered = sum(len(times) for route, times in figures.seconds.items() if route != UNTIL_READ)
    print(f"    {answered / seconds:.1f} answers a second")
    print(f"    {'':<22}{'answers':>8}{'50%':>8}{'95%':>8}{'99%':>8} ms  errors")
    for route in figures.routes():
        times = figures.seconds.get(route, [])
        spread = "".join(f"{1000 * each:8.0f}" for each in _percentiles(times))
        errors = {status: n for (where, status), n in figures.errors.items() if where == route}
        words = ", ".join(f"{n} × {status}" for status, n in sorted(errors.items()))
        print(f"    {route:<22}{len(times):>8}{spread}     {words}")
    total = Counter()
    for (route, status), count in figures.errors.items():
        if route != UNTIL_READ:
            total[status] += count
    print(f"    errors by status: {dict(total) or 'none'}", flush=True)


def grained(rgb: RgbImage) -> bytes:
    """Encode drawn pixels with the softness and grain of a camera."""
    soft = np.asarray(Image.fromarray(rgb).filter(ImageFilter.GaussianBlur(0.8))).astype(int)
    noise = np.random.default_rng(0).integers(-9, 10, soft.shape)
    return encode_png(np.clip(soft + noise, 0, 255).astype(np.uint8))


def _percentiles(times: list[float]) -> list[float]:
    return np.percentile(times, (50, 95, 99)).tolist() if times else [float("nan")] * 3


def _of_pages(figures: Figures) -> list[float]:
    return [time for route, times in figures.seconds.items() if "page:" in route for time in times]


def _calm(server: Served) -> None:
    """Wait until the fields are read, but not for long."""
    end = time.monotonic() + CALM_SECONDS
    while {"waiting", "running"} & set(server.fields()) and time.monotonic() < end:
        time.sleep(0.5)


def _memory(server: Served) -> str:
    now, most = server.memory()
    return f"{now:.0f} MiB, {most:.0f} MiB at most so far"


if __name__ == "__main__":
    main()
