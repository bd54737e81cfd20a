"""The page of a field in the browser: the threshold, both models, the gallery."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from playwright.sync_api import Page, expect

from models.findings import Detection, FieldFindings
from models.registry import Models
from services.analyses.findings import BlastShare, format_interval, format_share
from tests.browser.serving import chromium, open_page
from tests.services.analyses.fields import (
    NAMED_CELLS,
    THRESHOLDS,
    named_cell,
    named_field,
    read_field,
)
from tests.stand_ins import drawn_field
from tests.uploads import fresh

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(chromium() is None, reason="Chromium is not installed here"),
]

FEW, MANY, OLDER = "few", "many", "older"
LABELS = ("blast", "wbc")


def drawn_cells(count: int) -> tuple[Detection, ...]:
    """White cells about which the models say anything at all."""
    chance = random.Random(7)
    return tuple(
        replace(named_cell(place, chance.random(), chance.random()), white=chance.uniform(0.05, 1))
        for place in range(count)
    )


def many() -> FieldFindings:
    """A field of 1,500 boxes, 300 of them white cells, candidate ones included."""
    red = tuple(Detection((x, 90.0, x + 1.0, 99.0), "rbc", 0.9) for x in range(1200))
    white = drawn_cells(300)
    counted = [one for one in white if one.white >= THRESHOLDS["white"]]
    candidate = tuple(one for one in white if one not in counted)
    return named_field(width=1200, height=900, detections=(*counted, *red), candidates=candidate)


@pytest.fixture(scope="module")
def fields(signed_in: Page) -> dict[str, str]:
    """Addresses of fields: with few cells, with many, and one that the detector named."""
    return {
        FEW: uploaded(signed_in, named_field()),
        MANY: uploaded(signed_in, many()),
        OLDER: uploaded(signed_in, read_field()),
    }


def uploaded(page: Page, found: FieldFindings) -> str:
    """Address of a field of which the models say this."""
    file = {"name": "field.png", "mimeType": "image/png", "buffer": fresh(drawn_field())}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Models, "read_field", lambda self, rgb, progress=None, **options: found)
        page.goto("/detect")
        page.set_input_files("#images", file)
        opened = page.locator(".upload-item").get_by_role("link", name="Open")
        return opened.get_attribute("href")


@pytest.fixture
def page(signed_in: Page, fields: dict[str, str]) -> Page:
    signed_in.goto(fields[FEW])
    return signed_in


def slider(page: Page):
    return page.get_by_role("slider", name="Blast threshold: ≥")


def counts(page: Page) -> tuple[int, int]:
    """Blasts and other white cells, of which the table counts as many as there are boxes."""
    count = tuple(int(page.locator(f"[data-count={label}]").inner_text()) for label in LABELS)
    assert count == tuple(page.locator(f".boxes-{label} rect:visible").count() for label in LABELS)
    return count


def order(page: Page) -> list[int]:
    items = page.locator("[data-gallery] > li:visible")
    return items.evaluate_all("all => all.map((item) => Number(item.dataset.cell))")


def test_the_slider_relabels_and_recounts_at_once(page: Page):
    assert counts(page) == (2, 2)
    slider(page).fill("70")
    expect(page.locator("[data-count=blast]")).to_have_text("1")
    assert counts(page) == (1, 3)
    lowered = page.locator("[data-gallery] > li[data-cell='2']")
    expect(lowered.locator("[data-word]")).to_have_text("Other white cell")
    expect(page.locator("[data-figure=blasts]")).to_have_text("1 of 4")
    title = page.locator("rect[data-cell='2'] title")
    assert title.inner_html().startswith("Other white cell: detector 10% blast, classifier 60%")


def test_uncertain_cells_that_become_blasts_are_no_longer_uncertain(page: Page):
    expect(page.locator("[data-figure=uncertain]")).to_have_text("1")
    expect(page.locator("[data-figure=at-most]")).to_have_text("75%")
    slider(page).fill("35")
    expect(page.locator("[data-count=blast]")).to_have_text("3")
    assert counts(page) == (3, 1)
    expect(page.locator("[data-figure=uncertain]")).to_have_text("0")
    expect(page.locator("[data-uncertain]")).to_be_hidden()


def test_no_probability_of_a_blast_makes_a_candidate_count(page: Page):
    candidate = page.locator(".boxes-candidate rect")
    expect(candidate).to_be_hidden()
    slider(page).fill("5")
    expect(page.locator("[data-count=blast]")).to_have_text("4")
    expect(candidate).to_be_hidden()


def test_candidates_of_the_detector_appear_as_they_pass(page: Page, fields):
    page.goto(fields[OLDER])
    candidate = page.locator("rect[data-cell='4']")
    expect(candidate).to_be_hidden()
    slider(page).fill("12")
    expect(candidate).to_be_visible()
    assert counts(page) == (4, 1)
    expect(page.locator("[data-gallery] > li[data-cell='4']")).to_be_visible()
    expect(page.locator("[data-figure=blasts]")).to_have_text("4 of 5")
    expect(page.locator("[data-figure=uncertain]")).to_have_text("0")
    expect(page.locator("[data-few]")).to_contain_text("Only 5 white cells.")


def test_the_word_follows_and_the_kept_finding_is_named(page: Page):
    word = page.locator(".finding-word:visible")
    state = page.locator("[data-state]")
    expect(state).to_have_text("Default threshold (used in the saved result)")
    slider(page).fill("95")
    expect(word).to_have_text("Uncertain cells")
    expect(page.get_by_text("Decide the uncertain cells by morphology")).to_be_visible()
    expect(state).to_have_text("Preview at 95%. Saved result uses 50%")
    expect(page.get_by_role("status").filter(has_text="At 95%")).to_have_text(
        "At 95%: blasts 0 of 4 white cells."
    )
    page.get_by_role("button", name="Reset to 50%").press("Enter")
    expect(word).to_have_text("Blasts suspected")
    expect(state).to_contain_text("Default threshold")
    assert counts(page) == (2, 2)


def test_the_slider_is_moved_by_the_keyboard(page: Page):
    slider(page).press("ArrowLeft")
    expect(slider(page)).to_have_attribute("aria-valuetext", "49%")
    slider(page).press("ArrowRight")
    expect(page.locator("[data-state]")).to_contain_text("Default threshold")
    slider(page).press("Home")
    expect(page.locator("[data-at]")).to_have_text("5%")
    assert counts(page) == (4, 0)


def test_the_gallery_is_sorted_by_either_model_and_by_disagreement(page: Page):
    sort = page.get_by_label("Sort by")
    # The second most suspicious is a candidate, which is not shown.
    assert order(page) == [0, 2, 3, 4]
    expected = {
        "Detector: blast probability": [0, 4, 3, 2],
        "Classifier: blast probability": [0, 2, 3, 4],
        "Disagreement first": [4, 2, 3, 0],
        "Most suspicious first": [0, 2, 3, 4],
    }
    for choice, numbers in expected.items():
        sort.select_option(label=choice)
        assert order(page) == numbers


def test_only_disagreements_are_shown_if_wished(page: Page):
    only = page.get_by_role("checkbox", name="Only disagreements (2)")
    only.press("Space")
    assert order(page) == [2, 4]
    slider(page).fill("95")
    expect(page.get_by_role("checkbox", name="Only disagreements (2)")).to_be_checked()
    assert order(page) == [2, 4]


def test_a_filter_that_leaves_nothing_says_so(page: Page, fields):
    page.goto(uploaded(page, named_field(detections=NAMED_CELLS[:1], candidates=())))
    page.get_by_role("checkbox", name="Only disagreements (0)").check()
    expect(page.get_by_text("No disagreements.")).to_be_visible()


def test_box_and_cell_find_each_other_after_a_move(page: Page):
    slider(page).fill("70")
    page.locator("[data-gallery] > li[data-cell='2'] button").press("Enter")
    expect(page.locator("rect.chosen")).to_have_attribute("data-cell", "2")
    page.get_by_title("Whole field").click()
    page.locator("rect[data-cell='3']").click()
    expect(page.locator(".gallery-cell.chosen")).to_contain_text("40%, uncertain")


def test_script_and_server_agree_at_every_threshold(page: Page, fields):
    page.goto(fields[MANY])
    white = [one for one in many().detections if one.label != "rbc"]
    for place in range(5, 100, 6):
        slider(page).fill(str(place))
        blasts = sum(one.classifier_probability >= place / 100 for one in white)
        expected = BlastShare(blasts, len(white))
        expect(page.locator("[data-figure=blasts]")).to_have_text(f"{blasts} of {len(white)}")
        expect(page.locator("[data-figure=share]")).to_have_text(format_share(expected.share))
        expect(page.locator("[data-figure=interval]")).to_have_text(format_interval(expected))


def test_of_many_cells_the_page_tells_how_many_are_shown(page: Page, fields):
    page.goto(fields[MANY])
    shown = page.locator("[data-gallery] > li:visible")
    note = page.locator("[data-gallery-note]")
    for place in (None, "50", "5"):
        if place:
            slider(page).fill(place)
            expect(page.locator("[data-at]")).to_have_text(f"{place}%")
        total = sum(counts(page))
        expect(note).to_contain_text(f"Showing the {shown.count()} most suspicious of {total}")
    assert shown.count() <= total


def test_without_script_the_page_is_as_at_the_models_threshold(page: Page, address: str, fields):
    cookies = page.context.storage_state()
    plain = open_page(
        page.context.browser, address, java_script_enabled=False, storage_state=cookies
    )
    plain.goto(fields[FEW])
    assert counts(plain) == (2, 2)
    assert order(plain) == [0, 2, 3, 4]
    for control in (slider(plain), plain.get_by_label("Sort by")):
        expect(control).to_be_hidden()
    expect(plain.locator(".finding-word:visible")).to_have_text("Blasts suspected")


def test_it_fits_on_a_phone(page: Page):
    page.set_viewport_size({"width": 390, "height": 844})
    slider(page).fill("12")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.set_viewport_size({"width": 1280, "height": 720})
