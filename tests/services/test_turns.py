from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event, Semaphore

import pytest

from services.turns import BusyError, Turns
from tests.waiting import HANGS


@pytest.fixture
def end() -> Event:
    return Event()


def hold(turns: Turns, begun: Semaphore, end: Event) -> bool:
    with turns.turn():
        begun.release()
        return end.wait(HANGS)


def test_who_finds_all_places_taken_is_refused_at_once(end):
    turns, begun = Turns(running=2, seconds=HANGS, waiting=0), Semaphore(0)
    with ThreadPoolExecutor(2) as pool:
        working = [pool.submit(hold, turns, begun, end) for _ in range(2)]
        assert all(begun.acquire(timeout=HANGS) for _ in working)
        with pytest.raises(BusyError), turns.turn():
            pytest.fail("a third had a turn")
        end.set()
    assert all(each.result() for each in working)


def test_who_may_wait_gets_the_next_turn(end):
    turns, begun = Turns(running=1, seconds=HANGS, waiting=1), Semaphore(0)
    with ThreadPoolExecutor(2) as pool:
        working = [pool.submit(hold, turns, begun, end) for _ in range(2)]
        assert begun.acquire(timeout=HANGS)
        assert not begun.acquire(timeout=0.05)
        end.set()
        assert begun.acquire(timeout=HANGS)
    assert all(each.result() for each in working)


def test_nobody_waits_longer_than_told(end):
    turns, begun = Turns(running=1, seconds=0.05), Semaphore(0)
    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(hold, turns, begun, end)
        assert begun.acquire(timeout=HANGS)
        with pytest.raises(BusyError), turns.turn():
            pytest.fail("a second had a turn")
        end.set()
    assert working.result()


def test_an_error_in_a_turn_gives_it_back():
    turns = Turns(running=1, seconds=0, waiting=0)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), turns.turn():
            raise ZeroDivisionError


def test_who_waits_elsewhere_takes_a_place_but_no_turn():
    turns = Turns(running=1, seconds=0, waiting=1)
    with turns.place():
        with turns.turn():
            pass
        with turns.place(), pytest.raises(BusyError), turns.place():
            pytest.fail("a third had a place")
