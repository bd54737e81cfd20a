from core.taxonomy import TRAINING_KINDS
from pages.common.morphology import KIND_TEXTS, describe


def test_every_kind_has_a_name():
    assert set(KIND_TEXTS) == set(TRAINING_KINDS)


def test_kind_and_form_are_said_in_words():
    said = describe("neutrophil_band", {"nucleus_shape": "unsegmented-band", "cell_size": "big"})
    assert said == [("Kind", "Band neutrophil"), ("Nucleus", "band"), ("Cell size", "large")]


def test_nothing_is_said_where_the_classifier_does_not_tell():
    assert describe(None, {}) == []


def test_a_word_without_a_name_keeps_its_code():
    assert describe("new_kind", {"new": "value"}) == [("Kind", "new_kind"), ("new", "value")]
