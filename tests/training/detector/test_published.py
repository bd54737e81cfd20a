"""The served detector, read back, answers as it does through OpenVINO."""

from __future__ import annotations

import numpy as np
import openvino as ov
import pytest
import torch
from torch import nn

from models.detector.detector import load_network
from models.manifest import WeightsError, load_manifest
from models.versions import active_folder
from tests.networks import write_detector
from tests.training.drawn import draw_field
from training.data import PROJECT, DataError
from training.detector.published import layers_of, load_published, write_trained
from training.detector.train import SmearModel

SERVED = active_folder(PROJECT / "weights", "detector")


@pytest.fixture(scope="module")
def network() -> SmearModel:
    return load_published(SERVED).eval()


def picture(seed: int) -> np.ndarray:
    """Draw a field with some noise, float32 (1, 3, 320, 320) in 0..1."""
    noise = np.random.default_rng(seed).normal(0, 6, (320, 320, 3))
    field = np.clip(draw_field(320, 320, 30 + 10 * seed, True)[..., ::-1] + noise, 0, 255)
    return (field.transpose(2, 0, 1)[None] / 255).astype(np.float32)


def test_what_is_read_back_answers_as_what_is_served(network):
    served = load_network(load_manifest(SERVED, "detector"), "f32")
    for seed in range(3):
        pixels = picture(seed)
        (expected,) = served.run(pixels).values()
        with torch.inference_mode():
            got = network(torch.from_numpy(pixels))[0].numpy()
        assert got[:, 4:].max() > 0.3, "there is something to find"
        np.testing.assert_allclose(got[:, 4:], expected[:, 4:], atol=1e-3)
        np.testing.assert_allclose(got[:, :4], expected[:, :4], atol=0.05)


def test_it_has_the_published_classes_and_learns_without_statistics(network):
    assert tuple(network.names.values()) == load_manifest(SERVED, "detector").classes
    assert not any(isinstance(module, nn.BatchNorm2d) for module in network.modules())
    fixed = [name for name, one in network.named_parameters() if not one.requires_grad]
    assert fixed == ["model.22.dfl.conv.weight"]


def test_what_is_written_answers_as_what_was_trained(tmp_path):
    network = load_published(SERVED).eval().to(memory_format=torch.channels_last)
    with torch.no_grad():
        for one in layers_of(network)[-1].parameters():
            if one.requires_grad:
                one.mul_(0.98)
    write_trained(network, SERVED / "network.xml", tmp_path)
    pixels = picture(1)
    answers = []
    for path in (tmp_path / "network.xml", SERVED / "network.xml"):
        (answer,) = (
            ov.Core()
            .compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})(pixels)
            .values()
        )
        answers.append(answer[:, 4:])
    with torch.inference_mode():
        expected = network(torch.from_numpy(pixels))[0].numpy()[:, 4:]
    written, base = answers
    np.testing.assert_allclose(written, expected, atol=5e-3)
    assert np.abs(written - base).max() > 0.02
    sizes = [(folder / "network.bin").stat().st_size for folder in (tmp_path, SERVED)]
    assert sizes[0] == sizes[1]


def test_another_network_is_refused(tmp_path):
    with pytest.raises(DataError, match="does not hold a YOLOv8n"):
        load_published(write_detector(tmp_path / "detector"))


def test_there_must_be_weights(tmp_path):
    with pytest.raises(WeightsError):
        load_published(tmp_path)
