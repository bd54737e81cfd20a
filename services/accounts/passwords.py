"""Passwords: which are accepted, and how they are kept (Argon2id)."""

from __future__ import annotations

import re
import secrets
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from services.language import gettext
from services.turns import Turns

SHORTEST, LONGEST = 12, 256
PRODUCT = "leukoscope"
# zxcvbn: 0 to 4; at 3 and above an online attacker needs more than 10^8 guesses.
WEAKEST_SCORE = 3
# No letters or digits that are taken for each other when read aloud or copied by hand.
LEGIBLE = "abcdefghjkmnpqrstuvwxyz23456789"
# Characters that zxcvbn looks at: its time grows with the third power, to 1.7 s for a crafted 72.
_ESTIMATED = 40
WAITING_SECONDS = 5
_estimating = Turns(1, WAITING_SECONDS)  # zxcvbn keeps the words of a call in a shared dictionary
HASHED_AT_ONCE = 2
"""Hashes computed at the same time: each takes a core and the memory of the settings."""


class PasswordError(ValueError):
    """A password is not accepted; the text is a sentence for the person who chose it."""


def check_password(password: str, name: str) -> None:
    """Raise `PasswordError` unless the password is long enough and hard to guess.

    No rules of composition; commonness is checked against the word lists that zxcvbn ships.
    """
    if len(password) < SHORTEST:
        raise PasswordError(gettext("Use %(shortest)s characters or more.", shortest=SHORTEST))
    if len(password) > LONGEST:
        raise PasswordError(gettext("Use no more than %(longest)s characters.", longest=LONGEST))
    name = name[:LONGEST]
    if _is_mostly(password, (PRODUCT, name)):
        raise PasswordError(gettext("Do not use the user name or “Leukoscope” in the password."))
    if _score(password, name) < WEAKEST_SCORE:
        raise PasswordError(
            gettext(
                "This password is easy to guess. Three or four unrelated words make a good one."
            )
        )


def one_time_password() -> str:
    """Make a password to be handed over once.

    It has 20 random characters (98 bits), in groups of five.
    """
    groups = ("".join(secrets.choice(LEGIBLE) for _ in range(5)) for _ in range(4))
    return "-".join(groups)


def _is_mostly(password: str, words: tuple[str, ...]) -> bool:
    """Return whether little is left of the password without these words, digits and punctuation."""
    rest = password.casefold()
    for word in words:
        rest = rest.replace(word.casefold(), "")
    letters = re.sub(r"[\W\d_]", "", rest)
    return rest != password.casefold() and len(letters) < SHORTEST // 2


def _score(password: str, name: str) -> int:
    # Here and not above: its word lists take 12 MB, and passwords are rarely chosen.
    from zxcvbn import zxcvbn

    with _estimating.turn():
        parts = [PRODUCT, name, *re.split(r"[\W_]+", name)]
        return zxcvbn(password[:_ESTIMATED], user_inputs=parts)["score"]


def _typed(password: str) -> str:
    """Compose characters in one way, whichever keyboard was used."""
    return unicodedata.normalize("NFKC", password)


class Passwords:
    """Hashes and verifies passwords at one cost: memory in KiB, and passes over it."""

    def __init__(self, memory_kib: int, passes: int) -> None:
        self._hasher = PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=1)
        self._hashing = Turns(HASHED_AT_ONCE, WAITING_SECONDS)
        self._nobodys = self.hash(secrets.token_hex())

    def hash(self, password: str) -> str:
        """Return the Argon2id hash to keep; raises `BusyError`."""
        with self._hashing.turn():
            return self._hasher.hash(_typed(password))

    def verify(self, kept: str | None, password: str) -> bool:
        """Return whether the password is the one kept.

        It costs as much where None is kept (no account).

        Raises `BusyError`.
        """
        with self._hashing.turn():
            try:
                right = self._hasher.verify(kept or self._nobodys, _typed(password))
            except (VerificationError, InvalidHashError):
                return False
        return right and kept is not None

    def is_outdated(self, kept: str) -> bool:
        """Return whether the hash was made at another cost than today's."""
        return self._hasher.check_needs_rehash(kept)
