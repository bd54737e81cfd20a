"""Identifiers that nobody can guess."""

from __future__ import annotations

import secrets


def new_id() -> str:
    """Make an identifier of 128 random bits, as 32 hexadecimal digits."""
    # A UUID of version 4 has 122 random bits: too few for a session (ASVS 7.2.3).
    return secrets.token_hex(16)
