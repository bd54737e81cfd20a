"""What errors of PostgreSQL stand for; those of SQLite are met in tests/pages/test_faults.py."""

from pathlib import Path

import psycopg
import pytest
from psycopg import errors
from sqlalchemy.exc import DBAPIError

from records.faults import Fault, fault_of, is_unreachable

STATES = {
    "55P03": Fault.BUSY,
    "40P01": Fault.BUSY,
    "40001": Fault.BUSY,
    "57014": Fault.BUSY,
    "57P01": Fault.BUSY,
    "53300": Fault.BUSY,
    "08006": Fault.BUSY,
    "53100": Fault.FULL,
    "23503": Fault.CHANGED,
    "23505": Fault.CHANGED,
    "XX001": Fault.UNREADABLE,
    "23514": None,
    "42P01": None,
}


def fault(error: Exception) -> Fault | None:
    return fault_of(DBAPIError("SELECT", {}, error), Path())


@pytest.mark.parametrize("state", STATES)
def test_a_state_of_postgresql_is_a_fault(state: str):
    error = errors.lookup(state)("Something is wrong.")
    assert fault(error) == fault_of(error, Path()) == STATES[state]


def test_a_server_that_lets_nobody_in_is_busy_for_those_who_wait():
    error = psycopg.OperationalError("connection refused")
    assert is_unreachable(error)
    assert fault(error) is Fault.BUSY
    assert not is_unreachable(errors.lookup("55P03")("locked"))


def test_nothing_has_a_name_that_cannot_be_sent():
    error = psycopg.DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes")
    assert fault(error) is Fault.GONE
