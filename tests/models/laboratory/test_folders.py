import pytest

from core.taxonomy import BLAST, SMUDGE, WBC
from models.laboratory.folders import FolderError, read_archive


@pytest.fixture
def archive(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "labels").mkdir()
    (tmp_path / "images" / "one.png").write_bytes(b"")
    return tmp_path


def write_labels(archive, text, name="one"):
    (archive / "labels" / f"{name}.txt").write_text(text)


def test_labels_become_cells_with_boxes_in_fractions(archive):
    write_labels(archive, "0 0.5 0.5 0.2 0.4\n1 0.1 0.1 0.1 0.1\n\n2 0.9 0.9 0.1 0.1\n")
    (field,) = read_archive(archive).fields
    assert [cell.label for cell in field.cells] == [BLAST, WBC, SMUDGE]
    assert field.cells[0].box == pytest.approx((0.4, 0.3, 0.6, 0.7))


def test_an_empty_label_file_says_that_there_is_no_cell(archive):
    write_labels(archive, "")
    (field,) = read_archive(archive).fields
    assert field.cells == ()


def test_a_field_without_a_label_file_is_told_apart(archive):
    write_labels(archive, "0 0.5 0.5 0.2 0.4")
    (archive / "images" / "two.JPG").write_bytes(b"")
    assert [path.name for path in read_archive(archive).without_labels] == ["two.JPG"]


def test_folders_in_images_have_their_like_in_labels(archive):
    (archive / "images" / "p1").mkdir()
    (archive / "images" / "p1" / "two.png").write_bytes(b"")
    (archive / "labels" / "p1").mkdir()
    write_labels(archive, "1 0.5 0.5 0.2 0.4", "p1/two")
    (field,) = read_archive(archive).fields
    assert field.path.name == "two.png"


@pytest.mark.parametrize(
    "line",
    [
        "3 0.5 0.5 0.2 0.2",
        "-1 0.5 0.5 0.2 0.2",
        "blast 0.5 0.5 0.2 0.2",
        "0 0.5 0.5 0.2",
        "0 0.5 0.5 zero 0.2",
        "0 50 50 20 20",
        "0 0.5 0.5 0 0.2",
        "0 nan 0.5 0.2 0.2",
    ],
)
def test_a_line_that_is_no_label_is_named(archive, line):
    write_labels(archive, f"0 0.5 0.5 0.2 0.4\n{line}\n")
    with pytest.raises(FolderError, match=r"one\.txt, line 2 is no label: it needs a class"):
        read_archive(archive)


def test_label_files_that_are_no_text_are_named(archive):
    (archive / "labels" / "one.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FolderError, match=r"one\.txt cannot be read"):
        read_archive(archive)


def test_single_cells_are_labelled_by_their_folder(tmp_path):
    for name in ("all", "hem"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "cell.bmp").write_bytes(b"")
    (tmp_path / "all" / "notes.txt").write_text("no image")
    cells = read_archive(tmp_path).cells
    assert [(path.parent.name, label) for path, label in cells] == [("all", BLAST), ("hem", WBC)]


def test_a_folder_with_nothing_to_learn_from_says_what_it_needs(tmp_path):
    with pytest.raises(FolderError, match=r"needs images/ and labels/"):
        read_archive(tmp_path)
