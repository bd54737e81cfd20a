import numpy as np
import pytest
import torch
from torch import nn

from models.manifest import WeightsError
from tests.networks import CLASSIFIER, write_classifier
from training.cells.network import ARCHITECTURES, CellNetwork
from training.cells.published import load_published
from training.cells.served import Whitening, write_network
from training.data import DataError
from training.manifest import write_manifest


def published(folder, network):
    whitening = Whitening(np.zeros((network.size, 2), np.float32), np.zeros(2, np.float32))
    folder.mkdir()
    write_network(network, whitening, folder)
    training = {**CLASSIFIER["training"], "arguments": {"architecture": network.architecture}}
    write_manifest(folder, {**CLASSIFIER, "version": "1", "training": training})
    return folder


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_what_is_read_back_answers_as_what_was_written(tmp_path, architecture):
    torch.manual_seed(0)
    written = CellNetwork(architecture).eval()
    for module in written.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_var, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.2, 0.2)
    read = load_published(published(tmp_path / "classifier", written)).eval()
    pictures = torch.rand(2, 3, 160, 160) * 255
    with torch.inference_mode():
        expected, got = written(pictures), read(pictures)
    for name in ("blast", "kind", "attributes"):
        torch.testing.assert_close(
            getattr(got, name), getattr(expected, name), atol=0.02, rtol=0.02
        )


def test_weights_of_another_network_are_refused(tmp_path):
    with pytest.raises(DataError, match="not EfficientNetB3 or"):
        load_published(write_classifier(tmp_path / "classifier"))


def test_a_network_that_is_not_as_its_manifest_says_is_refused(tmp_path):
    folder = published(tmp_path / "classifier", CellNetwork("EfficientNet-Lite0"))
    training = {**CLASSIFIER["training"], "arguments": {"architecture": "EfficientNetB3"}}
    write_manifest(folder, {**CLASSIFIER, "version": "1", "training": training})
    with pytest.raises(DataError, match="does not hold EfficientNetB3"):
        load_published(folder)


def test_there_must_be_weights(tmp_path):
    with pytest.raises(WeightsError):
        load_published(tmp_path)
