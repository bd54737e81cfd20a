"""The sets of the classifier in miniature, drawn, and packed."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from tests.training.drawn import NUCLEUS, PLASMA, draw_cell_on_black, draw_field, draw_sets
from training.cells import predict
from training.cells.data import ATTRIBUTES
from training.cells.network import CellNetwork, save_network
from training.cells.pack import Pack, make_pack
from training.commands import parse

SUBJECTS = {"all": ("1", "75", "51", "20", "11", "26"), "hem": ("H2", "H4", "H11", "H24", "H7")}
_SUBKINDS = (("basophil", "BA"), ("neutrophil", "BNE"), ("ig", "MY"), ("neutrophil", "NEUTROPHIL"))


@pytest.fixture(scope="session")
def cell_sets(tmp_path_factory) -> Path:
    """All folders that the classifier reads; not to be changed."""
    folder = draw_sets(tmp_path_factory.mktemp("cell_sets"))
    rng = np.random.default_rng(0)
    _draw_cnmc_more(folder / "cnmc_more")
    _draw_lmu(folder / "lmu_myeloblasts" / "images", rng)
    _draw_pbc_cells(folder, rng)
    _draw_txl_train(folder / "txl_pbc", rng)
    _draw_snam(folder / "snam")
    return folder


@pytest.fixture(scope="session")
def pack(cell_sets) -> Pack:
    """Pack the drawn sets."""
    return make_pack(cell_sets)


@pytest.fixture(scope="session")
def trained(pack, tmp_path_factory):
    """A folder with a fold that was not trained, and the packed pictures beside it."""
    folder = tmp_path_factory.mktemp("trained")
    pack.save(folder / "pack.npz")
    (folder / "fold0").mkdir()
    torch.manual_seed(0)
    save_network(CellNetwork("EfficientNet-Lite0"), folder / "fold0" / "network.pt")
    settings = {"architecture": "EfficientNet-Lite0", "steps": 4, "seed": 1}
    torch.save({"settings": settings}, folder / "fold0" / "checkpoint.pt")
    places = ["--pack", str(folder / "pack.npz"), "--folder", str(folder)]
    predict.run(parse(predict.Options, [*places, "--folds", "0", "--threads", "1"]))
    return folder


def _draw_cnmc_more(folder: Path) -> None:
    (folder / "images").mkdir(parents=True)
    rows = []
    for label, subjects in SUBJECTS.items():
        for number, subject in enumerate(subjects):
            for cell in range(2):
                name = f"UID_{subject}_{cell}_{label}.webp"
                image = draw_cell_on_black(60 + 3 * number + cell, 450)
                cv2.imwrite(str(folder / "images" / name), image)
                rows.append({"file": name, "label": label, "subject": subject})
    _write(folder / "manifest.csv", rows)


def _draw_lmu(folder: Path, rng: np.random.Generator) -> None:
    folder.mkdir(parents=True)
    for number in range(12):
        field = draw_field(400, 400, 60 + 3 * number, True)
        # Two that look alike would be taken for one cell.
        cv2.circle(field, tuple(rng.integers(20, 380, 2).tolist()), 60, PLASMA, -1)
        cv2.circle(field, (200, 200), 45 + 2 * number, NUCLEUS, -1)
        cv2.imwrite(str(folder / f"MYO_{number:04}.webp"), _grainy(field, rng))


def _draw_pbc_cells(data: Path, rng: np.random.Generator) -> None:
    folder = data / "pbc_cells"
    (folder / "images").mkdir(parents=True)
    rows, attributes = [], []
    for kind, subkind in _SUBKINDS:
        for number in range(4):
            name = f"{subkind}_{number}.webp"
            field = draw_field(256, 256, 50, True)
            cv2.circle(field, (128, 128), 12 + 4 * number, NUCLEUS, -1)
            cv2.imwrite(str(folder / "images" / name), _grainy(field, rng))
            rows.append({"file": name, "kind": kind, "subkind": subkind})
    for row in rows[:3]:
        values = {attribute: values[-1] for attribute, values in ATTRIBUTES.items()}
        attributes.append({"file": f"pbc_cells/images/{row['file']}", "split": "test", **values})
    _write(folder / "manifest.csv", rows)
    _write(data / "wbcatt.csv", attributes)


def _draw_txl_train(folder: Path, rng: np.random.Generator) -> None:
    """Fields with one white cell each, of which no two look alike, in every fold."""
    for number in range(24):
        field = draw_field(200, 200, 40, True)
        cv2.circle(field, tuple(rng.integers(60, 140, 2).tolist()), 14 + number, NUCLEUS, -1)
        cv2.imwrite(str(folder / "images" / "train" / f"{number:02}.png"), _grainy(field, rng))
        (folder / "labels" / "train" / f"{number:02}.txt").write_text("0 0.5 0.5 0.4 0.4")


def _draw_snam(folder: Path) -> None:
    (folder / "images").mkdir(parents=True)
    (folder / "labels").mkdir()
    cv2.imwrite(str(folder / "images" / "ALL_1.png"), draw_field(363, 272, 30, True))
    lines = ["0 0.5 0.5 0.16 0.22", "1 0.2 0.2 0.1 0.1", "2 0.8 0.8 0.1 0.1"]
    (folder / "labels" / "ALL_1.txt").write_text("\n".join(lines))


def _grainy(bgr: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.clip(bgr + rng.normal(0, 6, bgr.shape), 0, 255).astype(np.uint8)


def _write(path: Path, rows: list[dict[str, object]]) -> None:
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
