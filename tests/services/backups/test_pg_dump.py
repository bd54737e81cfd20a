"""The steps of docs/deploy.md that back up an installation on PostgreSQL, run as they stand."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from pydantic import SecretStr

from records import db, opening
from records.accounts.accounts import Account
from records.analyses.analyses import Analysis
from records.analyses.field_tasks import FieldTask
from records.tasks import TaskState
from services.analyses.field_queue import FieldQueue
from settings import ROOT, Settings
from tests import postgres
from tests.applications import end, new_app
from tests.backups import install_models
from tests.cases import open_case
from tests.pages.cases.test_sign_off import look, sign
from tests.people import PASSWORD, post, sign_in_as
from tests.services.analyses.test_field_queue import upload
from tests.uploads import fresh, upload_cell, upload_field
from tests.waiting import HANGS, until

pytestmark = pytest.mark.postgres_only("needs a server of PostgreSQL")

URL = "postgresql://leukoscope@db.clinic.example/"
"""What the document has in place of a server and a database's name."""

_numbers = count(1)


class Place:
    """A server, and two databases on it, under the names that the document gives them."""

    def __init__(self, server: postgres.Server, folder: Path) -> None:
        self.server, self.folder = server, folder
        number = next(_numbers)
        self.names = {name: f"{name}_{number}" for name in ("leukoscope", "restored")}

    def settings(self, name: str, instance: str) -> Settings:
        """The installation on one of the databases, as an account that is no superuser."""
        return Settings.model_construct(
            instance_dir=self.folder / instance,
            weights_dir=self.folder / "weights",
            password_memory_kib=8,
            password_passes=1,
            second_factor="optional",
            database_url=SecretStr(self._url(name)),
        )

    def run(self, title: str) -> None:
        """Run the commands below a title of the document."""
        commands = documented(title)
        for name in self.names:
            commands = commands.replace(f"{URL}{name}", self._url(name))
            commands = re.sub(
                rf"(createdb .* ){name}$", rf"\1{self.names[name]}", commands, flags=re.M
            )
        folder = self.server.log.parent
        programs = f"{postgres.programs()}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            ["bash", "-euc", commands.replace("DIR", "backup")],
            cwd=self.folder,
            env=os.environ | {"PATH": programs, "PGHOST": str(folder), "PGUSER": "tester"},
            capture_output=True,
            text=True,
            timeout=HANGS,
        )
        assert (done.returncode, done.stderr) == (0, "")

    def drop(self) -> None:
        with psycopg.connect(self.server.url("postgres"), autocommit=True) as connection:
            for name in self.names.values():
                connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def _url(self, name: str) -> str:
        return f"postgresql://leukoscope@/{self.names[name]}?host={self.server.log.parent}"


def documented(title: str) -> str:
    """The commands below this title in the chapter on PostgreSQL."""
    document = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    chapter = document.partition("\n## PostgreSQL\n")[2].partition("\n## ")[0]
    found = re.search(rf"\*\*{title}\*\*.*?```\n(.*?)```", chapter, re.DOTALL)
    assert found, title
    return found[1]


