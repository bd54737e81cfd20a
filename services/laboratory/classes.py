"""The laboratory's own classes of cells: added, renamed, retired, and never removed."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from core.folding import fold
from core.loinc import is_loinc
from core.taxonomy import CLASSES, FIELD_CODES, OWN_PREFIX, CellClass, CellClasses
from records import exclusive_transaction
from records.accounts.accounts import Account
from services.formatting import CLASS_TEXTS
from services.laboratory.settings import present, save_classes
from services.language import lazy_gettext

MOST = 20
"""Own classes in use at once."""

LONGEST_NAME, LONGEST_CODE = 40, 10
"""Characters. HL7 takes 20 for a code, with our prefix and what was counted."""

LONGEST_LOINC = 7

NO_NAME = lazy_gettext("Give the class a name.")
LONG_NAME = lazy_gettext("Use at most %(length)s characters.", length=LONGEST_NAME)
NAME_TAKEN = lazy_gettext("Another class has this name. Choose another one.")
NOT_A_CODE = lazy_gettext(
    "Use 1 to %(longest)s lower-case letters a to z, digits or underscores, such as plasma_c.",
    longest=LONGEST_CODE,
)
CODE_TAKEN = lazy_gettext("Another class has this code, perhaps a retired one. Choose another one.")
NOT_LOINC = lazy_gettext("This is not a LOINC code. Check every digit, or leave the field empty.")
TOO_MANY = lazy_gettext("At most %(most)s classes can be in use. Retire one first.", most=MOST)

_CODE = re.compile(rf"[a-z0-9_]{{1,{LONGEST_CODE}}}")


class OwnClassError(Exception):
    """A class cannot be kept: `field` is what is wrong with it, the text says why."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


def cell_classes() -> CellClasses:
    """Return all classes that cells of this laboratory can have."""
    values = present()
    return CellClasses(values.classes) if values else CellClasses()


def find(code: str) -> CellClass | None:
    """Find an own class, retired or not."""
    return next((one for one in cell_classes().own if one.code == code), None)


def add(author: Account, name: str, code: str, loinc: str, white: bool) -> CellClass:
    """Add a class.

    Args:
        author: An administrator.
        name: As the laboratory wants it read, in every language.
        code: Without `OWN_PREFIX`.
        loinc: Code of its share of the white cells in blood, or of its number per 100 of them
            where it does not count among them; empty for none.
        white: Whether it counts among the white cells.

    Raises:
        OwnClassError: It cannot be kept.
    """
    with exclusive_transaction():
        own = cell_classes().own
        made = CellClass(f"{OWN_PREFIX}{code}", name, "", differential=white, loinc=_loinc(loinc))
        _check_code(code, own)
        _check(made, own)
        save_classes(author, (*own, made))
    return made


def change(author: Account, code: str, name: str, loinc: str) -> bool:
    """Give a class another name and LOINC code; False where nothing is new.

    What was signed keeps the former ones. Raises `LookupError` where there is no such class,
    `OwnClassError` where it cannot be kept.
    """
    return _changed(author, code, lambda one: replace(one, name=name, loinc=_loinc(loinc)))


def retire(author: Account, code: str) -> bool:
    """Let nobody give a class from now on; raises `LookupError` where there is no such class."""
    return _changed(author, code, lambda one: replace(one, retired=True))


def use_again(author: Account, code: str) -> bool:
    """Let readers give a retired class again; raises as `change` does."""
    return _changed(author, code, lambda one: replace(one, retired=False))


def _changed(author: Account, code: str, change: Callable[[CellClass], CellClass]) -> bool:
    with exclusive_transaction():
        own = {one.code: one for one in cell_classes().own}
        if code not in own:
            raise LookupError(code)
        made = change(own[code])
        _check(made, tuple(one for one in own.values() if one.code != code))
        own[code] = made
        return save_classes(author, tuple(own.values()))


def _loinc(code: str) -> tuple[str, str] | None:
    if code and not is_loinc(code):
        raise OwnClassError("loinc", NOT_LOINC)
    return (code, "") if code else None


def _check_code(code: str, own: tuple[CellClass, ...]) -> None:
    if not _CODE.fullmatch(code):
        raise OwnClassError("code", NOT_A_CODE)
    # A built-in one would not clash behind the prefix, but be taken for it.
    if code in (*CLASSES, *FIELD_CODES) or f"{OWN_PREFIX}{code}" in [one.code for one in own]:
        raise OwnClassError("code", CODE_TAKEN)


def _check(made: CellClass, others: tuple[CellClass, ...]) -> None:
    """Raise `OwnClassError` where a class cannot be in use beside others."""
    if not made.name:
        raise OwnClassError("name", NO_NAME)
    if len(made.name) > LONGEST_NAME:
        raise OwnClassError("name", LONG_NAME)
    if made.retired:
        return
    in_use = [one for one in others if not one.retired]
    built_in = {*CLASS_TEXTS.values(), *(one.name for one in CLASSES.values())}
    if fold(made.name) in {fold(str(name)) for name in (*built_in, *(one.name for one in in_use))}:
        raise OwnClassError("name", NAME_TAKEN)
    if len(in_use) >= MOST:
        raise OwnClassError("name", TOO_MANY)
