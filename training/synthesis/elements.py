"""Elements that make a composite look like a real field, each named once, here.

`Elements()` has all of them; an ablation leaves some out by name. A recipe (seed, elements, version
of the code) is written beside the composites, so that no folder holds those of two recipes.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

from core.taxonomy import YOLO_CODES
from training.data import DataError

RECIPE = "recipe.json"

VERSION = 2
"""Counts up whenever the same seed and elements give other images."""


def _element(meaning: str) -> bool:
    return field(default=True, metadata={"meaning": meaning})


@dataclass(frozen=True)
class Elements:
    """Which elements are drawn; none depends on whether a cell is a blast."""

    rim: bool = _element("uneven cytoplasm, bays and vacuoles on cells cut out without them")
    chromatin: bool = _element("contrast and sharpness of chromatin as in real fields")
    shared_stain: bool = _element("one stain for all cells of a field, that of its own if any")
    clusters: bool = _element("cells that touch")
    crowds: bool = _element("fields full of white cells, as in marrow")
    smudges: bool = _element("smudge cells")
    pushed: bool = _element("red cells pushed aside by white cells, none shines through")
    platelets: bool = _element("platelets on and beside red cells")
    precipitate: bool = _element("specks and threads of stain")
    light: bool = _element("plasma in many tints, uneven light, vignetting")
    defocus: bool = _element("defocus, chromatic edges, sharpening and noise of a camera")
    jpeg: bool = _element("compression, once or twice")
    scale_range: bool = _element("red cells 11 to 90 px wide; otherwise 40 px")
    whole_cells: bool = _element("cells cut at seams between pieces of background taken away")

    def without(self, names: Iterable[str]) -> "Elements":
        """Switch elements off; raise DataError for an unknown name."""
        names = set(names)
        unknown = sorted(names - set(ELEMENTS))
        if unknown:
            raise DataError(f"No element: {', '.join(unknown)}. There are: {', '.join(ELEMENTS)}.")
        return replace(self, **dict.fromkeys(names, False))

    @property
    def names(self) -> list[str]:
        """Return the names of the elements that are on."""
        return [name for name in ELEMENTS if getattr(self, name)]


ALL_ELEMENTS = Elements()

ELEMENTS: dict[str, str] = {one.name: one.metadata["meaning"] for one in fields(Elements)}
"""Name and meaning of each element."""


def claim(folder: Path, seed: int, elements: Elements, count: int) -> None:
    """Write a folder's `recipe.json`, or check the one that is there.

    Raises DataError where the folder's composites were made by another recipe. Without a recipe, or
    without its classes (made by an earlier version), a folder may be read if all `count` are there,
    but not added to.
    """
    path = folder / RECIPE
    former = {"version": VERSION, "seed": seed, "elements": elements.names}
    recipe = {**former, "classes": list(YOLO_CODES)}
    made = len(list((folder / "cells").glob("*.csv")))
    known = json.loads(path.read_text()) if path.exists() else None
    if known != recipe and (known not in (None, former) or 0 < made < count):
        raise DataError(
            f"The composites in {folder} were made by another recipe (seed, elements or version). "
            "Name another folder with --out, or delete this one."
        )
    if made == 0:
        path.write_text(json.dumps(recipe, indent=1) + "\n")


def check_classes(folder: Path) -> None:
    """Raise DataError where the YOLO labels of composites have other numbers than now."""
    path = folder / RECIPE
    recipe = json.loads(path.read_text()) if path.exists() else {}
    if recipe.get("classes") != list(YOLO_CODES):
        raise DataError(
            f"The labels of the composites in {folder} number the classes in another order than "
            "now. Delete the folder and make them again: python -m training composites."
        )
