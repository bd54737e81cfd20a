import cv2
import numpy as np

from training.synthesis.elements import ALL_ELEMENTS
from training.synthesis.optics import compressed, photograph

PLASMA = np.array((200.0, 210.0, 205.0))
PLAIN = ALL_ELEMENTS.without(["light", "defocus", "jpeg"])


def _smear():
    density = np.zeros((128, 128, 3), np.float32)
    cv2.circle(density, (64, 64), 20, (0.2, 0.4, 0.3), -1)
    return density


def test_without_light_and_camera_a_picture_is_light_through_density():
    image = photograph(_smear(), PLASMA, PLAIN, np.random.default_rng(0))
    assert (image[2, 2] == PLASMA).all()
    assert np.abs(image[64, 64] - PLASMA * np.exp((-0.2, -0.4, -0.3))).max() < 1


def test_pictures_vary_in_tint_light_and_focus_and_stay_legible():
    light, slope, sharp = [], [], []
    for seed in range(40):
        image = photograph(_smear(), PLASMA, ALL_ELEMENTS, np.random.default_rng(seed))
        assert image.dtype == np.uint8
        around = np.concatenate((image[60:68, 28:36], image[60:68, 92:100]))
        assert image[60:68, 60:68].mean() < around.mean()
        light.append(image[100:].mean(axis=(0, 1)))
        slope.append(image[:, :20].mean() - image[:, -20:].mean())
        sharp.append(cv2.Laplacian(image[..., 1], cv2.CV_32F).var())
    assert np.std(light, axis=0).min() > 10
    assert np.std(slope) > 4
    assert max(sharp) > 3 * min(sharp)


def test_a_seed_gives_one_picture():
    one, same = (photograph(_smear(), PLASMA, ALL_ELEMENTS, np.random.default_rng(5)) for _ in "ab")
    assert (one == same).all()


def test_files_vary_in_size_unless_compression_is_off():
    image = photograph(_smear(), PLASMA, ALL_ELEMENTS, np.random.default_rng(1))
    varied = {len(compressed(image, ALL_ELEMENTS, np.random.default_rng(n))) for n in range(8)}
    plain = {len(compressed(image, PLAIN, np.random.default_rng(n))) for n in range(8)}
    assert len(varied) > 4
    assert len(plain) == 1
    assert max(varied) <= 1.1 * plain.pop()
