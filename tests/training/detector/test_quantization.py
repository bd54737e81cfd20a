from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from imaging.images import RgbImage, read_image, resize
from models.detector.detector import QUANTIZED, Detector
from models.manifest import WeightsError, load_manifest
from models.versions import active_folder
from training.data import DEFAULT_DATA, PROJECT, DataError
from training.detector.quantization import (
    COUNTS,
    calibration_images,
    network_input,
    quantize,
)
from training.manifest import amend

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")

FIELDS = DEFAULT_DATA / "txl_pbc" / "images" / "train"


@pytest.fixture(scope="module")
def fields() -> list[RgbImage]:
    """Read some real fields, shrunk to the smallest frame."""
    if not FIELDS.is_dir():
        pytest.skip(f"{FIELDS} is missing")
    files = sorted(FIELDS.glob("*.jpg"))[::80]
    return [resize(read_image(file.read_bytes()).rgb, 256, 256) for file in files]


@pytest.fixture(scope="module")
def quantized(tmp_path_factory, fields) -> Path:
    """Quantise a copy of the served f32 network anew."""
    folder = tmp_path_factory.mktemp("weights") / "detector"
    served = active_folder(PROJECT / "weights", "detector")
    shutil.copytree(served, folder, ignore=shutil.ignore_patterns("*int8*", "charts"))
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"] = {k: v for k, v in manifest["files"].items() if "int8" not in k}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    quantize(folder, fields)
    return folder


@pytest.fixture(scope="module")
def calibrated(quantized, tmp_path_factory) -> Path:
    """The same with the calibration that is served."""
    folder = tmp_path_factory.mktemp("calibrated") / "detector"
    shutil.copytree(quantized, folder)
    served = load_manifest(active_folder(PROJECT / "weights", "detector"), "detector")
    amend(folder, calibration=served.calibration, thresholds=served.thresholds)
    return folder


def test_the_int8_network_is_named_by_the_manifest_and_smaller(quantized):
    manifest = load_manifest(quantized, "detector")
    assert {QUANTIZED, "network_int8.bin", "network.xml", "network.bin"} == set(manifest.files)
    size = {name: (quantized / name).stat().st_size for name in manifest.files}
    assert size["network_int8.bin"] < 0.6 * size["network.bin"]


def test_what_was_calibrated_and_measured_without_it_no_longer_counts(quantized):
    manifest = load_manifest(quantized, "detector")
    assert manifest.details["metrics"] == {}
    assert [each["phase"] for each in manifest.details["phases"]] == ["train", "export", "quantize"]
    with pytest.raises(WeightsError, match="not calibrated"):
        Detector.load(quantized)


def test_a_published_network_is_not_quantized():
    served = active_folder(PROJECT / "weights", "detector")
    with pytest.raises(DataError, match="is published"):
        quantize(served, [])


def test_both_networks_find_nearly_the_same_cells(calibrated, fields):
    int8, exact = Detector.load(calibrated, "auto"), Detector.load(calibrated, "f32")
    counts = np.array(
        [[len(each.find(rgb).detections) for rgb in fields] for each in (int8, exact)]
    )
    assert counts[1].sum() > 100
    assert np.abs(counts[0] - counts[1]).sum() < 0.1 * counts[1].sum()
    assert (counts[0] != 0).all()


def test_fields_are_prepared_as_they_are_read():
    pixels = network_input(np.full((1944, 2592, 3), 255, np.uint8), 960)
    assert pixels.shape == (1, 3, 768, 960)
    assert pixels[0, :, 384, 480].tolist() == [1, 1, 1]


def test_missing_images_are_an_error(drawn_sets, tmp_path):
    with pytest.raises(DataError, match=f"{COUNTS['txl']} images are needed of txl"):
        calibration_images(drawn_sets, tmp_path)
