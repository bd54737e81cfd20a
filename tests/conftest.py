"""What many tests need: an application with fast stand-in models, and people signed in to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from models.registry import Models
from settings import ROOT, Settings
from tests.applications import empty_app, end, new_app
from tests.people import move, sign_in_as
from tests.reading import Reading


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """An empty installation; one password hash costs next to nothing."""
    # Weaker than any variable may ask for.
    return Settings.model_construct(
        instance_dir=tmp_path / "instance",
        weights_dir=tmp_path / "weights",
        password_memory_kib=8,
        password_passes=1,
        second_factor="optional",
    )


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    """The whole application on an empty database, with CSRF protection and limits on."""
    with empty_app(settings) as app:
        yield app


@pytest.fixture
def restarted(app: Flask, settings: Settings) -> Iterator[Callable[[], Flask]]:
    """Start another server on the same installation, its background at work."""
    begun = []

    def restart() -> Flask:
        again = new_app(settings)
        begun.append(again)
        again.extensions["leukoscope_tasks"].start()
        return again

    yield restart
    for each in begun:
        end(each)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser nobody has signed in with."""
    return app.test_client()


@pytest.fixture
def signed_in(app: Flask) -> FlaskClient:
    """The administrator's browser: the first account, named ada."""
    return sign_in_as(app, "ada")


@pytest.fixture
def other_client(app: Flask, signed_in: FlaskClient) -> FlaskClient:
    """The browser of a second person, no administrator, of another team, named ben."""
    client = sign_in_as(app, "ben")
    move(app, "ben", "another team")
    return client


@pytest.fixture
def colleague(app: Flask, signed_in: FlaskClient) -> FlaskClient:
    """The browser of a reader of the administrator's team, named cleo."""
    return sign_in_as(app, "cleo")


@pytest.fixture
def reading(monkeypatch) -> Reading:
    """The reading of fields, which a test may hold or let fail."""
    stand_in = Reading()
    monkeypatch.setattr("jobs.engine.BETWEEN_NOTES", 0)
    monkeypatch.setattr(
        Models,
        "read_field",
        lambda self, rgb, progress, **options: stand_in.read_field(self, rgb, progress),
    )
    return stand_in


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real images, where there is one."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"real images are not here: {folder} is missing")
    return folder


@pytest.fixture(scope="session")
def shared_cases() -> Path:
    """The folder of images that were once read wrongly, where there is one."""
    folder = ROOT.parent / "shared" / "cases" / "images"
    if not folder.is_dir():
        pytest.skip(f"images that went wrong are not here: {folder} is missing")
    return folder


@pytest.fixture(scope="session")
def damaged_tiffs() -> list[bytes]:
    """The TIFFs with damaged directories that were once answered with an error of the server."""
    folder = ROOT.parent / "shared" / "cases" / "damaged-tiff"
    files = sorted(folder.glob("*.bin"))
    if not files:
        pytest.skip(f"damaged files are not here: {folder} is missing")
    return [file.read_bytes() for file in files]
