"""Instances to back up, and backups as tests look at them or damage them."""

from __future__ import annotations

import json
from pathlib import Path

from flask import Flask

from models.manifest import sha256_of
from services.backups import make
from services.backups.make import Made
from services.backups.manifest import MANIFEST
from services.backups.restore import Restored, restore
from settings import Settings
from tests.applications import new_app
from tests.networks import active


def install_models(settings: Settings, version: str = "1") -> None:
    """Files that stand for the two models; nothing loads them."""
    for model in make.MODELS:
        folder = active(settings.weights_dir / model, version)
        (folder / "charts").mkdir(parents=True, exist_ok=True)
        for name in ("network.xml", "network.bin"):
            (folder / name).write_text(f"{name} of {model} {version}")
        (folder / "charts" / "roc.svg").write_text("<svg/>")
        about = {
            "model": model,
            "version": version,
            "classes": [],
            "input": {"size": 1},
            "thresholds": {},
            "files": {path.name: sha256_of(path) for path in folder.glob("network.*")},
        }
        (folder / "manifest.json").write_text(json.dumps(about))


def back_up(app: Flask, target: Path) -> Made:
    """Back the application's instance up."""
    with app.app_context():
        return make.back_up(app.config["LEUKOSCOPE"], target)


def restored(app: Flask, source: Path, replace: bool = False) -> Restored:
    """Restore into the application's instance."""
    with app.app_context():
        accounts = app.extensions["leukoscope_accounts"]
        return restore(app.config["LEUKOSCOPE"], accounts, source, replace)


def another(settings: Settings) -> Flask:
    """The application on another instance."""
    return new_app(settings)


def files_of(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by its path in it."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def reseal(backup: Path, **changes: object) -> None:
    """Make the manifest fit files that were changed, as only this program should."""
    path = backup / MANIFEST
    content = json.loads(path.read_text())
    for name, kept in content["files"].items():
        kept |= {"sha256": sha256_of(backup / name), "bytes": (backup / name).stat().st_size}
    path.write_text(json.dumps(content | changes))
