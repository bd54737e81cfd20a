import shutil
from collections import Counter

import pytest

from training.cells.data import (
    ATTRIBUTES,
    KINDS,
    NO_ATTRIBUTES,
    UNKNOWN,
    read_attributes,
    read_cnmc_cells,
    read_lmu_cells,
    read_pbc_cells,
    read_snam_cells,
    subject_group,
)
from training.data import DataError


def named(cells, prefix):
    return [cell for cell in cells if cell.path.name.startswith(prefix)]


def test_subjects_that_share_cells_are_one_group():
    for together in (("51", "75", "78"), ("20", "21"), ("H2", "H4", "H5", "H6"), ("H3", "H10")):
        assert len({subject_group(subject) for subject in together}) == 1
    assert subject_group("H11") == "H11"


def test_both_folders_of_cnmc_are_read(cell_sets):
    cells = read_cnmc_cells(cell_sets)
    assert {cell.path.parts[-3] for cell in cells} == {"cnmc", "cnmc_more"}
    assert {cell.kind for cell in cells if cell.blast} == {KINDS.index("blast")}
    assert {cell.kind for cell in cells if not cell.blast} == {UNKNOWN}


def test_subkinds_become_the_kinds_that_a_haematologist_names(cell_sets):
    cells = read_pbc_cells(cell_sets)
    assert {cell.kind for cell in named(cells, "BNE_")} == {KINDS.index("neutrophil_band")}
    assert {cell.kind for cell in named(cells, "MY_")} == {KINDS.index("immature_granulocyte")}
    assert {cell.kind for cell in named(cells, "NEUTROPHIL_")} == {UNKNOWN}
    assert {cell.blast for cell in cells} == {0}


def test_attributes_are_known_only_of_cells_that_were_described(cell_sets):
    described = [c for c in read_pbc_cells(cell_sets) if c.attributes != NO_ATTRIBUTES]
    assert len(described) == 3
    last = tuple(len(values) - 1 for values in ATTRIBUTES.values())
    assert {cell.attributes for cell in described} == {last}


def test_an_attribute_that_nobody_knows_is_an_error_that_names_it(cell_sets, tmp_path):
    text = (cell_sets / "wbcatt.csv").read_text()
    (tmp_path / "wbcatt.csv").write_text(text.replace("irregular", "square"))
    with pytest.raises(DataError, match="cell_shape"):
        read_attributes(tmp_path)


def test_the_boxes_of_snam_are_blasts_smudges_and_others(cell_sets):
    blast, other, smudge = read_snam_cells(cell_sets)
    assert (blast.blast, other.blast, smudge.blast) == (1, 0, 0)
    assert (blast.kind, other.kind, smudge.kind) == (
        KINDS.index("blast"),
        UNKNOWN,
        KINDS.index("smudge"),
    )
    assert blast.box == pytest.approx((152.46, 106.08, 210.54, 165.92))


@pytest.mark.parametrize(
    ("folder", "read"),
    [
        ("cnmc_more", read_cnmc_cells),
        ("lmu_myeloblasts", read_lmu_cells),
        ("pbc_cells", read_pbc_cells),
        ("snam", read_snam_cells),
        ("wbcatt.csv", read_pbc_cells),
    ],
)
def test_a_set_that_is_missing_is_named(cell_sets, tmp_path, folder, read):
    shutil.copytree(cell_sets, tmp_path / "sets", ignore=lambda _, names: {folder} & set(names))
    with pytest.raises(DataError, match=folder):
        read(tmp_path / "sets")


def test_the_real_sets_are_as_their_description_says(shared_data):
    cells = read_cnmc_cells(shared_data)
    people = {(cell.blast, cell.subject) for cell in cells}
    assert len(cells) == 5542
    assert Counter(blast for blast, _ in people) == {0: 15, 1: 29}
    assert len(read_lmu_cells(shared_data)) == 1000
    pbc = read_pbc_cells(shared_data)
    assert len(pbc) == 5845
    assert sum(cell.attributes != NO_ATTRIBUTES for cell in pbc) == 3520
    assert Counter(cell.blast for cell in read_snam_cells(shared_data)) == {1: 61, 0: 6}
