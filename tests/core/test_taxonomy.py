from core.taxonomy import (
    BLAST,
    CELL_CLASSES,
    CLASSES,
    DETECTED,
    DRAWING_ORDER,
    FIELD_CLASSES,
    READING_ORDER,
    SMUDGE,
    TRAINING_KINDS,
    UNCLASSIFIED,
    YOLO_CODES,
)

TAKEN_KEYS = set("dfju")
"""Keys that do something else in the reading room."""


def test_every_class_has_a_code_a_name_and_a_key_of_its_own():
    assert len(CLASSES) == len(CELL_CLASSES)
    assert len({one.name for one in CELL_CLASSES}) == len(CELL_CLASSES)
    assert len({one.key for one in CELL_CLASSES} - TAKEN_KEYS) == len(CELL_CLASSES)


def test_what_counts_in_a_differential_is_reported():
    assert all(one.reported for one in CELL_CLASSES if one.differential)


def test_a_reader_looks_first_through_what_the_models_propose():
    assert [one.code for one in READING_ORDER[:3]] == [BLAST, UNCLASSIFIED, SMUDGE]
    assert {one.proposes for one in FIELD_CLASSES if one.white} == {BLAST, UNCLASSIFIED}
    assert {one.code for one in CELL_CLASSES if one.proposed} == {BLAST, UNCLASSIFIED, SMUDGE}


def test_the_detectors_classes_are_numbered_as_in_txl_pbc():
    assert YOLO_CODES == ("wbc", "rbc", "platelet", "blast")
    assert sorted(one.index for one in FIELD_CLASSES) == list(range(len(FIELD_CLASSES)))


def test_the_detectors_classes_can_be_told_apart():
    for part in ("code", "colour", "letter", "name"):
        assert len({getattr(one, part) for one in FIELD_CLASSES}) == len(FIELD_CLASSES)
    assert DRAWING_ORDER[-1] == BLAST
    assert set(DRAWING_ORDER) == set(DETECTED)


def test_a_training_kind_belongs_to_one_class():
    assert len(set(TRAINING_KINDS)) == len(TRAINING_KINDS)
