"""How far two readers of a case agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.taxonomy import NOT_A_CELL
from services.cases.signed_contents import SignedContents
from services.cases.snapshot import Agreement, CellSnapshot, Disagreement


@dataclass(frozen=True)
class Difference:
    """A cell that two readers call differently; a label is None where one did not mark it."""

    cell: CellSnapshot
    first: str | None
    second: str | None


def cohens_kappa(pairs: Sequence[tuple[str, str]]) -> float | None:
    """Return the agreement of two reviewers beyond chance, -1..1.

    None without cells, or where both give every cell one and the same name, so that chance
    explains it. Cohen, Educ. Psychol. Meas. 20 (1960) 37-46.
    """
    total = len(pairs)
    firsts, seconds = (Counter(names) for names in zip(*pairs, strict=True)) if pairs else ({}, {})
    chance = sum(count * seconds[name] for name, count in firsts.items())
    if chance == total**2:
        return None
    agreed = sum(first == second for first, second in pairs)
    return (total * agreed - chance) / (total**2 - chance)


def agreement(
    first: Sequence[CellSnapshot],
    second: Sequence[CellSnapshot],
    named_by_first: set[str],
    named_by_second: set[str],
) -> Agreement:
    """Compare what the first reviewer signed with the same cells as they stand for the second.

    Kappa is over cells to which each gave their own name (sets of ids): the first's stood when
    they signed, the second's stands now. A name that one of them took over from somebody else, in
    this version or an earlier one, does not count. A disagreement is any cell that is not called
    the same.
    """
    before = {cell.id: cell for cell in first}
    now = {cell.id: cell for cell in second}
    both = [id for id in before if id in named_by_first & named_by_second and id in now]
    return Agreement(
        kappa=cohens_kappa([(before[id].label, now[id].label) for id in both]),
        cells=len(both),
        disagreements=tuple(
            Disagreement(
                cell=_name(id, before, now), first=_label(before, id), second=_label(now, id)
            )
            for id in (*now, *(set(before) - set(now)))
            if _label(before, id) != _label(now, id)
        ),
    )


def blind_agreement(
    first: SignedContents,
    second: Sequence[CellSnapshot],
    second_reader: str,
    decided: Mapping[str, str] | None = None,
) -> Agreement:
    """Compare what two people sign, each for themselves.

    Args:
        first: what the first reviewer signed.
        second: the cells as the second reviewer signs them.
        second_reader: the name of the second reviewer.
        decided: what cells on which they differ are called in the end, by id.
    """
    signed = first.snapshot.cells, second
    named = _named_by(first.snapshot.cells, first.reader), _named_by(second, second_reader)
    decided = decided or {}
    differing = (
        Disagreement(
            cell=one.cell.name,
            first=one.first,
            second=one.second,
            decided=decided.get(one.cell.id),
        )
        for one in differences(*signed)
    )
    kappa = agreement(*signed, *named)
    return kappa.model_copy(update={"disagreements": tuple(differing), "blind": True})


def differences(first: Sequence[CellSnapshot], second: Sequence[CellSnapshot]) -> list[Difference]:
    """Return the cells that two people call differently, in the order of the second.

    A cell that one of them did not mark, because the models do not count it or nobody drew it,
    differs where the other takes it for a cell.
    """
    before, now = ({cell.id: cell for cell in cells} for cells in (first, second))
    pairs = [
        Difference(cell, _marked(before.get(cell.id)), _marked(now.get(cell.id)))
        for cell in {**now, **{id: cell for id, cell in before.items() if id not in now}}.values()
    ]
    return [one for one in pairs if (one.first or NOT_A_CELL) != (one.second or NOT_A_CELL)]


def _marked(cell: CellSnapshot | None) -> str | None:
    return cell.label if cell and cell.counted else None


def _named_by(cells: Sequence[CellSnapshot], reader: str) -> set[str]:
    return {cell.id for cell in cells if cell.by == reader}


def _label(cells: dict[str, CellSnapshot], cell: str) -> str | None:
    return cells[cell].label if cell in cells else None


def _name(cell: str, *among: dict[str, CellSnapshot]) -> str:
    return next(cells[cell].name for cells in among if cell in cells)
