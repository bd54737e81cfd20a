"""How far two readers of a case agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from services.cases.snapshot import Agreement, CellSnapshot, Disagreement


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


def _label(cells: dict[str, CellSnapshot], cell: str) -> str | None:
    return cells[cell].label if cell in cells else None


def _name(cell: str, *among: dict[str, CellSnapshot]) -> str:
    return next(cells[cell].name for cells in among if cell in cells)