@pytest.fixture
def place(database_server: postgres.Server, tmp_path: Path) -> Iterator[Place]:
    """A server with the account of the program, and nothing on it."""
    place = Place(database_server, tmp_path)
    with psycopg.connect(database_server.url("postgres"), autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = 'leukoscope'").fetchone():
            connection.execute("CREATE ROLE leukoscope LOGIN")
        owner = f"CREATE DATABASE {place.names['leukoscope']} OWNER leukoscope TEMPLATE template0"
        connection.execute(owner)
    yield place
    place.drop()


@contextmanager
def served(settings: Settings) -> Iterator[Flask]:
    """The application on an installation, its database brought up to date."""
    app = new_app(settings)
    with app.app_context():
        opening.bring_up_to_date(settings)
    try:
        yield app
    finally:
        end(app)


@pytest.fixture
def clinic(place: Place) -> Iterator[Flask]:
    """An installation to back up, at work."""
    settings = place.settings("leukoscope", "instance")
    install_models(settings)
    with served(settings) as app:
        yield app


def leave_waiting(app: Flask, client: FlaskClient) -> str:
    """Send a field that nobody reads before the backup."""
    app.extensions["leukoscope_tasks"].stop()
    app.extensions["leukoscope_tasks"].leave_to_others()
    queue: FieldQueue = app.extensions["leukoscope_fields"]
    with app.app_context():
        ada = db.session.scalars(db.select(Account)).first()
        return queue.take(ada.id, upload()).id


@contextmanager
def at_work(client: FlaskClient) -> Iterator[None]:
    """Have somebody send images meanwhile, each with its rows in the trail."""
    begun, stopped = threading.Event(), threading.Event()

    def send() -> None:
        while not stopped.is_set():
            upload_cell(client, content=fresh())
            begun.set()

    sending = threading.Thread(target=send)
    sending.start()
    try:
        assert begun.wait(HANGS)
        yield
    finally:
        stopped.set()
        sending.join()


def verify(app: Flask) -> tuple[int, list[str]]:
    answer = app.test_cli_runner().invoke(args=["audit", "verify"])
    return answer.exit_code, answer.output.splitlines()


def test_what_was_dumped_while_the_server_ran_is_whole(place: Place, clinic: Flask):
    ada = sign_in_as(clinic, "ada")
    case = post(ada, "/cases/new", pseudonym="Alder-7", specimen="blood").headers["Location"]
    field = upload_field(ada, case=case.rsplit("/", 1)[-1])["id"]
    look(clinic, case)
    assert sign(ada, case, conclusion="Blasts.").status_code in {302, 303}
    paths = (f"/detect/{field}/image", f"/detect/{field}/findings.json", f"{case}/report.csv")
    before = {path: page(ada, path) for path in paths}
    waiting = leave_waiting(clinic, ada)
    with at_work(ada):
        place.run("To back up")
        upload_cell(ada, content=fresh())
    place.run("To restore")

    with served(place.settings("restored", "instance-restored")) as app:
        code, said = verify(app)
        assert code == 0, said
        assert "none changed, moved or missing" in said[0]
        shell = app.test_cli_runner()
        ended = shell.invoke(args=["accounts", "end-sessions", "--everybody"])
        assert ended.output == "Sessions ended: 1.\n"
        client = app.test_client()
        ready = client.get("/readyz").json
        assert (ready["database"], ready["schema"], ready["disk"]) == ("ok", "ok", "ok")
        assert post(client, "/sign-in", name="ada", password=PASSWORD).status_code == 302
        assert "Alder-7" in client.get(case).text
        assert {path: page(client, path) for path in before} == before
        check_images(app)
        app.extensions["leukoscope_tasks"].start()
        until(lambda: state_of(app, waiting) == TaskState.DONE)
        assert client.get(f"/detect/{waiting}").status_code == 200
        assert verify(app)[0] == 0


def page(client: FlaskClient, path: str) -> bytes:
    """What is at an address."""
    with client.get(path) as answer:
        assert answer.status_code == 200, path
        return answer.data


def check_images(app: Flask) -> None:
    """Every image that a row names is there."""
    store = app.extensions["leukoscope_image_stores"].images
    with app.app_context():
        names = set(db.session.scalars(db.select(Analysis.image_name)))
    assert len(names) > 1
    assert names <= set(store.names())


def state_of(app: Flask, task_id: str) -> TaskState | None:
    with app.app_context():
        return db.session.scalar(db.select(FieldTask.state).filter_by(id=task_id))


def test_a_dump_that_is_older_than_the_hash_log_looks_cut_off(place: Place, clinic: Flask):
    ada = sign_in_as(clinic, "ada")
    place.run("To back up")
    with clinic.app_context():
        open_case(db.session.scalars(db.select(Account)).one().id)
    upload_cell(ada)
    place.run("To restore")
    restored = place.folder / "instance-restored"
    shutil.copy(place.folder / "instance" / "audit_witness", restored)

    with served(place.settings("restored", "instance-restored")) as app:
        code, said = verify(app)
        assert code == 1
        assert re.fullmatch(
            r"Rows \d+ to \d+ were removed at the end: the external hash log names row \d+\.",
            said[0],
        )
        assert said[1:] == ["Error: The audit trail was altered."]
        shutil.copy(place.folder / "backup" / "audit_witness", restored)
        assert verify(app)[0] == 0


def test_only_its_owner_can_read_a_backup_and_what_was_restored(place: Place, clinic: Flask):
    upload_cell(sign_in_as(clinic, "ada"))
    place.run("To back up")
    place.run("To restore")

    for folder in ("backup", "instance-restored"):
        assert (place.folder / folder).stat().st_mode & 0o077 == 0
    restored = {path.name for path in (place.folder / "instance-restored").iterdir()}
    assert {"audit_witness", "images", "secret_key"} <= restored
    assert "thumbnails" not in restored
    assert not any(name.startswith("server.") for name in restored)
