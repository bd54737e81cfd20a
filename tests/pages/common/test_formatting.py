from datetime import UTC, datetime

import pytest

from models.findings import Namer, Quality, Verdict
from pages.common.formatting import (
    RESULT_TEXTS,
    file_size,
    opinions_line,
    percent,
    result_text,
)
from records.analyses.analyses import RESULTS
from services.analyses.findings import BlastShare, Opinions
from services.language import format_datetime
from settings import ROOT


@pytest.mark.parametrize(
    ("probability", "words"),
    [(0.0, "under 1%"), (0.004, "under 1%"), (0.5, "50%"), (0.987, "99%"), (1.0, "over 99%")],
)
def test_a_probability_never_reads_as_certain(probability: float, words: str):
    assert percent(probability) == words


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0 bytes"),
        (1023, "1023 bytes"),
        (4096, "4 kB"),
        (2**26, "64 MB"),
        (2621440, "2.5 MB"),
        (2**33, "8 GB"),
    ],
)
def test_sizes(count: int, words: str):
    assert file_size(count) == words


def test_times_name_their_zone():
    assert format_datetime(datetime(2026, 3, 1, 9, 5, tzinfo=UTC)) == "01 Mar 2026, 09:05 UTC"


def test_every_result_has_its_words_and_an_icon_that_is_drawn():
    icons = (ROOT / "static" / "icons.svg").read_text()

    assert set(RESULT_TEXTS) == {result for results in RESULTS.values() for result in results}
    for words in RESULT_TEXTS.values():
        assert f'id="{words.icon}"' in icons


def test_results_of_a_kind_differ_by_more_than_colour():
    for results in RESULTS.values():
        icons = [RESULT_TEXTS[result].icon for result in results]
        assert len(set(icons)) == len(icons)


def test_no_result_speaks_of_cancer():
    for words in RESULT_TEXTS.values():
        text = " ".join((words.word, words.meaning, words.next_step)).lower()
        assert "cancer" not in text
        assert "diagnosed" not in text


def test_no_result_of_a_model_has_the_tick_of_what_a_person_signed():
    for words in RESULT_TEXTS.values():
        assert words.icon != "check-circle"
        assert words.tone != "normal"


def test_no_doubtful_image_looks_settled():
    doubtful = Quality(Verdict.DOUBTFUL)
    for result in RESULT_TEXTS:
        assert result_text(result, doubtful).tone != "neutral"


@pytest.mark.parametrize(
    ("opinions", "line"),
    [
        (Opinions(Namer.CLASSIFIER, BlastShare(1, 6), 1), "Blasts: 1 of 6 white cells"),
        (Opinions(Namer.DETECTOR, BlastShare(1, 6)), "Blasts: 1 of 6 white cells"),
        (
            Opinions(Namer.CLASSIFIER, BlastShare(0, 6, 2), 0),
            "Blasts: 0 of 6 white cells, 2 uncertain",
        ),
        (
            Opinions(Namer.CLASSIFIER, BlastShare(0, 6), 2),
            "Classifier: 0 blasts of 6; detector: 2",
        ),
        (
            Opinions(Namer.CLASSIFIER, BlastShare(1, 6, 3), 0),
            "Classifier: 1 blast of 6, 3 uncertain; detector: 0",
        ),
        (Opinions(Namer.DETECTOR, BlastShare(2, 6), 3), "Detector: 2 blasts of 6; classifier: 3"),
    ],
)
def test_both_networks_are_told_where_they_differ(opinions: Opinions, line: str):
    assert opinions_line(opinions) == line
