"""CPU time of the DICOM archive of a field: many white cells, and a large picture."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import numpy as np

from imaging.images import encode_png
from models.findings import Detection, FieldFindings, Namer
from records.analyses.analyses import Analysis
from services.analyses.dicom import as_dicom

SIZES = ((300, 1000), (4, 4096))
"""White cells of a field, and its side in pixels."""


def main() -> None:
    """Print the seconds of CPU for each size; the first archive also loads the library."""
    _seconds(1, 64)
    for cells, side in SIZES:
        print(f"{cells} white cells, {side} x {side} px: {_seconds(cells, side):.1f} s of CPU")


def _seconds(cells: int, side: int) -> float:
    tile = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    picture = encode_png(np.tile(tile, (side // 64 + 1, side // 64 + 1, 1))[:side, :side])
    analysis = _analysis(cells, side)
    start = time.process_time()
    as_dicom(analysis, picture, "none")
    return time.process_time() - start


def _analysis(cells: int, side: int) -> Analysis:
    found = [
        Detection((x, x, x + 20.0, x + 20.0), "wbc", 0.9, 0.1, 0.9, 0.2, "normal")
        for x in np.linspace(0.0, side - 20.0, cells).tolist()
    ]
    findings = FieldFindings(
        side, side, tuple(found), "none", classifier="none", named_by=Namer.CLASSIFIER
    )
    return Analysis(
        id="0" * 32,
        created_at=datetime.now(UTC),
        file_format="PNG",
        file_bytes=1,
        width=side,
        height=side,
        finding=findings.to_dict(),
    )


if __name__ == "__main__":
    main()
