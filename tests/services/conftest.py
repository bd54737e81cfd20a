"""What tests of the background need."""

from __future__ import annotations

import pytest
from flask import Flask

from models.loading import Models
from services.field_queue import FieldQueue
from tests.services.reading import Reading


@pytest.fixture
def reading(monkeypatch) -> Reading:
    """The reading of fields, held until the test lets it go."""
    stand_in = Reading()
    monkeypatch.setattr("services.tasks.BETWEEN_NOTES", 0)
    monkeypatch.setattr(
        Models, "read_field", lambda self, rgb, progress: stand_in.read_field(self, rgb, progress)
    )
    return stand_in


@pytest.fixture
def queue(app: Flask) -> FieldQueue:
    """Who takes and reads the fields of the application."""
    return app.extensions["leukoscope_fields"]
