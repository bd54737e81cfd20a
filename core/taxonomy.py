"""The classes of cells: every list of them in the application is derived from this file.

To add a class that readers can give a cell, add a row to `CELL_CLASSES` and a migration that widens
the check of `reviews.label`. To add one that the models give a cell of a field, add a row to
`FIELD_CLASSES`, run `python -m tools.cell_styles`, and train the network that tells it apart.

A laboratory's own classes are settings of its installation: `CellClasses` has both.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property

from core.translatable import translatable

BLAST, UNCLASSIFIED, ERYTHROBLAST = "blast", "unclassified", "erythroblast"
ARTEFACT, NOT_A_CELL = "artefact", "not_a_cell"
"""Codes of classes that rules depend on."""

WBC, RBC, PLATELET, SMUDGE = "wbc", "rbc", "platelet", "smudge"
"""Codes of what is found in a field beside blasts."""


OWN_PREFIX = "own_"
"""Prefix of the codes of a laboratory's own classes, and of no others."""

LOINC_VERSION = "2.78"
"""Release of LOINC of which the codes and long common names below are: loinc.org/24318-8."""


@dataclass(frozen=True)
class CellClass:
    """A class that a reader can give a cell.

    Attributes:
        code: What the database, the reports and the exports keep.
        name: Its name for people, of one cell.
        key: Its key in the reading room; d, f, j and u do something else there. Empty for a
            laboratory's own class, whose key each person chooses.
        differential: Whether it counts among the white cells of a differential.
        reported: Whether reports count it, beside the white cells if not among them.
        proposed: Whether the models propose it.
        loinc: LOINC code and name of its share of the leukocytes in blood, of those listed in LOINC
            24318-8 (manual differential); None where no code fits. Of a laboratory's own class the
            name is empty.
        training_kinds: What image sets for training call its cells.
        retired: Whether readers can no longer give it; cells that have it keep it.
    """

    code: str
    name: str
    key: str
    differential: bool = True
    reported: bool = True
    proposed: bool = False
    loinc: tuple[str, str] | None = None
    training_kinds: tuple[str, ...] = ()
    retired: bool = False


@dataclass(frozen=True)
class FieldClass:
    """A class that the models give the cells of a field, and how it is shown.

    Attributes:
        code: What findings and manifests call it.
        index: Its number in YOLO's label files: TXL-PBC's own, and after these the others.
        name: Its name for people, of one cell.
        plural: The same of several.
        letter: What its boxes are tagged with.
        colour: Of its boxes, "#rrggbb".
        white: Whether it is a white cell.
        detected: Whether the detector tells it apart; else it takes it for a white cell, and the
            classifier names it.
        proposes: The code in `CELL_CLASSES` that it proposes to the reader, if any.
        line: Width in pixels of its boxes on a page.
        quiet: Whether its boxes are thin and without tags: hundreds of bold ones hide a field.
    """

    code: str
    index: int
    name: str
    plural: str
    letter: str
    colour: str
    white: bool = False
    detected: bool = True
    proposes: str | None = None
    line: float = 1.5
    quiet: bool = True


CELL_CLASSES = (
    CellClass(
        BLAST,
        translatable("Blast"),
        "b",
        proposed=True,
        loinc=("26446-5", "Blasts/100 leukocytes in Blood"),
        training_kinds=("blast",),
    ),
    CellClass("lymphocyte", translatable("Lymphocyte"), "l", training_kinds=("lymphocyte",)),
    CellClass("monocyte", translatable("Monocyte"), "m", training_kinds=("monocyte",)),
    CellClass(
        "neutrophil",
        translatable("Neutrophil"),
        "n",
        training_kinds=("neutrophil_segmented", "neutrophil_band"),
    ),
    CellClass(
        "eosinophil",
        translatable("Eosinophil"),
        "e",
        loinc=("26450-7", "Eosinophils/100 leukocytes in Blood"),
        training_kinds=("eosinophil",),
    ),
    CellClass(
        "basophil",
        translatable("Basophil"),
        "p",
        loinc=("30180-4", "Basophils/100 leukocytes in Blood"),
        training_kinds=("basophil",),
    ),
    CellClass(
        "immature_granulocyte",
        translatable("Immature granulocyte"),
        "g",
        training_kinds=("immature_granulocyte",),
    ),
    CellClass("other", translatable("Other white cell"), "o"),
    CellClass(UNCLASSIFIED, translatable("Unclassified"), "c", proposed=True),
    CellClass(
        ERYTHROBLAST,
        translatable("Erythroblast"),
        "r",
        differential=False,
        training_kinds=("erythroblast",),
    ),
    CellClass(
        SMUDGE,
        translatable("Smudge cell"),
        "s",
        differential=False,
        proposed=True,
        training_kinds=("smudge",),
    ),
    CellClass(
        ARTEFACT,
        translatable("Artefact"),
        "a",
        differential=False,
        reported=False,
        training_kinds=("artefact",),
    ),
    CellClass(NOT_A_CELL, translatable("Not a cell"), "x", differential=False, reported=False),
)
"""In the order of reports.

Erythroblasts and smudge cells are given per 100 white cells; the last two do not count (ICSH, Int.
J. Lab. Hematol. 37 (2015) 287).
"""

