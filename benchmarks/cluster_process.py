"""One process of an installation: `python -m benchmarks.cluster_process web`, or `worker`.

As `flask --app app` starts it, but with stand-in networks, unless BENCHMARK_NETWORKS says "real".
The stand-ins sleep for BENCHMARK_READING_SECONDS over each field, in ten steps.
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass

from flask.cli import ScriptInfo

from app import create_app
from imaging.images import RgbImage
from models.findings import FieldFindings, Progress
from models.registry import Models
from settings import Settings
from tests.stand_ins import stand_in_models

STEPS = 10


@dataclass(frozen=True)
class SlowModels(Models):
    """Models that take so many seconds over a field, which the detector then reads at once."""

    seconds: float

    def read_field(
        self,
        rgb: RgbImage,
        progress: Progress | None = None,
        min_confidence: float | None = None,
        override: bool = False,
    ) -> FieldFindings:
        """Sleep, and say how far it is."""
        for step in range(STEPS):
            time.sleep(self.seconds / STEPS)
            if progress:
                progress(step, STEPS)
        return self.detector.find(rgb, min_confidence)


def main() -> None:
    """Run the command of the arguments."""
    models = None
    if os.environ.get("BENCHMARK_NETWORKS") != "real":
        seconds = float(os.environ.get("BENCHMARK_READING_SECONDS", "0"))
        stand_ins = stand_in_models()
        models = SlowModels(stand_ins.classifier, stand_ins.detector, seconds)
    app = create_app(Settings.from_environment(), models)
    app.cli.main(sys.argv[1:], obj=ScriptInfo(create_app=lambda: app))


if __name__ == "__main__":
    main()
