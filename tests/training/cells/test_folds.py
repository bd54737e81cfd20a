from dataclasses import replace
from pathlib import Path

import numpy as np

from training.cells.data import Cell, read_cnmc_cells, subject_group
from training.cells.folds import (
    CHECK_FOLD,
    FOLDS,
    assign_folds,
    deal_subjects,
    merge_duplicates,
)

REAL_NORMAL = {
    "cnmc:H11": 4,
    "cnmc:H12": 4,
    "cnmc:H14": 2,
    "cnmc:H16": 2,
    "cnmc:H17": 3,
    "cnmc:H2+H4+H5+H6": 0,
    "cnmc:H22": 3,
    "cnmc:H24": 4,
    "cnmc:H3+H10": 1,
    "cnmc:H40": 1,
    "cnmc:H7": 2,
}
CELL = Cell(Path("a.webp"), "cnmc", "", "", 0, -1)


def cells_of(sizes, blast):
    return [
        replace(CELL, group=f"cnmc:{subject_group(s)}", subject=s, blast=blast)
        for s, count in sizes.items()
        for _ in range(count)
    ]


def test_every_group_of_subjects_is_on_one_side(pack):
    for group in set(pack.group[pack.group != ""]):
        assert len(set(pack.fold[pack.group == group])) == 1


def test_every_fold_has_subjects_of_both_classes():
    normal = cells_of({f"H{n}": 10 * n for n in range(20, 35)}, 0)
    blasts = cells_of({str(n): 5 * n for n in range(1, 30)}, 1)
    dealt = deal_subjects([*normal, *blasts])
    for prefix, least, most in (("cnmc:H", 3, 3), ("cnmc:", 5, 9)):
        counts = [
            sum(fold == number for group, fold in dealt.items() if group.startswith(prefix))
            for number in range(FOLDS)
        ]
        assert least <= min(counts) <= max(counts) <= most


def test_folds_do_not_depend_on_the_order_in_which_files_are_read():
    cells = cells_of({f"H{n}": n for n in range(20, 35)}, 0)
    assert deal_subjects(cells) == deal_subjects(cells[::-1])


def test_cells_to_check_with_are_in_no_fold(pack):
    assert set(pack.fold[pack.source == "snam"]) == {CHECK_FOLD}
    assert CHECK_FOLD not in set(pack.fold[np.isin(pack.source, ("cnmc", "lmu", "pbc"))])


def test_one_cell_in_two_files_is_in_one_fold():
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(2, 64))
    groups = merge_duplicates(["a", "b", "c"], np.array([first, second, 2 * first + 5]))
    assert groups[0] == groups[2] != groups[1]
    cells = [replace(CELL, source="pbc", group=name) for name in "abc"]
    folds = assign_folds(cells, groups)
    assert folds[0] == folds[2]


def test_duplicates_are_joined_through_a_third():
    rng = np.random.default_rng(1)
    base = rng.normal(size=400)
    noise = rng.normal(size=400) * 0.075
    row = np.array([base + noise, base - noise, base])
    assert len(set(merge_duplicates(["a", "b", "c"], row))) == 1


def test_the_real_folds_are_pinned(shared_data):
    # A change here would move subjects that a network was trained on to those it is tried on.
    dealt = deal_subjects(read_cnmc_cells(shared_data))
    assert len(dealt) == 38
    normal = {group: fold for group, fold in dealt.items() if group.startswith("cnmc:H")}
    assert normal == REAL_NORMAL
