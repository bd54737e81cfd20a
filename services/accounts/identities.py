"""What an identity provider is asked, and what it says of a person."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


class ProviderError(Exception):
    """The provider cannot be asked, or does not answer as it should."""


class IdentityError(Exception):
    """What came back identifies nobody; the text is a word for the log and the audit trail."""


@dataclass(frozen=True)
class Asked:
    """What one question to the provider was: kept in the session until the answer comes.

    `at` is in seconds since 1970; `anew` is whether the person had to sign in again.
    """

    state: str
    nonce: str
    verifier: str
    at: int
    anew: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return it as the session keeps it."""
        return asdict(self)


@dataclass(frozen=True)
class Identity:
    """Who signed in: `subject` at the issuer is the person, all else may change or repeat."""

    subject: str
    groups: tuple[str, ...]
    names: tuple[str, ...] = ()
    full_name: str = ""
