"""The lock files: what is installed is what is pinned, and each file of it has a hash."""

from __future__ import annotations

import ast
import re
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from models import registry
from settings import ROOT
from tools.lock import (
    ALL,
    SERVED,
    lock_of,
    normalized,
    pins_of,
    with_and_without_extras,
    without_common_marker,
)

ENTRY = re.compile(r"^(?=\S+==)", re.MULTILINE)
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}\b")


@pytest.mark.parametrize("pins", [SERVED, ALL])
def test_every_pin_is_locked_at_its_version_on_every_platform(pins: Path):
    locked = pins_of(ROOT / lock_of(pins))
    assert pins_of(ROOT / pins) <= locked, "pins have changed: make lock"
    text = (ROOT / lock_of(pins)).read_text()
    for name, version in pins_of(ROOT / pins):
        assert re.search(rf"^{re.escape(name)}=={re.escape(version)} \\$", text, re.MULTILINE)


@pytest.mark.parametrize("pins", [SERVED, ALL])
def test_every_locked_release_has_hashes(pins: Path):
    _, *entries = ENTRY.split((ROOT / lock_of(pins)).read_text())
    assert len(entries) > len(pins_of(ROOT / pins))
    assert [entry for entry in entries if not HASH.search(entry)] == []


@pytest.mark.parametrize("pins", [SERVED, ALL])
def test_a_lock_holds_packages_alone_and_no_address(pins: Path):
    lines = (ROOT / lock_of(pins)).read_text().splitlines()
    assert [line for line in lines if "://" in line or line.lstrip().startswith(("-i", "-f"))] == []
    options = {line.split("=")[0].strip() for line in lines if line.lstrip().startswith("--")}
    assert options == {"--hash"}


def test_a_pin_may_name_extras(tmp_path: Path):
    pins = tmp_path / "pins.txt"
    pins.write_text("plain==1.0\nSome.Name[one,two-three]==2.0  # why\n")
    assert pins_of(pins) == {("plain", "1.0"), ("some-name", "2.0")}


def test_the_tests_run_with_what_is_served():
    assert pins_of(ROOT / lock_of(SERVED)) <= pins_of(ROOT / lock_of(ALL))


def test_the_marker_of_all_platforms_is_dropped_and_no_other():
    linux, everywhere = "sys_platform == 'linux'", "sys_platform == 'linux' or platform == 'x'"
    before = f"a==1 ; {everywhere} \\\nb==1 ; {everywhere} \\\nc==1 ; {linux} \\\nd==2 \\\n"
    after = f"a==1 \\\nb==1 \\\nc==1 ; {linux} \\\nd==2 \\\n"
    assert without_common_marker(before) == after


def test_a_package_with_extras_is_locked_without_them_too():
    """Else pip, asked for hashes, says that it is not pinned where another one needs it plain."""
    hashes = "    --hash=sha256:1 \\\n    --hash=sha256:2\n"
    before = f"a[x, y]==1 \\\n{hashes}    # via b\nc==2 \\\n{hashes}"
    after = f"a==1 \\\n{hashes}a[x, y]==1 \\\n{hashes}    # via b\nc==2 \\\n{hashes}"
    assert with_and_without_extras(before) == after


def test_an_environment_is_made_of_its_lock():
    makefile = (ROOT / "Makefile").read_text()
    installs = re.findall(r"^\.venv\S*: (\S+)\n(?:\t.*\n)*?\t.*pip install (.*)", makefile, re.M)
    assert {lock for lock, _ in installs} == {lock_of(SERVED).name, lock_of(ALL).name}
    assert all("--require-hashes" in options for _, options in installs)


SERVED_CODE = ("app.py", "serving.py", "settings.py", "api", "cli", "core", "imaging", "jobs")
SERVED_CODE += ("models", "pages", "records", "services")


def imported_by_what_is_served() -> set[str]:
    """The top-level modules that the served code imports."""
    places = (ROOT / name for name in SERVED_CODE)
    files = [
        one for place in places for one in ([place] if place.is_file() else place.rglob("*.py"))
    ]
    names = set()
    for node in (node for file in files for node in ast.walk(ast.parse(file.read_text()))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names


def test_what_is_served_imports_only_what_is_installed_to_serve():
    locked = {name for name, _ in pins_of(lock_of(ROOT / SERVED))}
    providers = packages_distributions()
    ahead = {name.partition(".")[0] for name in registry.LIBRARIES}
    for module in (imported_by_what_is_served() | ahead) & set(providers):
        assert {normalized(name) for name in providers[module]} & locked, module
