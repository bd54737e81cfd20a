"""Second factors: codes of an authenticator app (TOTP, RFC 6238), and recovery codes."""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Callable
from datetime import datetime
from enum import Enum

import pyotp
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pyotp.totp import TOTP

from records import db, take_write_lock
from records.accounts import second_factors as records
from records.accounts.accounts import Account
from records.audit.audit import Event
from services.accounts.passwords import LEGIBLE, Passwords
from services.audit.audit import about_account, note

ISSUER = "Leukoscope"
RECOVERY_CODES = 10
_GROUP = 5  # characters; a recovery code is two groups (50 bits)
_NONCE_BYTES = 12  # of AES-GCM
_DRIFT = 1  # time steps of 30 s by which the clock of a phone may be off
_TIME_CODE = re.compile(r"[0-9]{6}")
_BETWEEN = re.compile(r"[\s-]+")
LONGEST_CODE = 64


class Code(Enum):
    """Which kind of code was used as the second factor."""

    TIME = "authenticator app"
    RECOVERY = "recovery code"
    KEY = "security key"


class SecondFactors:
    """The second factors of one installation.

    Args:
        key: The secret key of the installation; the key that seals secrets is derived from it.
        passwords: Hashes recovery codes: they are too short for a plain hash.
        clock: Gives the present time (aware, UTC).
    """

    def __init__(self, key: bytes, passwords: Passwords, clock: Callable[[], datetime]) -> None:
        self._cipher = AESGCM(_sealing_key(key))
        self._passwords = passwords
        self._clock = clock

    def new_secret(self) -> str:
        """Make a secret and return it sealed."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = self._cipher.encrypt(nonce, pyotp.random_base32().encode(), None)
        return base64.urlsafe_b64encode(nonce + sealed).decode()

    def open(self, sealed: str) -> str | None:
        """Return the secret in base 32, or None if another key sealed it."""
        try:
            kept = base64.urlsafe_b64decode(sealed.encode())
            nonce, kept = kept[:_NONCE_BYTES], kept[_NONCE_BYTES:]
            return self._cipher.decrypt(nonce, kept, None).decode()
        except (ValueError, InvalidTag):
            return None

    def is_readable(self, account: Account) -> bool:
        """Return whether the secret of the account can still be opened with the present key."""
        factor = records.get(account.id)
        return factor is not None and self.open(factor.sealed_secret) is not None

    def uri(self, account: Account, secret: str) -> str:
        """Return what an authenticator app reads from the QR code."""
        return TOTP(secret).provisioning_uri(name=account.name, issuer_name=ISSUER)

    def enrol(self, account: Account, sealed: str, code: str) -> list[str] | None:
        """Keep a second factor in the present transaction.

        Returns:
            The recovery codes, or None if the code does not belong to the secret.
        """
        step = self._step_of(sealed, _cleaned(code))
        if step is None:
            return None
        codes, hashes = self._recovery_codes()
        take_write_lock(db.session())
        if records.get(account.id):
            return None
        records.add(account.id, sealed, step)
        records.replace_recovery_codes(account.id, hashes)
        note(Event.SECOND_FACTOR, about_account(account), name=account.name)
        return codes

    def use(self, account: Account, code: str) -> Code | None:
        """Use up a code in the present transaction.

        Returns:
            Which kind of code it was; None if it is wrong, or was used before.
        """
        cleaned = _cleaned(code)
        if _TIME_CODE.fullmatch(cleaned):
            return Code.TIME if self._use_time_code(account, cleaned) else None
        if not self._use_recovery_code(account, cleaned):
            return None
        left = records.count_recovery_codes(account.id)
        note(Event.RECOVERY_CODE, about_account(account), name=account.name, left=left)
        return Code.RECOVERY

    def new_recovery_codes(self, account: Account, code: str) -> list[str] | None:
        """Replace the recovery codes in the present transaction; None if the code is wrong."""
        codes, hashes = self._recovery_codes()
        if self.use(account, code) is None:
            return None
        records.replace_recovery_codes(account.id, hashes)
        note(Event.RECOVERY_CODES, about_account(account), name=account.name)
        return codes

    def give_up(self, account: Account, code: str) -> list[str] | None:
        """Remove one's own second factor in the present transaction; None if the code is wrong."""
        if self.use(account, code) is None:
            return None
        records.remove(account.id)
        note(Event.SECOND_FACTOR_REMOVE, about_account(account), name=account.name)
        return []

    def reset(self, account: Account) -> bool:
        """Remove somebody's second factor in the present transaction; False if there is none."""
        removed = records.remove(account.id)
        if removed:
            note(Event.SECOND_FACTOR_RESET, about_account(account), name=account.name)
        return removed

    def _recovery_codes(self) -> tuple[list[str], list[str]]:
        """Make new recovery codes, and their hashes."""
        codes = [_recovery_code() for _ in range(RECOVERY_CODES)]
        return codes, [self._passwords.hash(_cleaned(code)) for code in codes]

    def _use_time_code(self, account: Account, code: str) -> bool:
        factor = records.get(account.id)
        step = self._step_of(factor.sealed_secret, code) if factor else None
        # Each step once (RFC 6238, 5.2), and the database decides between two requests.
        return step is not None and records.advance(account.id, step)

    def _use_recovery_code(self, account: Account, code: str) -> bool:
        codes = records.recovery_codes(account.id)
        right = (one for one in codes if self._passwords.verify(one.code_hash, code))
        matching = next(right, None)
        return matching is not None and records.spend_recovery_code(matching.id)

    def _step_of(self, sealed: str, code: str) -> int | None:
        """Find the time step to which a code belongs, near the present one."""
        secret = self.open(sealed)
        if secret is None or not _TIME_CODE.fullmatch(code):
            return None
        totp = TOTP(secret)
        now = totp.timecode(self._clock())
        steps = range(now - _DRIFT, now + _DRIFT + 1)
        # All are compared, so that the time taken does not tell which one was close.
        right = [step for step in steps if secrets.compare_digest(totp.generate_otp(step), code)]
        return max(right, default=None)


def _sealing_key(key: bytes) -> bytes:
    return HKDF(SHA256(), length=32, salt=None, info=b"leukoscope second factors").derive(key)


def _recovery_code() -> str:
    groups = ("".join(secrets.choice(LEGIBLE) for _ in range(_GROUP)) for _ in range(2))
    return "-".join(groups)


def _cleaned(code: str) -> str:
    """Return the code without what people type between its groups."""
    return _BETWEEN.sub("", code[:LONGEST_CODE]).casefold()
