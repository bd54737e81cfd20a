"""What tests of backups need."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from records import db
from settings import Settings
from tests.backups import another, install_models
from tests.people import sign_in_as
from tests.uploads import upload_cell, upload_field


@pytest.fixture
def client(app: Flask, settings: Settings) -> FlaskClient:
    """Of somebody who sent a cell and a field to an instance with models."""
    install_models(settings)
    client = sign_in_as(app, "ada")
    upload_cell(client)
    upload_field(client)
    return client


@pytest.fixture
def elsewhere(settings: Settings, tmp_path: Path) -> Iterator[Flask]:
    """The application on an empty instance of another computer, with the same models."""
    app = another(settings.model_copy(update={"instance_dir": tmp_path / "elsewhere"}))
    yield app
    app.extensions["leukoscope_tasks"].stop()
    with app.app_context():
        db.engine.dispose()
