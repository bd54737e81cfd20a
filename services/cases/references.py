"""Cells that a team's readers named and signed, as references of their classes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

import numpy as np
from pydantic import ValidationError

from core.geometry import Box
from core.taxonomy import UNCLASSIFIED
from imaging.images import RgbImage
from records.analyses import analyses
from records.cases import signatures, signed_cases
from records.cases.cases import Case
from services.analyses import pictures
from services.analyses.thumbnails import Thumbnails
from services.cases.signed_contents import read_contents
from services.cases.snapshot import CaseSnapshot

IN_A_ROW = 6
"""Reference cells of a class."""

OF_ONE_CASE = 2
"""How many of them are of one case, at most: else a row shows one patient."""

NEWEST = 60
"""Signed cases of a team in which cells are looked for, the newest ones."""

KEPT = 2000
"""Signatures whose references stay in memory: a few kilobytes each."""


@dataclass(frozen=True)
class Reference:
    """A signed cell: the image that it is in, the SHA-256 of this, and where it is."""

    analysis_id: str
    sha256: str
    name: str
    box: Box


@dataclass(frozen=True)
class Row:
    """Reference cells of one class: a JPEG of squares side by side, and the cases they are of."""

    picture: bytes
    cases: tuple[str, ...]


class References:
    """Finds the reference cells of a team, and remembers which cells each signature has."""

    def __init__(self, thumbnails: Thumbnails) -> None:
        self._thumbnails = thumbnails
        # A signature never changes, and the snapshot of a large case is long to read.
        self._signed = lru_cache(KEPT)(_signed)

    def row(self, case: Case, label: str) -> Row | None:
        """Return the newest reference cells of a class for whoever reads a case.

        They come from other signed cases of its team, not from demos. None shows an image that the
        case has as well, whose cells are still to be named, perhaps by a second reviewer who must
        not see what another one said. Cells whose image is gone are left out.

        Returns:
            At most `IN_A_ROW` cells, or None where there are none.
        """
        found = list(islice(self._pictured(case, label), IN_A_ROW))
        if not found:
            return None
        tiles = np.hstack([tile for _, tile in found])
        of_cases = tuple(dict.fromkeys(case_id for case_id, _ in found))
        return Row(pictures.encode_jpeg(tiles, quality=85), of_cases)

    def _pictured(self, case: Case, label: str) -> Iterator[tuple[str, RgbImage]]:
        """Yield case and picture of cells of a class, newest first."""
        for case_id, cells in self._candidates(case, label):
            kept = analyses.in_team(case.team_id, {one.analysis_id for one in cells})
            for one in cells:
                try:
                    analysis = kept[one.analysis_id]
                    yield case_id, self._thumbnails.cell(analysis, one.name, one.box)
                except (LookupError, FileNotFoundError):
                    continue

    def _candidates(self, case: Case, label: str) -> Iterator[tuple[str, list[Reference]]]:
        own = analyses.files_of_case(case.id)
        for signature_id, case_id in signed_cases.newest_of_team(case.team_id, NEWEST):
            if case_id != case.id:
                signed = self._signed(signature_id).get(label, ())
                yield case_id, [one for one in signed if one.sha256 not in own]


def _signed(signature_id: int) -> Mapping[str, tuple[Reference, ...]]:
    """Return the first cells of each class that readers named in a signed case, whole ones."""
    try:
        snapshot = read_contents(signatures.get(signature_id)).snapshot
    except ValidationError:  # Altered since: the sign-off page of the case says so.
        return {}
    found: dict[str, list[Reference]] = defaultdict(list)
    for label, reference in _named(snapshot):
        if len(found[label]) < OF_ONE_CASE:
            found[label].append(reference)
    return {label: tuple(cells) for label, cells in found.items()}


def _named(snapshot: CaseSnapshot) -> Iterator[tuple[str, Reference]]:
    files = {image.number: image.sha256 for image in snapshot.images}
    for cell in snapshot.cells:
        if cell.seen and cell.label != UNCLASSIFIED and not cell.at_edge:
            analysis_id, _, name = cell.id.partition(".")
            yield cell.label, Reference(analysis_id, files[cell.image], name, cell.box)
