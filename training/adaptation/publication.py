"""Publish a fine-tuned network beside the active version, or leave it staged."""

from __future__ import annotations

from pathlib import Path

from models.versions import versions
from training.adaptation.proof import Proof
from training.publishing import add_version


def next_version(model_folder: Path, base: str) -> str:
    """Return the first free name, as in 2026.11.29-2-lab1."""
    there = versions(model_folder)
    return next(
        name for number in range(1, len(there) + 2) if (name := f"{base}-lab{number}") not in there
    )


def conclude(model_folder: Path, staged: Path, proof: Proof) -> int:
    """Publish what is staged if no figure is worse, and say what was done.

    Returns:
        0 where a version was published, 1 where the network is worse.
    """
    if proof.failed:
        print(
            f"Not published, for it is worse or could not be measured: {'; '.join(proof.failed)}. "
            f"The network is in {staged}."
        )
        return 1
    target = add_version(model_folder, staged)
    print(
        f"{target} is published, and not active. Serve it: python -m training weights --model "
        f"{model_folder.name} --activate {target.name}"
    )
    return 0
