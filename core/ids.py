"""Identifiers: ones that nobody can guess, and ones made of others."""

from __future__ import annotations

import hashlib
import re
import secrets

_ID = re.compile(r"[0-9a-f]{32}")


def new_id() -> str:
    """Make an identifier of 128 random bits, as 32 hexadecimal digits."""
    # A UUID of version 4 has 122 random bits: too few for a session (ASVS 7.2.3).
    return secrets.token_hex(16)


def is_id(text: str) -> bool:
    """Tell whether a text has the form of an identifier, whoever made it."""
    return _ID.fullmatch(text) is not None


def derived_id(*parts: str) -> str:
    """Make an identifier, 32 hexadecimal digits, that is the same for the same parts.

    Example:
        >>> derived_id("ada", "1") == derived_id("ada", "1")
        True
    """
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
