import json
import shutil
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner

from app import create_app
from models.registry import load_models
from records import db
from settings import ROOT, Settings

CELLS = 24


@pytest.fixture(scope="module")
def networks():
    return load_models(ROOT / "weights", "f32")


@pytest.fixture
def shell(settings: Settings, networks, tmp_path: Path):
    real = settings.model_copy(
        update={"weights_dir": ROOT / "weights", "instance_dir": tmp_path / "instance"}
    )
    app: Flask = create_app(real, networks)
    yield app.test_cli_runner()
    with app.app_context():
        db.engine.dispose()


def single_cells(data: Path, folder: Path, first: int) -> Path:
    """Copy C-NMC cells of both classes to a folder of its own layout."""
    for label in ("all", "hem"):
        (folder / label).mkdir(parents=True)
        images = sorted((data / "cnmc" / "images").glob(f"*_{label}.webp"))
        for image in images[first : first + CELLS // 2]:
            shutil.copy(image, folder / label)
    return folder


def fields(data: Path, folder: Path) -> Path:
    """Copy test fields of TXL-PBC, which hold no blast, with their white cells as labels."""
    (folder / "images").mkdir(parents=True)
    (folder / "labels").mkdir()
    for image in sorted((data / "txl_pbc" / "images" / "test").iterdir())[:2]:
        shutil.copy(image, folder / "images")
        (folder / "labels" / f"{image.stem}.txt").write_text("1 0.5 0.5 0.2 0.2\n")
    return folder


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_last_line_says_how_a_folder_is_read_before_and_after(
    shell: FlaskCliRunner, shared_data: Path, tmp_path: Path
):
    data = single_cells(shared_data, tmp_path / "data", 0)
    test = single_cells(shared_data, tmp_path / "test", CELLS)
    fields(shared_data, tmp_path / "test")
    before = contents(tmp_path / "instance")
    done = shell.invoke(args=["learn", "--data", str(data), "--test", str(test)])
    assert done.exit_code == 0, done.output
    said = json.loads(done.output.splitlines()[-1])
    assert set(said) == {"before", "after", "cells", "seconds"}
    assert 20 <= said["cells"] <= CELLS
    for measures in (said["before"], said["after"]):
        assert 0 <= measures["auroc"] <= 1
        assert 0 <= measures["sensitivity"] <= 1
        assert measures["false_blasts_per_field"] >= 0
        assert measures["blast_ap50"] is None
        assert 0 <= measures["wbc_ap50"] <= 1
    assert contents(tmp_path / "instance") == before


def test_too_few_cells_say_how_many_are_needed(
    shell: FlaskCliRunner, shared_data: Path, tmp_path: Path
):
    data = fields(shared_data, tmp_path / "data")
    done = shell.invoke(args=["learn", "--data", str(data), "--test", str(data)])
    assert done.exit_code == 1
    assert "There are 0 blasts and" in done.output
    assert "10 cells of either class from 2 images are needed" in done.output


def test_a_folder_without_images_says_what_it_needs(shell: FlaskCliRunner, tmp_path: Path):
    done = shell.invoke(args=["learn", "--data", str(tmp_path), "--test", str(tmp_path)])
    assert done.exit_code == 1
    assert "needs images/ and labels/" in done.output
