"""Measure the application's own time for reading one hundred real cells by keyboard.

Run: python -m benchmarks.hundred_cells [times]
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from benchmarks.reading_room import WINDOW
from tests.browser.journey import DEFAULT_DATA, Times, pbc_fields, play
from tests.browser.serving import browser, chromium, served, sign_up_and_in

PATIENCE = 300_000


def main(repeats: int = 1) -> None:
    """Print total and decisions of the quickest journey, which load disturbs least."""
    if chromium() is None:
        print("\nOne hundred cells: not measured, Chromium is missing")
        return
    with tempfile.TemporaryDirectory() as folder:
        fields = pbc_fields(Path(folder))
        if not fields:
            print(f"\nOne hundred cells: not measured, {DEFAULT_DATA / 'pbc'} is missing")
            return
        journeys = [_journey(Path(folder) / str(number), fields) for number in range(repeats)]
    best = min(journeys, key=lambda one: sum(one.parts.values()))
    print(f"\nOne hundred cells by keyboard, the quickest of {repeats}")
    for part, seconds in best.parts.items():
        print(f"  {part:<40} {seconds:9.2f} s")
    print(f"  {'in all':<40} {sum(best.parts.values()):9.2f} s")
    times = [sorted(one.decisions) for one in journeys]
    print(f"  from a decision to the screen, {len(best.decisions)} decisions")
    for name, place in (("median", 0.5), ("95%", 0.95)):
        quickest = min(one[int(place * (len(one) - 1))] for one in times)
        print(f"    {name:<38} {quickest:9.0f} ms")


def _journey(instance: Path, fields: list[Path]) -> Times:
    with served(instance, "open") as address, browser() as chrome:
        page = chrome.new_context(base_url=address, viewport=WINDOW).new_page()
        page.set_default_timeout(PATIENCE)
        sign_up_and_in(page, "ada")
        return play(page, fields)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
