"""A PostgreSQL server for the tests of one process, thrown away after them."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from itertools import count
from pathlib import Path
from tempfile import TemporaryFile, mkdtemp

import psycopg
import pytest
from dbos import DBOS
from pydantic import SecretStr

from app import create_app
from records import db, opening
from settings import Settings
from tests.stand_ins import stand_in_models

MISSING = (
    "The tests of --database postgres need initdb and pg_ctl of PostgreSQL: install postgresql "
    "(Debian, Ubuntu), or put them on the PATH."
)
FOLDERS = "usr/lib/postgresql/*/bin"
SETTINGS = {
    # Nothing here need survive a power cut.
    **dict.fromkeys(("fsync", "full_page_writes", "synchronous_commit", "autovacuum"), "off"),
    "listen_addresses": "",
    "max_connections": "60",
    # Not UTC, and days not as in ISO 8601.
    "timezone": "Asia/Kolkata",
    "datestyle": "German",
}


_present: list[Server] = []


def present() -> Server:
    """The server of this process."""
    return _present[0]


class Server:
    """A running server, reached by a socket in its folder; `migrated` is a database to copy."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = count(1)

    @property
    def log(self) -> Path:
        """What the server said."""
        return self._folder / "log"

    def url(self, database: str) -> str:
        return f"postgresql://tester:s3cret@/{database}?host={self._folder}"

    @contextmanager
    def place(self) -> Iterator[str]:
        """Give the URL of a database that is not there yet, and remove it at the end."""
        url = self.url(f"test_{next(self._numbers)}")
        yield url
        self._run(f"DROP DATABASE IF EXISTS {_name(url)} WITH (FORCE)")

    def create(self, url: str, migrated: bool = True, encoding: str = "") -> None:
        """Make the database of a URL, empty or with this version's tables."""
        template = self.migrated if migrated and not encoding else "template0"
        # ICU knows no other encoding than UTF-8's.
        other = f" ENCODING '{encoding}' LOCALE 'C' LOCALE_PROVIDER libc" if encoding else ""
        self._run(f"CREATE DATABASE {_name(url)} TEMPLATE {template}{other}")

    @cached_property
    def migrated(self) -> str:
        url = self.url("migrated")
        self.create(url, migrated=False)
        settings = Settings(instance_dir=Path(mkdtemp()), database_url=SecretStr(url))
        app = create_app(settings, stand_in_models())
        with app.app_context():
            opening.bring_up_to_date(settings)
            db.session.remove()
            db.engine.dispose()
        DBOS.migrate(settings.queues_url)
        shutil.rmtree(settings.instance_dir)
        return "migrated"

    def _run(self, statement: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement)


@contextmanager
def running(settings: Mapping[str, str] = SETTINGS) -> Iterator[Server]:
    """Start a server with these settings, and stop it at the end."""
    found = programs()
    folder = Path(mkdtemp(prefix="pg-", dir="/tmp"))
    user = _unprivileged()
    try:
        if user:
            os.chown(folder, user.pw_uid, user.pw_gid)
        data = folder / "data"
        initdb = [found / "initdb", "--no-sync", "--auth=trust", "--username=tester"]
        # In an order that is not that of code points.
        locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=icu", "--icu-locale=en"]
        _run_as(user, [*initdb, *locale, "-D", data])
        pg_ctl = [found / "pg_ctl", "-D", data, "-w", "-s"]
        options = " ".join(f"-c {name}='{value}'" for name, value in settings.items())
        _run_as(user, [*pg_ctl, "-l", folder / "log", "-o", f"{options} -k {folder}", "start"])
        server = Server(folder)
        _present.append(server)
        try:
            yield server
        finally:
            _present.remove(server)
            _run_as(user, [*pg_ctl, "-m", "immediate", "stop"])
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def programs() -> Path:
    """Find the folder of PostgreSQL's programs; raises `UsageError`, which ends the tests."""
    known = sorted(Path("/").glob(FOLDERS))
    if found := shutil.which("pg_ctl"):
        known.append(Path(found).resolve().parent)
    for folder in reversed(known):
        if (folder / "initdb").exists() and (folder / "pg_ctl").exists():
            return folder
    raise pytest.UsageError(MISSING)


def _unprivileged() -> pwd.struct_passwd | None:
    """Find who is to run the server, which refuses to run as root; None for whoever runs this."""
    if os.geteuid() != 0:
        return None
    names = {user.pw_name: user for user in pwd.getpwall()}
    return names.get("postgres") or names["nobody"]


def _run_as(user: pwd.struct_passwd | None, command: list[object]) -> None:
    who = {} if user is None else {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    # Into a file: the server would hold a pipe open.
    with TemporaryFile() as said:
        done = subprocess.run(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            cwd="/tmp",
            timeout=120,
            **who,
        )
        if done.returncode:
            said.seek(0)
            raise RuntimeError(f"{command[0]}: {said.read().decode()}")


def _name(url: str) -> str:
    return url.split("/")[3].partition("?")[0]
