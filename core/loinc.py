"""Codes of LOINC: loinc.org."""

from __future__ import annotations

import re

_FORM = re.compile(r"([0-9]{1,5})-([0-9])")


def is_loinc(text: str) -> bool:
    """Return whether a text has the form of a LOINC code and ends with the right check digit.

    The check digit is "mod 10": LOINC Users' Guide, appendix "Calculating Mod 10 Check Digits".

    Args:
        text: At most five digits, a hyphen and the check digit.

    Example:
        >>> is_loinc("26446-5"), is_loinc("26446-6")
        (True, False)
    """
    found = _FORM.fullmatch(text)
    return found is not None and check_digit(found[1]) == int(found[2])


def check_digit(number: str) -> int:
    """Return the check digit of the digits before the hyphen."""
    doubled = str(2 * int(number[::-2][::-1]))
    rest = number[-2::-2]
    return -sum(map(int, doubled + rest)) % 10
