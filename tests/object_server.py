"""A server with the S3 API for the tests of one process, thrown away after them: Swift."""

from __future__ import annotations

import base64
import hmac
import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from email.utils import formatdate
from http.client import HTTPConnection
from itertools import count
from pathlib import Path
from tempfile import mkdtemp

import pytest

MISSING = (
    "OpenStack Swift is not installed: on Debian, apt-get install swift-proxy swift-account "
    "swift-container swift-object"
)
STORAGE = ("account", "container", "object")
PROGRAMS = tuple(f"swift-{name}-server" for name in (*STORAGE, "proxy"))
PYTHON = "/usr/bin/python3"
"""For which Debian installs Swift."""

USER, PASSWORD = "test:tester", "s3cret-of-the-tests"
START_SECONDS = 180

CONFIGURATION = """
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
user = {user}
swift_dir = {folder}
devices = {folder}/devices
mount_check = false
disable_fallocate = true
workers = 0
log_level = ERROR
log_address = {folder}/log
# Half a second and less by default, for machines that do nothing else; a store that was late once
# gets no requests for a minute.
conn_timeout = 60
node_timeout = 60
recoverable_node_timeout = 60
container_update_timeout = 60
error_suppression_limit = 1000000
"""

SWIFT = """
[swift-hash]
swift_hash_path_suffix = tests

[storage-policy:0]
name = one
default = yes
"""

STORES = """
[pipeline:main]
pipeline = {name}-server

[app:{name}-server]
use = egg:swift#{name}
"""

PROXY = f"""
[pipeline:main]
pipeline = catch_errors cache s3api tempauth bulk slo keymaster encryption proxy-server

[app:proxy-server]
use = egg:swift#proxy
allow_account_management = true
account_autocreate = true

[filter:tempauth]
use = egg:swift#tempauth
user_{USER.replace(":", "_")} = {PASSWORD} .admin

[filter:s3api]
use = egg:swift#s3api
s3_acl = false

[filter:cache]
use = egg:swift#memcache
# Nothing listens there: every request asks the stores themselves.
memcache_servers = 127.0.0.1:1
memcache_max_connections = 1
set error_suppression_limit = 1
log_level = CRITICAL

[filter:keymaster]
use = egg:swift#keymaster
encryption_root_secret = {base64.b64encode(bytes(range(32))).decode()}

[filter:encryption]
use = egg:swift#encryption
""" + "".join(
    f"\n[filter:{name}]\nuse = egg:swift#{name}\n" for name in ("catch_errors", "bulk", "slo")
)


RINGS = """
import sys
from swift.common.ring import RingBuilder
for place in sys.argv[2:]:
    name, port = place.split(":")
    builder = RingBuilder(part_power=2, replicas=1, min_part_hours=0)
    device = {"id": 0, "region": 1, "zone": 1, "weight": 1.0, "device": "d1", "meta": ""}
    there = {"ip": "127.0.0.1", "port": int(port)}
    kept = {"replication_ip": "127.0.0.1", "replication_port": int(port)}
    builder.add_dev({**device, **there, **kept})
    builder.rebalance(seed=1)
    builder.get_ring().save(f"{sys.argv[1]}/{name}.ring.gz")
"""
"""Run by that Python: says which server has which part of the names."""


class ObjectServer:
    """A running server; what is put into it lies in files below `devices`, encrypted."""

    def __init__(self, folder: Path, port: int) -> None:
        self.devices = folder / "devices"
        self.address = f"http://127.0.0.1:{port}"
        self._numbers = count(1)

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which a program finds and enters it."""
        return {
            "AWS_ENDPOINT_URL": self.address,
            "AWS_ACCESS_KEY_ID": USER,
            "AWS_SECRET_ACCESS_KEY": PASSWORD,
            "AWS_REGION": "us-east-1",
        }

    def bucket(self) -> str:
        """Make a bucket and give its name."""
        name = f"bucket-{next(self._numbers)}"
        date = formatdate(usegmt=True)
        # The older way to sign: a bucket is all that is made with it.
        signed = hmac.digest(PASSWORD.encode(), f"PUT\n\n\n{date}\n/{name}".encode(), "sha1")
        authorization = f"AWS {USER}:{base64.b64encode(signed).decode()}"
        headers = {"Date": date, "Authorization": authorization}
        if (status := _ask(self.address, "PUT", f"/{name}", headers)) != 200:
            raise RuntimeError(f"Swift makes no bucket: {status}")
        return name

    def files_with(self, content: bytes) -> list[Path]:
        """Find the files of the server in which these bytes can be read."""
        files = (path for path in self.devices.rglob("*") if path.is_file())
        return [path for path in files if content in path.read_bytes()]


@contextmanager
def running() -> Iterator[ObjectServer]:
    """Start a server, and stop it at the end; skips where none is installed."""
    if any(shutil.which(name) is None for name in PROGRAMS):
        pytest.skip(MISSING)
    folder = Path(mkdtemp(prefix="swift-", dir="/tmp"))
    ports = {name: _free_port() for name in (*STORAGE, "proxy")}
    begun: list[subprocess.Popen[bytes]] = []
    try:
        _configure(folder, ports)
        for name in ports:
            begun.append(_start(folder, name))
        server = ObjectServer(folder, ports["proxy"])
        _wait(ports.values(), begun, folder)
        yield server
    finally:
        for process in begun:
            process.terminate()
        for process in begun:
            process.wait(30)
        shutil.rmtree(folder, ignore_errors=True)


def _configure(folder: Path, ports: dict[str, int]) -> None:
    (folder / "devices" / "d1").mkdir(parents=True)
    (folder / "swift.conf").write_text(SWIFT)
    user = pwd.getpwuid(os.geteuid()).pw_name
    for name, port in ports.items():
        text = CONFIGURATION.format(port=port, user=user, folder=folder)
        text += PROXY if name == "proxy" else STORES.format(name=name)
        (folder / f"{name}.conf").write_text(text)
    wanted = [f"{name}:{ports[name]}" for name in STORAGE]
    command = [PYTHON, "-c", RINGS, str(folder), *wanted]
    subprocess.run(command, check=True, capture_output=True, timeout=60)


def _start(folder: Path, name: str) -> subprocess.Popen[bytes]:
    with (folder / f"{name}.log").open("wb") as log:
        return subprocess.Popen(
            [f"swift-{name}-server", folder / f"{name}.conf"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )


def _wait(ports: Iterable[int], begun: list[subprocess.Popen[bytes]], folder: Path) -> None:
    """Wait until all servers listen: the proxy would refuse what it gets before the stores do."""
    end = time.monotonic() + START_SECONDS
    waiting = list(ports)
    while waiting and time.monotonic() < end and all(each.poll() is None for each in begun):
        waiting = [port for port in waiting if not _listens(port)]
        time.sleep(0.1)
    if waiting:
        logs = "\n".join(path.read_text() for path in sorted(folder.glob("*.log")))
        raise RuntimeError(f"Swift does not start: {logs}")


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5):
        return True
    return False


def _ask(address: str, method: str, path: str, headers: dict[str, str]) -> int:
    """Send a request and give the status of its answer; raises `OSError` where there is none."""
    connection = HTTPConnection(address.removeprefix("http://"), timeout=30)
    with closing(connection):
        connection.request(method, path, headers=headers)
        return connection.getresponse().status


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]
