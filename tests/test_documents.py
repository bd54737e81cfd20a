"""What the documents name is there: links, files, tests, commands, settings, figures."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from flask import Flask

from settings import ROOT
from training.__main__ import COMMANDS

TOP = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")
DOCUMENTS = [
    *(ROOT / name for name in TOP),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "weights").glob("*/*/model_card.md")),
]
MADE = ("instance/", "runs/", "weights/", ".venv/", ".venv-dev/")
"""What a checkout need not have, or has other files of."""

each_document = pytest.mark.parametrize(
    "document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix()
)


def text_of(document: Path) -> str:
    return document.read_text(encoding="utf-8")


def anchors_of(document: Path) -> set[str]:
    """The ends of addresses that GitHub gives the headings of a document."""
    headings = re.findall(r"^#+ (.+)$", text_of(document), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@each_document
def test_links_lead_to_what_is_there(document: Path):
    for target in re.findall(r"\]\(([^)\s]+)\)", text_of(document)):
        if re.match(r"\w+:", target):
            continue
        path, _, anchor = target.partition("#")
        led_to = (document.parent / path).resolve() if path else document
        assert led_to.exists(), target
        assert not anchor or anchor in anchors_of(led_to), target


def named_paths(text: str) -> Iterator[str]:
    """What stands in backticks and begins with a folder of this project, but what is to write."""
    text = re.sub(r"\b[Ww]rite\b[^`]*`[^`]+`", "", text)
    folders = {path.name for path in ROOT.iterdir() if path.is_dir()}
    for quoted in re.findall(r"`([\w./:-]+)`", text):
        if "/" in quoted and quoted.split("/")[0] in folders and not quoted.startswith(MADE):
            yield quoted


@each_document
def test_named_files_and_tests_are_there(document: Path):
    for named in named_paths(text_of(document)):
        path, _, test = named.partition("::")
        assert (ROOT / path).exists(), named
        if test:
            tree = ast.parse(text_of(ROOT / path))
            assert test in {getattr(node, "name", None) for node in tree.body}, named


@each_document
def test_modules_that_are_run_are_there(document: Path):
    for module, rest in re.findall(r"python -m ([\w.]+)((?: [\w-]+)*)", text_of(document)):
        words = rest.split()
        if module == "training" and words and re.fullmatch(r"[a-z][a-z-]*", words[0]):
            assert any(tuple(words[: len(one.name)]) == one.name for one in COMMANDS), (
                f"{module}{rest}"
            )
        else:
            assert find_spec(module), module


@each_document
def test_make_knows_its_targets(document: Path):
    targets = re.findall(r"^([\w-]+):", text_of(ROOT / "Makefile"), flags=re.MULTILINE)
    assert set(re.findall(r"(?:`|^)make ([a-z]+)", text_of(document), re.MULTILINE)) <= {*targets}


@each_document
def test_flask_knows_its_commands(document: Path, app: Flask):
    for words in re.findall(r"flask --app app ([a-z-]+(?: [a-z-]+)?)", text_of(document)):
        name, _, below = words.partition(" ")
        command = app.cli.get_command(None, name)
        assert command, words
        assert not below or below in getattr(command, "commands", [below]), words


@each_document
def test_settings_are_known(document: Path):
    known = text_of(ROOT / "settings.py").lower()
    for name in re.findall(r"LEUKOSCOPE_(\w+)", text_of(document)):
        assert name.lower() in known, name


def figures_of(text: str) -> list[str]:
    """The values of a table, with their intervals."""
    return re.findall(r"\| ([\d.]+ \| [\d.]+ to [\d.]+) \|", text)


def test_the_summary_of_the_validation_repeats_its_tables():
    summary, _, tables = text_of(ROOT / "docs" / "validation.md").partition("## How to repeat it")
    figures = figures_of(summary)
    assert figures
    for figure in figures:
        assert f"| {figure} |" in tables or f" {figure.split(' | ')[1]} |" in tables, figure


def test_the_readme_repeats_the_summary_of_the_validation():
    summary = text_of(ROOT / "docs" / "validation.md").partition("## How to repeat it")[0]
    figures = figures_of(text_of(ROOT / "README.md"))
    assert figures
    assert set(figures) <= set(figures_of(summary))


def test_every_decision_is_listed():
    folder = ROOT / "docs" / "adr"
    files = sorted(path.name for path in folder.glob("0*.md"))
    assert re.findall(r"\((0\d+[^)]*)\)", text_of(folder / "README.md")) == files
    assert [int(name[:4]) for name in files] == list(range(1, 1 + len(files)))
