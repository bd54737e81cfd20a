"""A tiny training run, from drawn images to a served network."""

import json

import numpy as np
import pytest
import torch
from ultralytics import YOLO
from ultralytics.utils.tal import TaskAlignedAssigner

from models.detector.detector import Detector, load_network
from models.manifest import WeightsError, load_manifest
from tests.networks import DETECTOR
from training.__main__ import main
from training.data import DataError
from training.detector.export import export
from training.detector.train import PerImageAssigner, unfinished
from training.manifest import amend
from training.synthesis.composites import make_composites

# Exporting traces with torch.jit, which warns of itself; nothing here can change that.
pytestmark = pytest.mark.filterwarnings(
    "ignore::FutureWarning",
    "ignore::DeprecationWarning",
    "ignore::torch.jit.TracerWarning",
)

SIDE = 64
CALIBRATED = {name: DETECTOR[name] for name in ("calibration", "thresholds")}


@pytest.fixture(scope="module")
def trained(drawn_sets, tmp_path_factory):
    """Return the folder of a finished run of one epoch, with weights/ beside it."""
    place = tmp_path_factory.mktemp("detector")
    for split in ("train", "val"):
        make_composites(drawn_sets, place / "composites", place / "cache", split, 2, 1, 1)
    start = place / "start.pt"
    YOLO("yolov8n.yaml").save(start)
    sizes = ["--epochs", "1", "--imgsz", str(SIDE), "--batch", "4"]
    places = ["--data", drawn_sets, "--composites", place / "composites", "--init", start]
    outs = ["--out", place / "run", "--staged", place / "weights"]
    assert main(["detector", *sizes, *map(str, places + outs)]) == 0
    return place


def test_training_leaves_checkpoints_metrics_and_plots(trained):
    run = trained / "run"
    assert (run / "weights" / "last.pt").is_file()
    assert "metrics/mAP50(B)" in (run / "results.csv").read_text()
    assert (run / "results.png").is_file()


def test_the_exported_network_is_not_served_before_it_is_calibrated(trained):
    with pytest.raises(WeightsError, match="not calibrated"):
        Detector.load(trained / "weights")


def test_the_exported_network_is_served_once_it_is_calibrated(trained):
    amend(trained / "weights", **CALIBRATED)
    detector = Detector.load(trained / "weights")
    field = np.full((300, 400, 3), 200, np.uint8)
    findings = detector.find(field, 0.0)
    assert (findings.width, findings.height) == (400, 300)
    assert detector.manifest.input_size == 960


def test_what_is_shipped_names_no_local_path(trained):
    for name in ("network.xml", "manifest.json", "model_card.md"):
        text = (trained / "weights" / name).read_text()
        assert str(trained) not in text
        assert "/tmp" not in text


def test_the_manifest_and_card_say_how_it_was_trained(trained):
    manifest = json.loads((trained / "weights" / "manifest.json").read_text())
    training, exporting = manifest["phases"]
    assert (training["phase"], exporting["phase"]) == ("train", "export")
    assert training["options"]["seed"] == training["options"]["epochs"] == 1
    assert training["note"].startswith("1 epochs begun in ")
    assert "H22" in manifest["training"]["split"]["test"]
    card = (trained / "weights" / "model_card.md").read_text()
    assert "never diagnoses" in card
    assert "1. Train (`python -m training detector`): seed 1, imgsz 64, batch 4" in card
    assert "Not measured yet." in card
    assert "$" not in card


def test_the_served_head_is_that_of_ultralytics(trained):
    manifest = load_manifest(trained / "weights", "detector")
    detector = Detector(load_network(manifest, "f32"), manifest)
    network = YOLO(trained / "run" / "weights" / "best.pt").model.float().eval()
    image = np.random.default_rng(0).uniform(0, 1, (1, 3, 960, 960)).astype(np.float32)
    (served,) = detector._network.run(image).values()
    with torch.no_grad():
        theirs = network.fuse()(torch.from_numpy(image))[0].numpy()
    assert np.abs(served[:, 4:] - theirs[:, 4:]).max() < 0.01
    assert np.abs(served[:, :4] - theirs[:, :4]).mean() < 1


def test_a_finished_training_cannot_be_resumed(trained):
    with pytest.raises(DataError, match="finished"):
        unfinished(trained / "run")


def test_nothing_is_resumed_where_nothing_was_begun(tmp_path):
    with pytest.raises(DataError, match=r"last\.pt"):
        unfinished(tmp_path)


def test_export_without_a_checkpoint_says_so(tmp_path):
    with pytest.raises(DataError, match=r"best\.pt"):
        export(tmp_path, tmp_path / "weights")


def test_one_image_at_a_time_assigns_as_a_batch_does():
    generator = torch.Generator().manual_seed(0)
    rows, columns = torch.meshgrid(torch.arange(8.0), torch.arange(8.0), indexing="ij")
    anchors = torch.stack((columns, rows), -1).reshape(-1, 2) * 8 + 4
    boxes = torch.cat((anchors - 10, anchors + 10), 1).expand(2, -1, -1)
    scores = torch.rand((2, 64, 4), generator=generator)
    low = torch.rand((2, 5, 2), generator=generator) * 40
    truths = torch.cat((low, low + 16), 2)
    mask = torch.ones(2, 5, 1)
    mask[1, 2:] = 0
    truths = truths * mask
    labels = torch.randint(0, 4, (2, 5, 1), generator=generator).float()
    given = (scores, boxes, anchors, labels, truths, mask)
    usual = TaskAlignedAssigner(10, 4, 0.5, 6.0, [8, 16, 32])(*given)
    ours = PerImageAssigner(10, 4, 0.5, 6.0, [8, 16, 32])(*given)
    for name, one, other in zip(("labels", "boxes", "scores", "mask"), usual, ours, strict=False):
        found = usual[3]
        assert torch.equal(one[found], other[found]), name
    assert torch.equal(usual[3], ours[3])