FIELD_CLASSES = (
    FieldClass(
        BLAST,
        3,
        translatable("Blast"),
        translatable("Blasts"),
        "B",
        "#c8102e",
        white=True,
        proposes=BLAST,
        line=3.5,
        quiet=False,
    ),
    FieldClass(
        WBC,
        0,
        translatable("Other white cell"),
        translatable("Other white cells"),
        "W",
        "#0b57d0",
        white=True,
        proposes=UNCLASSIFIED,
        line=2.5,
        quiet=False,
    ),
    FieldClass(
        SMUDGE,
        4,
        translatable("Smudge cell"),
        translatable("Smudge cells"),
        "S",
        "#6b4fa0",
        detected=False,
        proposes=SMUDGE,
        line=2.5,
        quiet=False,
    ),
    FieldClass(
        RBC, 1, translatable("Red cell"), translatable("Red cells"), "R", "#8a5a00", line=1.25
    ),
    FieldClass(PLATELET, 2, translatable("Platelet"), translatable("Platelets"), "P", "#00705c"),
)
"""The most telling first."""

CLASSES = {one.code: one for one in CELL_CLASSES}
CLASS_CODES = tuple(CLASSES)
CLASS_NAMES = {one.code: one.name for one in CELL_CLASSES}
DIFFERENTIAL = tuple(one.code for one in CELL_CLASSES if one.differential)
"""Codes that count among the white cells of a differential."""

PROPOSED = tuple(one.code for one in CELL_CLASSES if one.proposed)
"""Codes that the models propose: of the others they count none, whatever is there."""

READING_ORDER = tuple(sorted(CELL_CLASSES, key=lambda one: not one.proposed))
"""The classes as a reader looks through them: first what the models propose."""

DETECTED = {one.code: one for one in FIELD_CLASSES}
FIELD_CODES = tuple(DETECTED)
DETECTOR_CODES = tuple(one.code for one in FIELD_CLASSES if one.detected)
"""Codes that the detector itself gives."""

WHITE_CELLS = tuple(one.code for one in FIELD_CLASSES if one.white)
"""Codes of white cells, which are the whole that shares are of."""

REVIEWED = tuple(one.code for one in FIELD_CLASSES if one.proposes)
"""Codes of what a reader reviews one by one."""

DRAWING_ORDER = tuple(reversed(FIELD_CODES))
"""The codes as boxes are drawn: blasts last, so that nothing covers them."""

YOLO_CODES = tuple(
    one.code for one in sorted(FIELD_CLASSES, key=lambda one: one.index) if one.detected
)
"""The detector's codes by their number in YOLO's label files."""

TRAINING_KINDS = tuple(kind for one in CELL_CLASSES for kind in one.training_kinds)
"""What image sets for training call the cells of all classes."""

CLASS_OF_KIND = {kind: one.code for one in CELL_CLASSES for kind in one.training_kinds}
"""The class that readers give a cell of a kind."""


@dataclass(frozen=True)
class CellClasses:
    """The classes that cells can have: those of this file, and a laboratory's `own` behind them.

    Example:
        >>> plasma = CellClass("own_plasma", "Plasma cell", "")
        >>> CellClasses((plasma,)).white[-1]
        'own_plasma'
    """

    own: tuple[CellClass, ...] = ()

    @cached_property
    def every(self) -> tuple[CellClass, ...]:
        """All of them, in the order of reports."""
        return (*CELL_CLASSES, *self.own)

    @cached_property
    def codes(self) -> tuple[str, ...]:
        """Codes of all."""
        return tuple(one.code for one in self.every)

    @cached_property
    def given(self) -> tuple[CellClass, ...]:
        """Those that a reader can give a cell now."""
        return tuple(one for one in self.every if not one.retired)

    @cached_property
    def white(self) -> tuple[str, ...]:
        """Codes that count among the white cells of a differential."""
        return tuple(one.code for one in self.every if one.differential)

    @cached_property
    def reported(self) -> tuple[str, ...]:
        """Codes that reports count."""
        return tuple(one.code for one in self.every if one.reported)

    @cached_property
    def names(self) -> dict[str, str]:
        """The name of each, in English or as the laboratory typed it, by code."""
        return {one.code: one.name for one in self.every}

    def used_by(self, labels: Collection[str]) -> CellClasses:
        """Return them with no own class but those among these codes."""
        return CellClasses(tuple(one for one in self.own if one.code in labels))


BUILT_IN = CellClasses()
"""The classes of this file alone: models propose no others."""
