"""Measure the code: functions, docstrings, types, imports and folders, as a Markdown table.

What is measured is what pyright checks (`include` in pyproject.toml), without migrations; the
imports are those of the packages that import-linter knows.
"""

from __future__ import annotations

import ast
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import grimp
import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from settings import ROOT

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef
Arrow: TypeAlias = tuple[str, str]
"""Importing and imported module."""


@dataclass(frozen=True)
class CodeMetrics:
    """The numbers of one source tree.

    Attributes:
        lines: Of each function from `def` to its end.
        typed: Functions that state what they return.
        public: Public functions, methods and classes.
        documented: Those of `public` with a docstring.
        several_lines: Those of `documented` whose docstring has several lines.
        files: Python files by folder.
    """

    lines: tuple[int, ...]
    typed: int
    public: int
    documented: int
    several_lines: int
    files: Counter[str]


def main() -> None:
    """Print the table of this project."""
    print(as_table(measure(source_files(ROOT), ROOT), imports_of(ROOT)))


def source_files(root: Path) -> list[Path]:
    """Find the files that pyright checks below `root`."""
    checked = _project(root)["tool"]["pyright"]
    found = [root / name for name in checked["include"]]
    files = {file for path in found for file in ([path] if path.is_file() else path.rglob("*.py"))}
    left_out = [root / name for name in checked["exclude"]]
    return sorted(f for f in files if not any(f.is_relative_to(folder) for folder in left_out))


def measure(files: Iterable[Path], root: Path) -> CodeMetrics:
    """Measure files below `root`."""
    files = list(files)
    trees = [ast.parse(file.read_bytes()) for file in files]
    functions = [node for tree in trees for node in ast.walk(tree) if isinstance(node, Function)]
    public = [ast.get_docstring(node) for tree in trees for node in _public(tree)]
    documented = [text for text in public if text]
    return CodeMetrics(
        lines=tuple(
            sorted((node.end_lineno or node.lineno) - node.lineno + 1 for node in functions)
        ),
        typed=sum(node.returns is not None for node in functions),
        public=len(public),
        documented=len(documented),
        several_lines=sum("\n" in text for text in documented),
        files=Counter(file.parent.relative_to(root).as_posix() for file in files),
    )


def _public(node: ast.AST) -> Iterator[Function | ast.ClassDef]:
    """Yield what has a public name in a module, and in its public classes."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Function | ast.ClassDef) and not child.name.startswith("_"):
            yield child
            if isinstance(child, ast.ClassDef):
                yield from _public(child)


def imports_of(root: Path) -> tuple[int, int]:
    """Count circles of modules, and imports from a lower layer of import-linter's to a higher."""
    rules = _project(root)["tool"]["importlinter"]
    first, *others = rules["root_packages"]
    graph = grimp.build_graph(first, *others, exclude_type_checking_imports=True, cache_dir=None)
    arrows = [
        (module, imported)
        for module in graph.modules
        for imported in graph.find_modules_directly_imported_by(module)
    ]
    (layers,) = (one["layers"] for one in rules["contracts"] if one["type"] == "layers")
    return circles(arrows), arrows_up(arrows, layers)


def circles(arrows: Sequence[Arrow]) -> int:
    """Count groups of modules that import each other, directly or through others."""
    names = sorted({name for arrow in arrows for name in arrow})
    if not names:
        return 0
    number = {name: place for place, name in enumerate(names)}
    edges = np.array([(number[start], number[end]) for start, end in arrows]).T
    matrix = coo_array((np.ones(len(arrows)), tuple(edges)), shape=(len(names), len(names)))
    _, groups = connected_components(matrix, connection="strong")
    return int(np.count_nonzero(np.bincount(groups) > 1))


def arrows_up(arrows: Iterable[Arrow], layers: Sequence[str]) -> int:
    """Count imports of a higher layer, or of a neighbour beside `|`, by a lower one.

    Args:
        arrows: The imports.
        layers: Packages from the highest to the lowest; those beside `|` must not import each
            other.
    """
    height = {
        name.strip(): place for place, layer in enumerate(layers) for name in layer.split("|")
    }
    ends = (tuple(name.partition(".")[0] for name in arrow) for arrow in arrows)
    return sum(height[end] <= height[start] for start, end in ends if start != end)


def as_table(measured: CodeMetrics, imports: tuple[int, int]) -> str:
    """Write the numbers as a Markdown table."""
    folder, most = measured.files.most_common(1)[0]
    median, p90 = (int(each) for each in np.percentile(measured.lines, (50, 90), method="higher"))
    rows = {
        "functions": len(measured.lines),
        "their lines: median / p90 / longest": f"{median} / {p90} / {measured.lines[-1]}",
        "functions that state what they return": _percent(measured.typed, len(measured.lines)),
        "public names with a docstring": _percent(measured.documented, measured.public),
        "of these, with one of several lines": _percent(
            measured.several_lines, measured.documented
        ),
        "circles of imports": imports[0],
        "imports from a lower layer to a higher": imports[1],
        "most Python files in a folder": f"{most} (`{folder}/`)",
    }
    return "\n".join(
        ["| | |", "|---|---:|", *(f"| {name} | {value} |" for name, value in rows.items())]
    )


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f}%" if whole else "–"


def _project(root: Path) -> dict[str, Any]:
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
