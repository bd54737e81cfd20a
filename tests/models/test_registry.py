from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageFilter

from models.classifier.classifier import Reading
from models.registry import Models
from tests.stand_ins import StandInClassifier, drawn_cell, stand_in_models

BLURRED = np.asarray(Image.fromarray(drawn_cell()).filter(ImageFilter.GaussianBlur(10)))


class Remembers(StandInClassifier):
    """Keeps what it was shown, and finds every cell strange."""

    def read(self, window, view):
        self.shown = window, view
        return Reading(0.7, "all_blast", 3.0, False)


@pytest.fixture
def models() -> Models:
    return Models(Remembers(), stand_in_models().detector)


def test_the_classifier_is_shown_the_window_alone(models):
    said = models.classify(drawn_cell())
    window, view = models.classifier.shown
    assert window.shape == (122, 122, 3)
    assert view == said.view == "crop"
    assert said.window == pytest.approx((-1.2, -1.2, 121.2, 121.2), abs=0.1)
    assert (said.label, said.probability, said.in_distribution) == ("all_blast", 0.7, False)
    assert (said.usable, said.code, said.cells) == (True, None, 1)
    assert (said.can_override, said.overridden, said.model) == (False, False, "stand-in-1")


def test_a_refused_image_is_not_read(models):
    said = models.classify(np.tile(drawn_cell(), (1, 2, 1)), override=True)
    assert (said.label, said.probability, said.usable) == (None, None, False)
    assert (said.code, said.cells, said.window) == ("several_cells", 2, None)
    assert said.code == "several_cells"
    assert not hasattr(models.classifier, "shown")


def test_a_cell_that_is_hard_to_see_waits_for_the_person_to_insist(models):
    waiting = models.classify(BLURRED)
    assert (waiting.usable, waiting.code, waiting.can_override) == (False, "blurred", True)
    assert waiting.label is None
    read = models.classify(BLURRED, override=True)
    assert (read.usable, read.code, read.can_override) == (True, "blurred", False)
    assert (read.overridden, read.label) == (True, "all_blast")
    assert read.window == waiting.window


def test_insisting_on_a_good_image_changes_nothing(models):
    assert models.classify(drawn_cell(), override=True) == models.classify(drawn_cell())
