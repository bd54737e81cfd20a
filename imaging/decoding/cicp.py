"""Code points of colour (ITU-T H.273), which PNG, HEIC and AVIF have in place of a profile."""

from __future__ import annotations

from dataclasses import dataclass

from core.translatable import translatable
from imaging.decoding.color import wide_profile
from imaging.decoding.errors import unread

_WIDE = {9: "BT.2020", 11: "P3", 12: "P3"}
_LINEAR = 8
_HIGH_DYNAMIC_RANGE = {16: "PQ", 18: "HLG"}
# BT.709, BT.601, sRGB and BT.2020: sRGB's curve, as all programs show them.
_PLAIN = (1, 2, 4, 5, 6, 13, 14, 15)


@dataclass(frozen=True)
class CodePoints:
    """Numbers of the primaries and of the transfer function."""

    primaries: int
    transfer: int

    def profile_and_gamma(self, name: str) -> tuple[bytes | None, float | None]:
        """Return the profile that stands for them, and the exponent where light is linear.

        Args:
            name: Of the format, for a refusal.

        Raises:
            ImageError: If colours cannot be told, as in high dynamic range.
        """
        if word := _HIGH_DYNAMIC_RANGE.get(self.transfer):
            raise unread(
                translatable("a picture of high dynamic range ({}, {})").format(name, word)
            )
        wide = _WIDE.get(self.primaries)
        if self.transfer == _LINEAR and not wide:
            return None, 1.0
        if self.transfer not in _PLAIN:
            raise unread(
                translatable("a {} with an unusual transfer function ({})").format(
                    name, self.transfer
                )
            )
        return (wide_profile(wide) if wide else None), None
