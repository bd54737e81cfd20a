"""What many tests need: an application with fast stand-in models, and people signed in to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pydantic import SecretStr

from models.registry import Models
from settings import ROOT, Bucket, Settings
from tests import object_server as swift
from tests import postgres
from tests.applications import empty_app, end, new_app
from tests.people import move, sign_in_as
from tests.reading import Reading

SERVERS = {"database_server", "object_server"}
"""Fixtures of servers; what uses none is the same with either kind of database."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the tests run on either database."""
    parser.addoption(
        "--database",
        choices=("sqlite", "postgres"),
        default="sqlite",
        help="keep what the applications of tests keep in this kind of database",
    )


def pytest_configure(config: pytest.Config) -> None:
    """End at once where the database that was asked for is not installed."""
    if config.getoption("--database") == "postgres":
        postgres.programs()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is about the other database, and on PostgreSQL what needs no server."""
    kind = config.getoption("--database")
    other = "sqlite" if kind == "postgres" else "postgres"
    for item in items:
        if marker := item.get_closest_marker(f"{other}_only"):
            item.add_marker(pytest.mark.skip(reason=marker.args[0]))
    if kind == "postgres":
        config.hook.pytest_deselected(items=[each for each in items if not _uses_servers(each)])
        items[:] = [each for each in items if _uses_servers(each)]


def _uses_servers(item: pytest.Item) -> bool:
    return isinstance(item, pytest.Function) and not SERVERS.isdisjoint(item.fixturenames)


@pytest.fixture(scope="session")
def database_server(pytestconfig: pytest.Config) -> Iterator[postgres.Server | None]:
    """The PostgreSQL server of this process; None where the tests run on SQLite."""
    if pytestconfig.getoption("--database") == "sqlite":
        yield None
        return
    with postgres.running() as server:
        yield server


@pytest.fixture(scope="session")
def object_server() -> Iterator[swift.ObjectServer]:
    """The server with the S3 API of this process; skips where none is installed."""
    with swift.running() as server:
        yield server


@pytest.fixture
def bucket(object_server: swift.ObjectServer, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """A bucket of that server, with the variables set by which the application enters it."""
    for name, value in object_server.environment.items():
        monkeypatch.setenv(name, value)
    return Bucket(object_server.bucket(), "clinic/leukoscope")


@pytest.fixture
def settings(tmp_path: Path, database_server: postgres.Server | None) -> Iterator[Settings]:
    """An empty installation; one password hash costs next to nothing."""
    # Weaker than any variable may ask for.
    settings = Settings.model_construct(
        instance_dir=tmp_path / "instance",
        weights_dir=tmp_path / "weights",
        password_memory_kib=8,
        password_passes=1,
        second_factor="optional",
    )
    if database_server is None:
        yield settings
        return
    with database_server.place() as url:
        yield settings.model_copy(update={"database_url": SecretStr(url)})


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
        app.extensions["leukoscope_tasks"].stop()
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
    monkeypatch.setattr("jobs.runner.BETWEEN_NOTES", 0)
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
