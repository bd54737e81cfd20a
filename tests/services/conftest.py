"""What tests of the background need."""

from __future__ import annotations

import pytest
from flask import Flask

from services.analyses.field_queue import FieldQueue


@pytest.fixture
def queue(app: Flask) -> FieldQueue:
    """Who takes and reads the fields of the application."""
    return app.extensions["leukoscope_fields"]
