"""Whether a classifier's manifest has the calibration that its answers rest on."""

from __future__ import annotations

from collections.abc import Iterator

from models.classifier.cell_views import VIEWS
from models.manifest import Manifest, Numbers, uncalibrated

IN_DISTRIBUTION_LIMIT = "familiar"
"""The threshold of the out-of-distribution score, as manifests call it."""


def check_calibrated(manifest: Manifest) -> None:
    """Check that every view has its limits, and all are in range; raises `WeightsError`."""
    faults = [
        f"views.{view}: {fault}"
        for view in VIEWS
        for fault in _faults_of_view(manifest.views.get(view, {}))
    ]
    if not manifest.thresholds.get(IN_DISTRIBUTION_LIMIT, 0.0) > 0:
        faults.append(f"thresholds.{IN_DISTRIBUTION_LIMIT} must be above 0")
    if faults:
        raise uncalibrated(manifest, faults)


def _faults_of_view(limits: Numbers) -> Iterator[str]:
    names = ("temperature", "uncertain_low", "uncertain_high")
    missing = [name for name in names if name not in limits]
    if missing:
        yield f"{', '.join(missing)} missing"
        return
    if not limits["temperature"] > 0:
        yield "temperature must be above 0"
    if not 0 <= limits["uncertain_low"] <= limits["uncertain_high"] <= 1:
        yield "uncertain_low and uncertain_high must rise from 0 to 1"
