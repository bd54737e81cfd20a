"""Small drawn image sets in the layout of the real ones."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np

SUBJECTS = {"all": ("34", "44", "33"), "hem": ("H10", "H14", "H22")}
PLASMA = (205, 215, 225)
RED_CELL = (140, 150, 205)
NUCLEUS = (130, 40, 90)


def draw_sets(folder: Path) -> Path:
    """Draw C-NMC, PBC, Chula and TXL-PBC in miniature; every split has something of each."""
    _draw_cnmc(folder / "cnmc")
    _draw_pbc(folder / "pbc")
    _draw_chula(folder / "chula_rbc12")
    _draw_txl(folder / "txl_pbc")
    return folder


def draw_cell_on_black(radius: int, side: int = 120) -> np.ndarray:
    """Draw a speckled disc on black with a dark rim and a thin tail, BGR."""
    image = np.zeros((side, side, 3), np.uint8)
    middle = (side // 2, side // 2)
    cv2.line(image, middle, (side // 2, side - 2), NUCLEUS, 5)
    cv2.circle(image, middle, radius, (40, 15, 30), -1)
    cv2.circle(image, middle, radius - 3, NUCLEUS, -1)
    cv2.circle(image, (side // 2 + radius // 3, side // 2), radius // 4, (160, 70, 120), -1)
    return image


def draw_field(width: int, height: int, red_cell: int, white_cell: bool) -> np.ndarray:
    """Plasma with a grid of red cells and, if wanted, one white cell in the middle, BGR."""
    image = np.full((height, width, 3), PLASMA, np.uint8)
    for x, y in red_cell_centres(width, height, red_cell):
        cv2.circle(image, (x, y), red_cell // 2, RED_CELL, -1, cv2.LINE_AA)
    if white_cell:
        cv2.circle(image, (width // 2, height // 2), red_cell, PLASMA, -1)
        cv2.circle(image, (width // 2, height // 2), int(red_cell * 0.8), (190, 150, 180), -1)
        cv2.circle(image, (width // 2, height // 2), int(red_cell * 0.6), NUCLEUS, -1)
    return image


def red_cell_centres(width: int, height: int, red_cell: int) -> list[tuple[int, int]]:
    """Where `draw_field` draws red cells."""
    step = int(red_cell * 1.6)
    return [
        (x, y) for y in range(step, height - step, step) for x in range(step, width - step, step)
    ]


def _write_manifest(folder: Path, rows: list[dict[str, object]]) -> None:
    with (folder / "manifest.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def _images(folder: Path) -> Path:
    (folder / "images").mkdir(parents=True)
    return folder / "images"


def _draw_cnmc(folder: Path) -> None:
    images, rows = _images(folder), []
    for label, subjects in SUBJECTS.items():
        for subject in subjects:
            name = f"UID_{subject}_{label}.png"
            radius = 48 if label == "all" else 40
            cv2.imwrite(str(images / name), draw_cell_on_black(radius))
            area = round(np.pi * radius**2)
            rows.append({"file": name, "label": label, "subject": subject, "cell_pixels": area})
    _write_manifest(folder, rows)


def _draw_pbc(folder: Path) -> None:
    images, rows = _images(folder), []
    for number in range(40):
        kind = ("lymphocyte", "monocyte")[number % 2]
        name = f"{kind}_{number}.png"
        cv2.imwrite(str(images / name), draw_field(180, 180, 40, white_cell=True))
        box = {"box_cx": 0.5, "box_cy": 0.5, "box_w": 64 / 180, "box_h": 64 / 180}
        rows.append({"file": name, "cell_type": kind, "width": 180, "height": 180, **box})
    _write_manifest(folder, rows)


def _draw_chula(folder: Path) -> None:
    images, rows = _images(folder), []
    for number in range(40):
        name = f"{number}.png"
        cv2.imwrite(str(images / name), draw_field(320, 240, 40, white_cell=False))
        rows.append({"file": name, "width": 320, "height": 240, "rbc_diameter_px": 40})
    _write_manifest(folder, rows)


def _draw_txl(folder: Path) -> None:
    for split in ("train", "val", "test"):
        for part in ("images", "labels"):
            (folder / part / split).mkdir(parents=True)
        for number in range(8):
            image = folder / "images" / split / f"{split}-{number}.png"
            cv2.imwrite(str(image), draw_field(200, 200, 40, white_cell=True))
            label = folder / "labels" / split / f"{split}-{number}.txt"
            label.write_text("\n".join(_txl_lines(200, 40)))


def _txl_lines(side: int, red_cell: int) -> list[str]:
    size = red_cell / side
    far = [
        (x, y)
        for x, y in red_cell_centres(side, side, red_cell)
        if np.hypot(x - side / 2, y - side / 2) > red_cell
    ]
    whites = [f"0 0.5 0.5 {1.6 * size} {1.6 * size}"]
    return whites + [f"1 {x / side} {y / side} {size} {size}" for x, y in far]
