"""Texts that are kept in English and translated where they are shown."""

from __future__ import annotations


def translatable(text: str) -> str:
    """Mark a text for the translators; return it as it is."""
    return text
