"""The annotated picture: boxes where the cells are, in the colours of the page."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
from PIL import Image, ImageColor

from core.taxonomy import DETECTED, FIELD_CODES
from imaging.images import encode_png
from models.findings import Detection, Namer
from services.analyses import annotation
from services.analyses.annotation import annotated_png
from services.analyses.pictures import encode_jpeg
from settings import ROOT
from tests.services.analyses.fields import CELLS, kept, kept_field, older_field, read_field

PLASMA = (238, 228, 236)


def plain(side: int) -> np.ndarray:
    return np.full((side, side, 3), PLASMA, np.uint8)


def drawn(cells: tuple[Detection, ...], side: int = 1200, image: bytes | None = None) -> np.ndarray:
    image = image or encode_png(plain(side))
    made = annotated_png(kept_field(cells=cells, side=side), image, "DenseNet121")
    with Image.open(io.BytesIO(made)) as png:
        assert png.format == "PNG"
        assert not png.info
        return np.asarray(png)


def colour(label: str) -> tuple[int, ...]:
    return ImageColor.getrgb(DETECTED[label].colour)


def test_every_label_has_a_colour_of_its_own():
    assert set(DETECTED) == set(FIELD_CODES)
    assert len({style.colour for style in DETECTED.values()}) == len(DETECTED)


@pytest.mark.parametrize("label", FIELD_CODES)
def test_a_box_stands_around_its_cell(label):
    picture = drawn((Detection((300.0, 400.0, 500.0, 700.0), label, 0.9),))
    for x, y in ((300, 550), (500, 550), (400, 700)):
        assert tuple(picture[y, x]) == colour(label)
    assert tuple(picture[550, 400]) == PLASMA
    assert tuple(picture[550, 290]) == PLASMA


def test_boxes_follow_a_field_that_was_reduced():
    small = encode_jpeg(plain(1200), quality=92)
    picture = drawn((Detection((800.0, 800.0, 1600.0, 1600.0), "blast", 0.9),), 2400, small)
    assert tuple(picture[600, 400]) == colour("blast")
    assert tuple(picture[600, 800]) == colour("blast")


def test_a_small_field_is_enlarged_so_that_tags_do_not_hide_it():
    picture = drawn((Detection((100.0, 200.0, 300.0, 300.0), "blast", 0.9),), side=360)
    assert picture.shape[1] == 1080
    assert tuple(picture[750, 300]) == colour("blast")


def test_red_cells_have_no_tag_and_thin_lines():
    box = (300.0, 400.0, 500.0, 700.0)
    red = (drawn((Detection(box, "rbc", 0.9),))[:1200] == colour("rbc")).all(axis=2).sum()
    white = (drawn((Detection(box, "wbc", 0.9),))[:1200] == colour("wbc")).all(axis=2).sum()
    assert red < 1100 < 2 * 1000 < white


def test_a_blast_is_drawn_over_everything():
    box = (300.0, 400.0, 500.0, 700.0)
    cells = tuple(Detection(box, label, 0.9) for label in FIELD_CODES)
    assert tuple(drawn(cells)[550, 300]) == colour("blast")


def test_a_tag_stays_inside_the_picture():
    cells = (Detection((1190.0, 0.0, 1200.0, 9.0), "blast", 0.9),)
    picture = drawn(cells)
    assert tuple(picture[2, 1199]) == colour("blast")
    assert tuple(picture[14, 1175]) == colour("blast")


def test_the_legend_counts_every_kind_in_its_colour():
    legend = drawn(CELLS)[1200:]
    for label in FIELD_CODES:
        assert (legend == colour(label)).all(axis=2).any()


@pytest.fixture
def said(monkeypatch) -> list[str]:
    """What is written into pictures."""
    written: list[str] = []
    write = annotation.ImageDraw.ImageDraw.text
    monkeypatch.setattr(
        annotation.ImageDraw.ImageDraw,
        "text",
        lambda pen, place, text, **how: written.append(text) or write(pen, place, text, **how),
    )
    return written


def test_the_lines_say_who_named_the_cells(said):
    named = read_field(named_by=Namer.CLASSIFIER)
    annotated_png(kept(named), encode_png(plain(400)), "DenseNet121")
    assert "Named by DenseNet121 2026.11.23-1. Uncertain: 1." in said
    assert "B 10%" in said


def test_the_lines_have_shares_threshold_models_and_purpose(said):
    annotated_png(kept(read_field()), encode_png(plain(400)), "DenseNet121")
    assert [line for line in said if line.endswith((".", "UTC"))] == [
        "Blasts: 2 of 4 white cells (95% interval 15% to 85%).",
        "A white cell counts as a blast from a probability of 25%.",
        "DenseNet121 2026.11.23-1: ALL blasts 2, uncertain 1.",
        "Drawn at 300% of the file's size.",
        "Detector 2026.11.22-1, 22 Nov 2026 20:05 UTC",
        "Assists a qualified reader. Does not diagnose.",
    ]
    assert "B Blasts: 2" in said
    assert "R Red cells: 1" in said
    assert "B 90%" in said


def test_what_is_doubtful_is_not_drawn(said):
    annotated_png(kept(read_field()), encode_png(plain(400)), "DenseNet121")
    assert len([line for line in said if re.fullmatch(r"[BW] \d+%", line)]) == 4


def test_an_older_finding_is_drawn_without_what_it_lacks(said):
    annotated_png(older_field(), encode_png(plain(400)), "DenseNet121")
    assert not [line for line in said if "DenseNet121" in line or "probability" in line]


def test_the_page_and_the_pictures_show_a_label_in_the_same_colour():
    sheet = (ROOT / "static" / "css" / "analyses" / "cell_classes.css").read_text()
    assert dict(re.findall(r"--box-(\w+): (#\w+);", sheet)) == {
        label: style.colour for label, style in DETECTED.items()
    }


def test_tags_shrink_with_their_cells():
    def tagged(side: float) -> int:
        cell = Detection((600.0, 600.0, 600.0 + side, 600.0 + side), "blast", 0.9)
        return int((drawn((cell,))[:600] == colour("blast")).all(axis=2).sum())

    assert tagged(10) < tagged(40) / 1.5
