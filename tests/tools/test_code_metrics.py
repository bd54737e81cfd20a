"""The numbers of the code: on a small tree whose numbers are known, and on this project."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from settings import ROOT
from tools.code_metrics import (
    arrows_up,
    as_table,
    circles,
    imports_of,
    measure,
    source_files,
)

PROJECT = """
[tool.pyright]
include = ["app.py", "high", "low"]
exclude = ["low/generated"]
[tool.importlinter]
root_packages = ["high", "low"]
[[tool.importlinter.contracts]]
type = "layers"
layers = ["high", "low"]
"""
THINGS = '''
class Thing:
    """A thing.

    It has several lines.
    """

    def say(self) -> str:
        """Say it."""
        return "it"

    def _keep(self):
        def inner():
            pass


def undocumented() -> int:
    return 1


async def wait(): ...
'''


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name, text in {
        "pyproject.toml": PROJECT,
        "app.py": "",
        "other.py": "def not_checked(): ...",
        "high/__init__.py": "",
        "low/__init__.py": "",
        "low/things.py": THINGS,
        "low/generated/made.py": "def made(): ...",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_files_are_those_that_pyright_checks(tree: Path):
    names = [path.relative_to(tree).as_posix() for path in source_files(tree)]
    assert names == ["app.py", "high/__init__.py", "low/__init__.py", "low/things.py"]


def test_functions_docstrings_and_folders_are_counted(tree: Path):
    measured = measure(source_files(tree), tree)

    assert measured.lines == (1, 2, 2, 3, 3)
    assert measured.typed == 2
    # Thing, say, undocumented and wait
    assert (measured.public, measured.documented, measured.several_lines) == (4, 2, 1)
    assert dict(measured.files) == {".": 1, "high": 1, "low": 2}


def test_the_table_has_median_and_longest(tree: Path):
    table = as_table(measure(source_files(tree), tree), (0, 0))

    assert "| their lines: median / p90 / longest | 2 / 3 / 3 |" in table
    assert "| functions that state what they return | 40% |" in table
    assert "| public names with a docstring | 50% |" in table
    assert "| of these, with one of several lines | 50% |" in table
    assert "| most Python files in a folder | 2 (`low/`) |" in table


@pytest.mark.parametrize(
    ("arrows", "number"),
    [
        ([], 0),
        ([("a", "b"), ("b", "c"), ("a", "c")], 0),
        ([("a", "b"), ("b", "a")], 1),
        ([("a", "b"), ("b", "c"), ("c", "a"), ("x", "y"), ("y", "x"), ("a", "x")], 2),
    ],
)
def test_circles_of_any_length_are_counted(arrows: list[tuple[str, str]], number: int):
    assert circles(arrows) == number


def test_arrows_up_and_between_neighbours_are_counted():
    layers = ["cli", "pages | training", "core"]
    down = [("cli.a", "pages.b"), ("pages.b", "core.c"), ("pages.b", "pages.c")]
    assert arrows_up(down, layers) == 0
    assert arrows_up([*down, ("core.c", "cli.a"), ("training.d", "pages.b")], layers) == 2


def test_this_project_has_no_circle_and_no_arrow_up():
    assert imports_of(ROOT) == (0, 0)


def test_the_document_has_every_row():
    document = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = as_table(measure(source_files(ROOT), ROOT), (0, 0))
    for name in re.findall(r"^\| (\S[^|]*) \|", table, re.MULTILINE):
        assert f"| {name} |" in document
