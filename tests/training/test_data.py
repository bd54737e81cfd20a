import shutil

import pytest

from training.data import (
    SUBJECT_SPLITS,
    DataError,
    hashed_split,
    read_chula,
    read_cnmc,
    read_pbc,
    read_txl,
    subject_split,
)


def test_no_subject_is_in_two_splits_of_what_is_read(drawn_sets):
    splits = {}
    for cell in read_cnmc(drawn_sets):
        splits.setdefault(cell.subject, set()).add(cell.split)
    assert all(len(found) == 1 for found in splits.values())
    assert splits["H22"] == {"test"}
    assert splits["44"] == {"val"}


def test_the_real_subjects_are_all_assigned(shared_data):
    assert {cell.subject for cell in read_cnmc(shared_data)} == set(SUBJECT_SPLITS)


def test_a_hospitals_own_subject_is_split_by_its_name():
    splits = [subject_split(f"patient-{number}") for number in range(300)]
    assert splits == [subject_split(f"patient-{number}") for number in range(300)]
    assert 10 < splits.count("test") < 60
    assert 10 < splits.count("val") < 60


def test_hashed_split_is_pinned():
    # A change here would move images that were trained on into the test set.
    assert [hashed_split(f"{n}.webp") for n in range(103, 109)] == [
        "val",
        "train",
        "train",
        "train",
        "val",
        "train",
    ]


def test_pbc_boxes_are_in_pixels(drawn_sets):
    tile = read_pbc(drawn_sets)[0]
    assert tile.box == pytest.approx((58, 58, 122, 122))
    assert tile.kind == "lymphocyte"


def test_fields_are_read_with_their_scale_and_boxes(drawn_sets):
    assert {field.red_cell for field in read_chula(drawn_sets)} == {40}
    field = read_txl(drawn_sets, "val")[0]
    assert field.split == "val"
    assert field.boxes[0].label == "wbc"
    assert field.boxes[0].x1 == pytest.approx(0.34)


@pytest.mark.parametrize("read", [read_cnmc, read_pbc, read_chula])
def test_a_missing_set_is_named(read, tmp_path):
    with pytest.raises(DataError, match=r"manifest\.csv.*--data"):
        read(tmp_path)


def test_a_missing_txl_folder_is_named(tmp_path):
    with pytest.raises(DataError, match="txl_pbc"):
        read_txl(tmp_path, "train")


def test_a_missing_label_file_is_named(drawn_sets, tmp_path):
    copy = shutil.copytree(drawn_sets, tmp_path / "sets")
    (copy / "txl_pbc" / "labels" / "test" / "test-3.txt").unlink()
    with pytest.raises(DataError, match=r"test-3\.txt"):
        read_txl(copy, "test")


def test_a_manifest_without_a_column_is_refused(tmp_path):
    (tmp_path / "cnmc").mkdir()
    (tmp_path / "cnmc" / "manifest.csv").write_text("file,label\na.png,all\n")
    with pytest.raises(DataError, match="subject"):
        read_cnmc(tmp_path)
