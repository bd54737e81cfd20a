"""What the administrator sets for the reports of the laboratory; every change is kept and noted."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Any

from core.coding import BLOOD
from core.taxonomy import CellClass
from imaging.logos import read_logo
from records import exclusive_transaction
from records.accounts.accounts import Account
from records.audit.audit import Event
from records.laboratory import laboratory as records
from records.laboratory.laboratory import LaboratorySettings
from services.audit.audit import note
from services.laboratory.letterhead import Laboratory, ReferenceRange

LONGEST_CONTACT, MOST_LINES = 600, 6
LONGEST_SOURCE = 200
LONGEST_PHRASE = 1000
MOST_PHRASES = 60


@dataclass(frozen=True)
class Values:
    """All settings; the fields are those of `LaboratorySettings`, `ranges` None for none saved."""

    name: str = ""
    contact: str = ""
    logo: str | None = None
    ranges: dict[str, ReferenceRange] | None = None
    ranges_source: str = ""
    phrases: tuple[str, ...] = ()
    classes: tuple[CellClass, ...] = ()


def present() -> Values | None:
    """Return the settings that hold; None while nobody has made any."""
    newest = records.newest()
    return newest and Values(
        name=newest.name,
        contact=newest.contact,
        logo=newest.logo,
        ranges=_ranges(newest),
        ranges_source=newest.ranges_source,
        phrases=tuple(newest.phrases),
        classes=tuple(map(_own_class, newest.classes)),
    )


def _ranges(row: LaboratorySettings) -> dict[str, ReferenceRange] | None:
    if row.ranges is None:
        return None
    return {code: ReferenceRange(low=low, high=high) for code, (low, high) in row.ranges.items()}


def _own_class(kept: dict[str, Any]) -> CellClass:
    return CellClass(
        kept["code"],
        kept["name"],
        "",
        differential=kept["white"],
        loinc=(kept["loinc"], "") if kept["loinc"] else None,
        retired=kept["retired"],
    )


def _own_class_to_dict(one: CellClass) -> dict[str, Any]:
    return {
        "code": one.code,
        "name": one.name,
        "loinc": one.loinc[0] if one.loinc else None,
        "white": one.differential,
        "retired": one.retired,
    }


def laboratory_for(specimen: str) -> Laboratory | None:
    """Return what the settings put into a report of such a specimen; None where nothing."""
    values = present()
    if values is None:
        return None
    ranges = values.ranges if specimen == BLOOD and values.ranges else {}
    made = Laboratory(
        name=values.name,
        contact=values.contact,
        logo=values.logo,
        ranges=ranges,
        ranges_source=values.ranges_source if ranges else "",
    )
    return None if made == Laboratory() else made


def save(author: Account, values: Values) -> bool:
    """Keep everything but logo and classes, which stay; False where nothing is new."""
    with exclusive_transaction():
        before = present() or Values()
        return _keep(author, before, replace(values, logo=before.logo, classes=before.classes))


def save_classes(author: Account, classes: tuple[CellClass, ...]) -> bool:
    """Keep these as the laboratory's own classes: see `services.laboratory.classes`."""
    before = present() or Values()
    return _keep(author, before, replace(before, classes=classes))


def save_logo(author: Account, data: bytes) -> None:
    """Keep a logo, encoded anew.

    Raises:
        ImageError: It is not taken.
    """
    png = read_logo(data)
    sha256 = hashlib.sha256(png).hexdigest()
    with exclusive_transaction():
        before = present() or Values()
        records.add_logo(sha256, png)
        _keep(author, before, replace(before, logo=sha256))


def remove_logo(author: Account) -> None:
    """Print reports without a logo from now on."""
    with exclusive_transaction():
        before = present() or Values()
        _keep(author, before, replace(before, logo=None))


def _keep(author: Account, before: Values, after: Values) -> bool:
    """Keep the settings where they differ, and note which of them were changed."""
    names = vars(after)
    changed = {name: value for name, value in names.items() if value != getattr(before, name)}
    if not changed:
        return False
    row = _row(author, after)
    records.add(row)
    kept = {name: getattr(row, name) for name in changed}
    note(Event.LABORATORY, changed=kept)
    return True


def _row(author: Account, values: Values) -> LaboratorySettings:
    ranges = values.ranges and {
        code: [usual.low, usual.high] for code, usual in values.ranges.items()
    }
    return LaboratorySettings(
        author_id=author.id,
        name=values.name,
        contact=values.contact,
        logo=values.logo,
        ranges=ranges,
        ranges_source=values.ranges_source,
        phrases=list(values.phrases),
        classes=[_own_class_to_dict(one) for one in values.classes],
    )
