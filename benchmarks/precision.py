"""How far a probability moves when the network computes in bf16 instead of f32."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from imaging.images import read_image
from models.classifier.cell_views import View, cut, segmented_window
from models.classifier.classifier import Classifier
from models.versions import active_folder
from training.data import DEFAULT_DATA, read_cnmc

WEIGHTS = Path(__file__).resolve().parents[1] / "weights"
EVERY = 40


def main() -> None:
    """Print the largest and the mean difference over C-NMC cells, where these are at hand."""
    if not (DEFAULT_DATA / "cnmc").is_dir():
        print(f"\nPrecision: not measured, {DEFAULT_DATA / 'cnmc'} is missing")
        return
    images = [read_image(cell.path.read_bytes()).rgb for cell in read_cnmc(DEFAULT_DATA)[::EVERY]]
    cells = [cut(image, segmented_window(image), View.SEGMENTED) for image in images]
    usual, exact = (
        Classifier.load(active_folder(WEIGHTS, "classifier"), precision).probabilities(
            cells, View.SEGMENTED
        )
        for precision in ("auto", "f32")
    )
    moved = np.abs(usual - exact)
    print(f"\nP(ALL blast), precision auto against f32, {len(cells)} cells")
    print(f"  moved by {moved.mean():.4f} on average, {moved.max():.4f} at most")


if __name__ == "__main__":
    main()
