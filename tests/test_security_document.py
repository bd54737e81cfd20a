"""The table of ASVS requirements in docs/security.md: complete, and each test in it is there."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache

from settings import ROOT

HEADING = "## ASVS 5.0, level 2"
VERDICTS = {"yes", "partly", "no", "operator", "n/a"}

LAST_REQUIREMENTS = {
    **{"1.1": 2, "1.2": 9, "1.3": 11, "1.4": 3, "1.5": 2},
    **{"2.1": 3, "2.2": 3, "2.3": 4, "2.4": 1},
    **{"3.2": 2, "3.3": 4, "3.4": 6, "3.5": 5, "3.7": 2},
    **{"4.1": 3, "4.2": 1, "4.3": 2, "4.4": 4},
    **{"5.1": 1, "5.2": 3, "5.3": 2, "5.4": 3},
    **{"6.1": 3, "6.2": 12, "6.3": 4, "6.4": 4, "6.5": 5, "6.6": 3, "6.8": 4},
    **{"7.1": 3, "7.2": 4, "7.3": 2, "7.4": 5, "7.5": 2, "7.6": 2},
    **{"8.1": 2, "8.2": 3, "8.3": 1, "8.4": 1},
    **{"9.1": 3, "9.2": 4},
    **{"10.1": 2, "10.2": 2, "10.5": 5},
    **{"11.1": 2, "11.2": 3, "11.3": 3, "11.4": 4, "11.5": 1, "11.6": 1},
    **{"12.1": 3, "12.2": 2, "12.3": 4},
    **{"13.1": 1, "13.2": 5, "13.3": 2, "13.4": 5},
    **{"14.1": 2, "14.2": 4, "14.3": 3},
    **{"15.1": 3, "15.2": 3, "15.3": 7},
    **{"16.1": 1, "16.2": 5, "16.3": 4, "16.4": 3, "16.5": 3},
}
"""Of each section of ASVS 5.0.0, the last requirement of levels 1 and 2: those of level 3 follow.

Of chapter 10 (OAuth) the sections for clients; chapter 17 (WebRTC) is left out as a whole.
"""

NUMBERS = re.compile(r"(\d+\.\d+)\.(\d+)(?:–(\d+))?")
TEST = re.compile(r"`tests/([\w/]+\.py)(?:::(\w+))?`")


def rows() -> list[list[str]]:
    text = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    section = text.split(HEADING)[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if re.match(r"\| \d", line)]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def requirements(cell: str) -> Iterator[tuple[str, int]]:
    for section, first, last in NUMBERS.findall(cell):
        for number in range(int(first), int(last or first) + 1):
            yield section, number


@cache
def functions_of(path: str) -> set[str]:
    file = ROOT / "tests" / path
    if not file.is_file():
        return set()
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_every_requirement_is_answered_once():
    answered = Counter(one for number, *_ in rows() for one in requirements(number))
    wanted = {
        (section, number)
        for section, last in LAST_REQUIREMENTS.items()
        for number in range(1, last + 1)
    }
    assert set(answered) == wanted
    assert [one for one, times in answered.items() if times > 1] == []


def test_every_answer_is_one_of_five():
    assert all(len(row) == 4 for row in rows())
    assert {verdict for _, verdict, *_ in rows()} == VERDICTS


def test_every_test_that_is_named_is_there():
    text = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    named = TEST.findall(text)
    assert len(named) > 100
    missing = [
        f"{path}::{name}"
        for path, name in named
        if not functions_of(path) or (name and name not in functions_of(path))
    ]
    assert missing == []


def test_what_is_met_names_a_test_or_says_that_somebody_read_it():
    bare = [
        number
        for number, verdict, _, test in rows()
        if verdict in {"yes", "partly"} and not TEST.search(test) and test != "read"
    ]
    assert bare == []
