import base64
from datetime import UTC, datetime

import pyotp
import pytest

from services.accounts.passwords import Passwords
from services.accounts.second_factors import SecondFactors

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def factors(key: bytes = b"k" * 32) -> SecondFactors:
    return SecondFactors(key, Passwords(8, 1), lambda: NOON)


def test_a_sealed_secret_opens_with_the_same_key_alone():
    sealed = factors().new_secret()
    secret = factors().open(sealed)

    assert len(pyotp.TOTP(secret).byte_secret()) == 20
    assert secret not in sealed
    assert factors(b"x" * 32).open(sealed) is None


@pytest.mark.parametrize("garbage", ["", "x", "gAAAA", "ü", "A" * 20, "A" * 80])
def test_what_was_never_sealed_does_not_open(garbage: str):
    assert factors().open(garbage) is None


def test_the_same_secret_is_never_made_twice():
    assert len({factors().open(factors().new_secret()) for _ in range(20)}) == 20


def test_a_sealed_secret_that_was_altered_does_not_open():
    sealed = bytearray(base64.urlsafe_b64decode(factors().new_secret()))
    for place in range(len(sealed)):
        sealed[place] ^= 1
        assert factors().open(base64.urlsafe_b64encode(sealed).decode()) is None
        sealed[place] ^= 1
