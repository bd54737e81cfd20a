"""Write the detector's int8 network beside the one it was exported as.

NNCF's post-training quantisation: weights and activations of the convolutions in 8 bits, with
ranges taken from images of several laboratories. None of them is a test image.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import nncf
import numpy as np
import openvino as ov
from numpy.typing import NDArray

from imaging.images import RgbImage, detector_input, read_image, resize, scaled_size
from models.detector.detector import QUANTIZED
from models.detector.frames import frames, smallest_frame
from models.manifest import load_manifest, sha256_of
from models.runtime import bounds
from training.commands import option
from training.data import DEFAULT_DATA, DataError, read_chula, read_pbc, read_txl
from training.detector.card import write_card
from training.detector.evaluation import LOW_ZOOM
from training.detector.export import DEFAULT_STAGED, THRESHOLDS
from training.manifest import add_phase
from training.phases import phase
from training.staging import check_staged
from training.synthesis.composites import DEFAULT_OUT

COUNTS = {"txl": 60, "txl at low zoom": 40, "chula": 30, "pbc": 20, "composites": 40}
"""Images of each set that ranges are taken from."""

SEED = 0

_FIRST_LAYERS = r".*model\.[012][./].*"
"""They see the smallest cells: in 8 bits platelets at low zoom lose more, for no speed."""

_FULL_PRECISION = nncf.IgnoredScope(
    patterns=[
        _FIRST_LAYERS,
        # What turns the last layers' outputs into boxes: its range is that of the whole frame.
        *(rf".*model\.22/.*/{operation}.*" for operation in ("Add", "Sub", "Mul", "Div")),
    ],
    types=["Sigmoid"],
    validate=False,
)


@dataclass(frozen=True)
class Options:
    """Options of `python -m training quantize detector`."""

    staged: Path = option(DEFAULT_STAGED, "folder of the staged weights")
    data: Path = option(DEFAULT_DATA, "folder of the image sets")
    composites: Path = option(DEFAULT_OUT, "folder made by `python -m training composites`")


def quantize(weights: Path, images: Iterable[RgbImage]) -> None:
    """Write the int8 network of staged weights, and its hashes into the manifest.

    What was calibrated and measured without it no longer counts.

    Args:
        weights: Folder of the exported network and its manifest.
        images: Fields to take ranges from, uint8 RGB.

    Raises:
        DataError: The weights are published.
    """
    check_staged(weights)
    manifest = load_manifest(weights, "detector")
    inputs = [network_input(rgb, manifest.input_size) for rgb in images]
    model = ov.Core().read_model(manifest.network)
    heights, widths = zip(*frames(manifest.input_size), strict=True)
    model.reshape(bounds([(1,), (3,), heights, widths]))
    quantized = nncf.quantize(
        model,
        nncf.Dataset(inputs),
        # Swish is not symmetric about 0.
        preset=nncf.QuantizationPreset.MIXED,
        subset_size=len(inputs),
        ignored_scope=_FULL_PRECISION,
    )
    ov.save_model(quantized, weights / QUANTIZED)
    written = (QUANTIZED, Path(QUANTIZED).with_suffix(".bin").name)
    done = phase("quantize", "python -m training quantize detector", {"seed": SEED, **COUNTS})
    add_phase(
        weights,
        done,
        files={**manifest.files, **{name: sha256_of(weights / name) for name in written}},
        thresholds=THRESHOLDS,
        calibration={},
        metrics={},
    )
    write_card(weights)


def network_input(rgb: RgbImage, size: int) -> NDArray[np.float32]:
    """Prepare a field as it is read: float32 (1, 3, h, w) in 0..1, in its smallest frame."""
    scale = min(1.0, size / max(rgb.shape))
    frame = smallest_frame(frames(size), *scaled_size(rgb, scale))
    return detector_input(rgb, frame, scale).pixels[None]


def calibration_images(data: Path, composites: Path) -> list[RgbImage]:
    """Read training images of all sets, drawn by `SEED`.

    Raises:
        DataError: A set is missing, or has too few images.
    """
    chance = np.random.default_rng(SEED)
    txl = [field.path for field in read_txl(data, "train")]
    sets = {
        "txl": txl,
        "txl at low zoom": txl,
        "chula": [field.path for field in read_chula(data)],
        "pbc": [tile.path for tile in read_pbc(data)],
        "composites": sorted((composites / "train" / "images").glob("*.jpg")),
    }
    images = []
    for name, count in COUNTS.items():
        if len(sets[name]) < count:
            raise DataError(f"{count} images are needed of {name}, {len(sets[name])} are here.")
        rows = chance.choice(len(sets[name]), count, replace=False)
        drawn = [read_image(sets[name][row].read_bytes()).rgb for row in rows]
        images += [_shrunk(rgb) for rgb in drawn] if name == "txl at low zoom" else drawn
    return images


def _shrunk(rgb: RgbImage) -> RgbImage:
    height, width = scaled_size(rgb, LOW_ZOOM)
    return resize(rgb, width, height)


def run(options: Options) -> None:
    """Quantise, and print where to."""
    check_staged(options.staged)
    quantize(options.staged, calibration_images(options.data, options.composites))
    print(f"Wrote {options.staged / QUANTIZED}. Next: python -m training calibrate detector")
