"""Backups of an installation whose database is PostgreSQL: refused, with what to do instead."""

from pathlib import Path

import pytest
from flask import Flask

from services.backups.manifest import BackupError
from tests.backups import back_up, files_of, restored

pytestmark = pytest.mark.postgres_only("needs a server of PostgreSQL")


def test_nothing_looks_backed_up(app: Flask, tmp_path: Path):
    with pytest.raises(BackupError, match=r"on a PostgreSQL server.*Use pg_dump"):
        back_up(app, tmp_path / "backup")
    assert not (tmp_path / "backup").exists()


def test_nothing_is_restored_beside_it(app: Flask, tmp_path: Path):
    before = files_of(app.config["LEUKOSCOPE"].instance_dir)
    with pytest.raises(BackupError, match=r"Unset it, restore, and then use: flask .* move-to URL"):
        restored(app, tmp_path / "backup", replace=True)
    assert files_of(app.config["LEUKOSCOPE"].instance_dir) == before
