"""Who finds and names the cells of a field: the networks alone, or with a laboratory's head."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from imaging.images import RgbImage
from models.findings import FieldFindings, Progress
from models.registry import Models


def _nothing(analysis_id: str) -> None:
    """Keep nothing."""


@dataclass(frozen=True)
class ReadField:
    """A field that was read.

    Attributes:
        findings: Its named cells.
        keep: Keeps, once the analysis of this id is there, what else was computed on the way.
    """

    findings: FieldFindings
    keep: Callable[[str], None] = _nothing


class FieldReader(Protocol):
    """Finds and names the cells of fields."""

    def read(self, rgb: RgbImage, progress: Progress | None, override: bool) -> ReadField:
        """Read a field; the arguments are those of `Models.read_field`."""
        ...


class NetworksAlone:
    """Reads fields with the two networks as they are shipped."""

    def __init__(self, models: Callable[[], Models]) -> None:
        self._models = models

    def read(self, rgb: RgbImage, progress: Progress | None, override: bool) -> ReadField:
        """Read a field, as `FieldReader` says."""
        return ReadField(self._models().read_field(rgb, progress, override=override))
