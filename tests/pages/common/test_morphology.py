from core.morphology import ATTRIBUTES
from core.taxonomy import TRAINING_KINDS
from pages.common.morphology import KIND_TEXTS, attribute_name, describe, in_words, value_name


def test_every_kind_has_a_name():
    assert set(KIND_TEXTS) == set(TRAINING_KINDS)


def test_kind_and_form_are_said_in_words():
    said = describe("neutrophil_band", {"nucleus_shape": "unsegmented-band", "cell_size": "big"})
    assert said == [("Kind", "Band neutrophil"), ("Nucleus", "band"), ("Cell size", "large")]


def test_nothing_is_said_where_the_classifier_does_not_tell():
    assert describe(None, {}) == []


def test_a_word_without_a_name_keeps_its_code():
    assert describe("new_kind", {"new": "value"}) == [("Kind", "new_kind"), ("new", "value")]


def test_every_attribute_has_a_heading_and_every_value_a_phrase():
    pairs = [(name, value) for name, values in ATTRIBUTES.items() for value in values]
    assert all(attribute_name(name) != name for name in ATTRIBUTES)
    assert len({in_words(name, value) for name, value in pairs}) >= len(pairs) - 2
    assert in_words("chromatin_density", "loosely") == "Loose chromatin"
    assert in_words("granule_type", "nil") == "No granules"
    assert in_words("nuclear_cytoplasmic_ratio", "high") == "High N:C ratio"
    assert value_name("big") == "large"
