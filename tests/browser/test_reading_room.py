"""The reading room in the browser: keys, dragging, drawing, undo, and lost connections."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, Route, expect

from models.findings import Detection
from services.analyses.findings import BlastShare, format_interval
from tests.browser.rooms import NOW, Clinic, confirm_each, many_cells, upload
from tests.browser.serving import chromium, open_page, served, sign_in, sign_up, try_now
from tests.people import PASSWORD
from tests.services.analyses.fields import named_field, read_field
from tests.stand_ins import stand_in_models

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(chromium() is None, reason="Chromium is not installed here"),
]

MANY = 30
SAVED = "All saved"
NOT_OURS = {
    "a proxy's page": {"status": 200, "content_type": "text/html", "body": "<h1>Sign in</h1>"},
    "a body cut off": {"status": 200, "content_type": "application/json", "body": '{"reviews": ['},
    "an address not known": {"status": 404, "content_type": "text/html", "body": "<h1>404</h1>"},
    "a proxy's refusal": {"status": 409, "content_type": "text/html", "body": "<h1>409</h1>"},
}
"""Answers in the name of the server by which it did not judge what was sent."""


@pytest.fixture(scope="module")
def address(instance: Path) -> Iterator[str]:
    with served(instance, signup="open", models=stand_in_models()) as address:
        yield address


@pytest.fixture(scope="module")
def clinic(address: str, instance: Path) -> Clinic:
    return Clinic(instance)


@pytest.fixture(scope="module")
def fields(signed_in: Page) -> tuple[str, str]:
    """Two blasts, two other white cells and a candidate one in a field, 30 others in another."""
    few = upload(signed_in, "few.png", read_field())
    return few, upload(signed_in, "many.png", many_cells(MANY))


@pytest.fixture
def room(fields: tuple[str, str], clinic: Clinic) -> str:
    """The room of a new case with these fields."""
    return clinic.open_case(*fields)


@pytest.fixture
def page(signed_in: Page, room: str) -> Page:
    signed_in.context.set_offline(False)
    signed_in.unroute_all()
    signed_in.set_viewport_size({"width": 1440, "height": 900})
    open_room(signed_in, room)
    return signed_in


def open_room(page: Page, room: str) -> None:
    page.goto(room)
    focused(page)


def focused(page: Page) -> Locator:
    tile = page.locator("[data-cell]:focus")
    expect(tile).to_have_count(1)
    return tile


def group(page: Page, label: str) -> Locator:
    return page.locator(f"[data-group={label}]")


def cells_in(page: Page, label: str) -> Locator:
    return group(page, label).locator("[data-cell]")


def sizes(page: Page) -> dict[str, int]:
    """How many cells stand in each class that has any."""
    shown = page.locator("[data-group]:visible")
    size = "one.querySelectorAll('[data-cell]').length"
    return dict(shown.evaluate_all(f"all => all.map((one) => [one.dataset.group, {size}])"))


def count(page: Page, name: str) -> str:
    return page.locator(f"[data-count={name}]").inner_text()


def saved(page: Page) -> None:
    expect(page.locator("[data-saved-text]")).to_have_text(SAVED)


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def test_nothing_is_counted_or_called_saved_before_the_cells_are_there(page: Page, room: str):
    plain = open_page(
        page.context.browser,
        page.url.split("/cases")[0],
        java_script_enabled=False,
        storage_state=page.context.storage_state(),
    )
    plain.goto(room)
    text = plain.locator("[data-room]").inner_text()
    plain_sizes = plain.locator("[data-size-of]").all_inner_texts()
    plain.context.close()
    assert "All saved" not in text
    assert {*plain_sizes} == {"–"}


def test_cells_that_do_not_load_are_no_zeros_and_what_waits_is_told(page: Page, room: str):
    page.route("**/reviews", lambda route: route.abort())
    press(page, "l")
    waits = "1 correction waits for the connection"
    expect(page.locator("[data-saved-text]")).to_have_text(waits)
    page.route("**/cells.json", lambda route: route.abort())
    page.reload()
    expect(page.locator("[data-failed]")).to_contain_text("could not be loaded")
    assert {*page.locator("[data-size-of]").all_inner_texts()} == {"–"}
    expect(page.locator("[data-saved-text]")).to_have_text(waits)


def test_a_case_closed_meanwhile_is_read_only_and_says_so(page: Page, room: str, clinic: Clinic):
    expect(page.locator("[data-closed]")).to_be_hidden()
    closing = "UPDATE cases SET closed_at = ?, close_reason = 'clotted' WHERE id = ?"
    clinic.run(closing, NOW, room.split("/")[2])
    press(page, "l")
    expect(page.locator("[data-refused]")).to_contain_text("This case is closed")
    expect(page.locator("[data-closed]")).to_be_visible()
    assert count(page, "reviewer-lymphocyte") == "0"
    press(page, "n")
    expect(page.locator("[data-announced]")).to_contain_text("Nothing can be changed here.")


def test_cells_stand_by_class_the_most_suspicious_first(page: Page):
    assert sizes(page) == {"blast": 2, "unclassified": 2 + MANY, "candidate": 1}
    assert "few.png, Blast, not reviewed, blast probability 90%" in focused(page).get_attribute(
        "aria-label"
    )
    last = page.locator("[data-group]:visible").last
    expect(last.get_by_role("heading")).to_have_text("Below threshold")
    expect(page.locator("[data-reviewed]")).to_have_text(f"0 of {4 + MANY} cells reviewed")
    expect(page.get_by_text("does not diagnose").first).to_be_visible()


def test_keys_move_correct_confirm_and_undo(page: Page, room: str, clinic: Clinic):
    press(page, "l", "Enter", "ArrowDown", "m")
    assert sizes(page) == {
        **{"blast": 1, "unclassified": 1 + MANY, "lymphocyte": 1},
        **{"monocyte": 1, "candidate": 1},
    }
    expect(page.locator("[data-reviewed]")).to_have_text(f"3 of {4 + MANY} cells reviewed")
    saved(page)
    assert [(before, label) for _, before, label in clinic.reviews(room)] == [
        ("blast", "lymphocyte"),
        ("blast", "blast"),
        ("unclassified", "monocyte"),
    ]
    press(page, "u", "Control+z")
    assert sizes(page) == {"blast": 1, "unclassified": 2 + MANY, "lymphocyte": 1, "candidate": 1}
    saved(page)
    page.reload()
    focused(page)
    assert sizes(page) == {"blast": 1, "unclassified": 2 + MANY, "lymphocyte": 1, "candidate": 1}
    # What was done before the page was loaded can be undone as well.
    press(page, "u")
    assert sizes(page) == {"blast": 2, "unclassified": 2 + MANY, "candidate": 1}
    saved(page)
    assert len(clinic.reviews(room)) == 6


def test_a_key_that_is_held_says_one_thing_but_moves_on(page: Page):
    for key in ("l", "Enter", "Enter", "u"):
        hold(page, key)
    assert sizes(page)["lymphocyte"] == 1
    expect(page.locator("[data-reviewed]")).to_have_text(f"2 of {4 + MANY} cells reviewed")
    before = cell_of(focused(page))
    hold(page, "ArrowRight")
    page.keyboard.press("ArrowLeft")
    assert cell_of(focused(page)) != before
    saved(page)


def hold(page: Page, key: str) -> None:
    """Keep a key down until the keyboard has repeated it twice."""
    for _ in range(3):
        page.keyboard.down(key)
    page.keyboard.up(key)


def test_the_reviewer_has_counted_only_what_a_person_decided(page: Page):
    press(page, "l")
    models = BlastShare(2, 4 + MANY)
    assert count(page, "models-blast") == "2"
    assert count(page, "models-wbc") == str(models.white_cells)
    assert count(page, "models-interval") == format_interval(models)
    assert (count(page, "reviewer-blast"), count(page, "reviewer-wbc")) == ("0", "1")
    # Before all are reviewed there is no share.
    assert (count(page, "models-lymphocyte"), count(page, "reviewer-lymphocyte")) == ("–", "1")
    assert (count(page, "reviewer-share"), count(page, "reviewer-interval")) == ("–", "–")
    press(page, "r", "x", "b")
    assert (count(page, "reviewer-wbc"), count(page, "reviewer-erythroblast")) == ("2", "1")
    assert count(page, "reviewer-erythroblast-ratio") == "–"
    expect(page.locator("[data-so-far]")).to_have_text("Reviewed so far: 1 blast of 2 white cells")


def test_a_doubtful_cell_counts_once_it_has_a_class(page: Page):
    press(page, "PageDown", "PageDown", "PageDown")
    expect(page.locator("[data-candidate]")).to_be_visible()
    press(page, "Enter")
    expect(page.locator("[data-announced]")).to_contain_text("give it a class")
    assert count(page, "reviewer-wbc") == "0"
    press(page, "b")
    assert (count(page, "models-wbc"), count(page, "reviewer-wbc")) == (str(4 + MANY), "1")
    assert sizes(page)["blast"] == 3


def test_corrections_from_before_the_page_was_loaded_come_back_one_by_one(
    page: Page, room: str, clinic: Clinic
):
    press(page, "l")
    saved(page)
    open_room(page, room)
    cells_in(page, "lymphocyte").click()
    press(page, "m")
    saved(page)
    for remaining in ({"blast": 1, "lymphocyte": 1}, {"blast": 2}):
        with page.expect_response("**/cells.json"):
            press(page, "u")
        saved(page)
        expect(cells_in(page, "blast")).to_have_count(remaining["blast"])
        assert sizes(page) == {**remaining, "unclassified": 2 + MANY, "candidate": 1}
    expect(page.locator("[data-refused]")).to_be_hidden()
    labels = [label for _, _, label in clinic.reviews(room)]
    assert labels == ["lymphocyte", "monocyte", "lymphocyte", "blast"]


@pytest.fixture
def kinds(signed_in: Page, clinic: Clinic) -> str:
    """The room of a field with a blast, a disputed neutrophil, three others and two monocytes."""
    cells = [
        Detection((20.0, 20.0, 60.0, 60.0), "blast", 0.9, 0.9, 0.98, 0.9, "all_blast", "blast", 0.9)
    ]
    kinds = ["neutrophil_segmented"] * 4 + ["monocyte"] * 2
    for place, kind in enumerate(kinds, start=1):
        box = (20.0 + 70 * place, 20.0, 60.0 + 72 * place, 60.0)
        disputed = 0.8 if place == 1 else 0.1
        cells.append(Detection(box, "wbc", 0.9, disputed, 0.98, 0.1, "normal", kind, 0.97))
    found = named_field(width=800, height=600, detections=tuple(cells), candidates=())
    return clinic.open_case(upload(signed_in, "kinds.png", found))


@pytest.fixture
def of_kinds(page: Page, kinds: str) -> Page:
    open_room(page, kinds)
    return page


def proposed(page: Page, label: str) -> Locator:
    """The tiles of the list of proposed cells of a class."""
    return page.locator(f"[data-list='{label}?'] [data-cell]:visible")


def reviewed(page: Page, label: str) -> Locator:
    return page.locator(f"[data-list='{label}'] [data-cell]:visible")


def test_proposed_kinds_are_confirmed_together_and_asked_about_once(
    of_kinds: Page, kinds: str, clinic: Clinic
):
    page = of_kinds
    expect(proposed(page, "neutrophil").first).to_contain_text("Neutrophil? 97%")
    proposed(page, "neutrophil").first.click()
    press(page, "Control+a")
    expect(page.locator("[data-selected]")).to_have_text("4 selected")
    expect(page.get_by_role("button", name="Confirm 4")).to_be_visible()
    press(page, "Enter")
    asked = page.get_by_role("dialog")
    expect(asked).to_contain_text("Neutrophil 3")
    expect(asked).to_contain_text("1 cell is left out")
    press(page, "Escape")
    expect(reviewed(page, "neutrophil")).to_have_count(0)
    press(page, "Enter")
    press(page, "Enter")
    expect(reviewed(page, "neutrophil")).to_have_count(3)
    # The disputed one is left, and has the focus to be confirmed by itself.
    expect(focused(page)).to_have_attribute("aria-label", re.compile("Neutrophil, not reviewed"))
    press(page, "Enter")
    expect(proposed(page, "neutrophil")).to_have_count(0)
    page.get_by_role("button", name="Confirm all of Monocyte").click()
    expect(asked).to_be_hidden()
    expect(reviewed(page, "monocyte")).to_have_count(2)
    saved(page)
    assert [label for _, _, label in clinic.reviews(kinds)] == ["neutrophil"] * 4 + ["monocyte"] * 2
    press(page, "Enter")
    expect(page.get_by_role("link", name="All 7 reviewed → Sign off")).to_be_visible()
    press(page, "u", "u")
    assert sizes(page) == {"blast": 1, "neutrophil": 4, "monocyte": 2}
    expect(proposed(page, "monocyte")).to_have_count(2)


def test_a_question_that_quick_keys_ask_again_is_answered_by_its_own_key(of_kinds: Page):
    page = of_kinds
    proposed(page, "neutrophil").first.click()
    press(page, "Control+a", "Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    # Escape and Enter, faster than the browser tells that the dialog was closed.
    page.evaluate(
        """() => {
            document.querySelector("dialog[open]").close();
            const key = { key: "Enter", code: "Enter", bubbles: true };
            const cell = document.querySelector("[data-cell][aria-selected=true]");
            cell.dispatchEvent(new KeyboardEvent("keydown", key));
        }"""
    )
    expect(page.get_by_role("dialog")).to_be_visible()
    press(page, "Enter")
    expect(reviewed(page, "neutrophil")).to_have_count(3)


def test_blasts_are_confirmed_one_by_one(page: Page):
    press(page, "Control+a", "Enter")
    expect(page.locator("[data-announced]")).to_contain_text("one by one")
    press(page, "b")
    expect(page.locator("[data-announced]")).to_contain_text("one by one")
    expect(page.locator("[data-reviewed]")).to_have_text(f"0 of {4 + MANY} cells reviewed")


def test_cells_are_sorted_and_filtered(of_kinds: Page):
    page = of_kinds
    page.get_by_label("Sort by").select_option("Largest")
    boxes = proposed(page, "neutrophil").evaluate_all("all => all.map((one) => one.dataset.cell)")
    assert [one.rsplit(".")[-1] for one in boxes] != sorted(one.rsplit(".")[-1] for one in boxes)
    page.get_by_label("Show", exact=True).select_option("Models disagree")
    expect(page.locator("[data-cell]:visible")).to_have_count(1)
    page.get_by_label("Show", exact=True).select_option("Unreviewed")
    proposed(page, "monocyte").first.click()
    press(page, "Enter", "Enter")
    expect(page.locator("[data-cell]:visible")).to_have_count(5)
    focused(page)
    saved(page)


def test_thirty_cells_at_a_time_are_offered_to_be_reviewed(page: Page):
    shown, line = page.locator("[data-cell]:visible"), page.locator("[data-teaching-text]")
    expect(line).to_be_hidden()
    press(page, "Shift+J")
    expect(page.get_by_label("Show", exact=True)).to_have_value("teach")
    expect(shown).to_have_count(30)
    expect(line).to_contain_text("30 cells to review next")
    focused(page)
    press(page, "n")
    expect(line).to_contain_text("29 cells to review next")
    press(page, "u")
    expect(shown).to_have_count(30)
    press(page, *["n"] * 30)
    expect(line).to_contain_text("These cells are reviewed.")
    following = page.get_by_role("button", name=f"Next {4 + MANY - 30} cells")
    expect(following).to_be_focused()
    page.keyboard.press("Enter")
    expect(shown).to_have_count(4 + MANY - 30)
    press(page, *["n"] * (4 + MANY - 30))
    expect(line).to_have_text("No cell left to review.")
    expect(page.locator("[data-none-shown]")).to_be_hidden()
    press(page, "u")
    expect(shown).to_have_count(1)
    page.get_by_label("Show", exact=True).select_option("All cells")
    expect(line).to_be_hidden()
    expect(shown).to_have_count(5 + MANY)
    saved(page)


def sign_by_hand(page: Page, room: str) -> None:
    """Confirm every cell of a room and sign its case."""
    open_room(page, room)
    confirm_each(page)
    saved(page)
    page.goto(room.replace("/room", "/sign-off"))
    page.get_by_label("Conclusion").fill("Reactive.")
    for reason in page.get_by_label("Reason:").all():
        reason.fill("No further field.")
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Sign this case").click()
    expect(page.get_by_text("Version 1 signed. The case is locked.")).to_be_visible()


def test_cells_that_the_team_signed_stand_below_the_open_ones(page: Page, kinds: str, room: str):
    sign_by_hand(page, kinds)
    open_room(page, room)
    signed = page.locator("[data-signed-references]")
    page.get_by_role("button", name="Neutrophil").hover()
    expect(signed).to_contain_text("Signed in your team Neutrophil")
    own = page.get_by_role("img", name="Cells signed in your team: Neutrophil")
    expect(own).to_be_visible()
    # At most two of one case, as large as the six open ones.
    expect(own).to_have_js_property("naturalWidth", 2 * 128)
    open_ones = page.get_by_role("img", name="6 reference cells: Neutrophil")
    widths = [one.bounding_box()["width"] / cells for one, cells in ((own, 2), (open_ones, 6))]
    assert widths[0] == pytest.approx(widths[1], abs=1)
    page.get_by_role("button", name="Basophil").hover()
    expect(page.get_by_role("img", name="6 reference cells: Basophil")).to_be_visible()
    expect(signed).to_be_hidden()
    # The signed case itself has none of its own.
    open_room(page, kinds)
    page.locator("[data-list=neutrophil] header").hover()
    expect(page.get_by_role("img", name="6 reference cells: Neutrophil")).to_be_visible()
    page.wait_for_load_state("networkidle")
    expect(signed).to_be_hidden()


def test_the_size_of_tiles_is_remembered(of_kinds: Page, kinds: str):
    page = of_kinds
    before = proposed(page, "monocyte").first.bounding_box()["width"]
    page.get_by_label("Large tiles").check(force=True)
    assert proposed(page, "monocyte").first.bounding_box()["width"] > before
    open_room(page, kinds)
    expect(page.get_by_label("Large tiles")).to_be_checked()
    page.get_by_label("Medium tiles").check(force=True)


def test_many_are_chosen_corrected_and_undone_at_once(page: Page, room: str, clinic: Clinic):
    press(page, "PageDown", "Shift+ArrowRight", "Shift+ArrowDown")
    chosen = page.locator("[aria-selected=true]").count()
    assert chosen > 2
    press(page, "n")
    assert sizes(page)["neutrophil"] == chosen
    press(page, "Control+a", "e")
    assert sizes(page)["eosinophil"] == 2 + MANY - chosen
    assert "unclassified" not in sizes(page)
    press(page, "u")
    assert sizes(page)["unclassified"] == 2 + MANY - chosen
    saved(page)
    assert len(clinic.reviews(room)) == chosen + 2 * (2 + MANY - chosen)

    tiles = group(page, "neutrophil").locator("[data-cell]")
    tiles.first.click()
    tiles.last.click(modifiers=["Control"])
    assert page.locator("[aria-selected=true]").count() == 2
    tiles.last.click(modifiers=["Shift"])
    tiles.first.click(modifiers=["Shift"])
    assert page.locator("[aria-selected=true]").count() == chosen
    page.get_by_role("button", name="Basophil").click()
    assert sizes(page)["basophil"] == chosen


def test_cells_are_dragged_to_a_class(page: Page):
    tiles = group(page, "unclassified").locator("[data-cell]")
    tiles.nth(0).drag_to(page.get_by_role("button", name="Monocyte"))
    assert sizes(page)["monocyte"] == 1
    tiles.nth(0).click()
    tiles.nth(1).click(modifiers=["Shift"])
    tiles.nth(1).drag_to(group(page, "monocyte").get_by_role("heading"))
    assert sizes(page)["monocyte"] == 3
    tiles.nth(0).hover()
    page.mouse.down()
    page.mouse.move(5, 5, steps=3)
    expect(page.locator("[data-ghost]")).to_have_text("1 cell")
    press(page, "Escape")
    page.mouse.up()
    expect(page.locator("[data-ghost]")).to_be_hidden()
    assert sizes(page)["monocyte"] == 3
    saved(page)


def test_a_finger_drags_after_a_long_press(page: Page):
    tile = group(page, "blast").locator("[data-cell]").first
    start = middle(tile)
    end = middle(page.get_by_role("button", name="Smudge cell"))
    touch = page.context.new_cdp_session(page)

    def finger(kind: str, *places: dict[str, float]) -> None:
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": list(places)})

    finger("touchStart", start)
    expect(page.locator("[data-ghost]")).to_be_visible()
    finger("touchMove", end)
    finger("touchEnd")
    expect(page.locator("[data-ghost]")).to_be_hidden()
    assert sizes(page)["smudge"] == 1


def middle(place: Locator) -> dict[str, float]:
    box = place.bounding_box()
    return {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}


def test_a_cell_is_shown_in_its_field_with_both_opinions_and_its_history(page: Page):
    panel = page.locator("[data-panel]")
    box = panel.locator("rect.chosen")
    expect(box).to_have_attribute("class", "box-blast chosen")
    assert len(panel.locator("[data-picture]").get_attribute("viewBox").split()) == 4
    expect(panel.locator("[data-detector]")).to_have_text("90% blast")
    expect(panel.locator("[data-classifier]")).to_have_text("Normal, 10% ALL blast")
    expect(panel.get_by_text("Detector and classifier disagree")).to_be_visible()
    expect(panel.locator("[data-image][href]")).to_have_count(1)
    press(page, "f")
    expect(panel.locator("[data-picture]")).to_have_attribute("viewBox", "0 0 400 400")
    panel.locator("rect[data-box]").nth(0).click()
    expect(panel.locator("[data-detector]")).not_to_have_text("90% blast")

    press(page, "g")
    saved(page)
    group(page, "immature_granulocyte").locator("[data-cell]").click()
    expect(panel.locator("[data-history] li")).to_have_count(2)
    expect(panel.locator("[data-history]")).to_contain_text("→ Immature granulocyte")


def test_space_shows_the_full_screen_and_escape_leaves_it(page: Page):
    panel = page.locator("[data-panel]")
    press(page, "Space")
    box = panel.bounding_box()
    assert (box["width"], box["height"]) == (1440, 900)
    press(page, "ArrowRight", "Escape")
    assert panel.bounding_box()["width"] < 1440
    assert sizes(page)["blast"] == 2
    page.get_by_role("button", name="Full screen").focus()
    press(page, "Space")
    expect(page.locator("[data-enlarged]")).to_be_focused()
    press(page, "Escape")
    assert panel.bounding_box()["width"] < 1440


def test_the_full_screen_has_the_keys_before_the_picture_is_there(page: Page):
    page.route("**/detect/*/image*", lambda route: None)
    cells_in(page, "unclassified").last.click()
    page.get_by_role("button", name="Full screen").focus()
    press(page, "Space")
    expect(page.locator("[data-enlarged]")).to_be_focused()


def test_the_cell_is_enlarged_and_compared_with_a_pinned_one(page: Page):
    panel = page.locator("[data-panel]")
    expect(panel.locator("[data-cell-image][href]")).to_have_count(1)
    assert panel.locator("[data-enlarged]").bounding_box()["width"] == pytest.approx(360, abs=2)
    expect(panel.locator("[data-diameter]")).to_have_text("1.0 × red cell")
    first = panel.locator("[data-enlarged]").get_attribute("viewBox")
    size, picture = (panel.locator(f"[data-{name}]") for name in ("diameter", "enlarged"))
    bottom = picture.bounding_box()["y"] + picture.bounding_box()["height"]
    assert size.bounding_box()["y"] + size.bounding_box()["height"] < bottom
    press(page, "Shift+C", "j")
    expect(panel.locator("[data-enlarged]")).not_to_have_attribute("viewBox", first)
    pinned, chosen = (
        panel.locator(f"[data-{name}]").bounding_box() for name in ("pinned-picture", "enlarged")
    )
    assert (pinned["y"], pinned["width"]) == (chosen["y"], chosen["width"])
    assert abs(pinned["x"] - chosen["x"]) > pinned["width"]
    assert size.bounding_box()["y"] + size.bounding_box()["height"] < chosen["y"] + chosen["height"]
    expect(panel.locator("[data-pinned-picture]")).to_have_attribute("viewBox", first)
    expect(panel.locator("[data-pinned-name]")).to_have_text("Cell 1.1, few.png: Blast")
    page.get_by_role("button", name="Unpin").click()
    expect(panel.locator("[data-pinned]")).to_be_hidden()


def test_what_is_adjusted_is_the_view_alone(page: Page):
    panel = page.locator("[data-panel]")
    expect(panel.locator("[data-cell-image][href]")).to_have_count(1)
    panel.get_by_text("Brightness, contrast, stain").click()
    expect(panel.get_by_text("View only")).to_be_visible()
    panel.get_by_label("Contrast").fill("150")
    slope = panel.locator("#view-filter [type=linear]").first
    expect(slope).to_have_attribute("slope", "1.500")
    panel.get_by_role("button", name="Even out the stain").click()
    expect(slope).not_to_have_attribute("slope", "1.500")
    expect(panel.locator("[data-adjusted]")).to_be_visible()
    assert panel.locator("image[filter]").count() == 3
    panel.get_by_role("button", name="Reset").click()
    assert panel.locator("image[filter]").count() == 0
    expect(panel.get_by_label("Contrast")).to_have_value("100")


def test_a_comment_is_kept_for_colleagues_and_escaped(page: Page, room: str, colleague: Page):
    press(page, "Shift+N")
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_role("alert")).to_have_text("Write a comment first.")
    dialog.get_by_label("Comment", exact=True).fill("Auer rod? <b>No.</b>")
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_be_hidden()
    expect(page.locator("[data-history]")).to_contain_text("ada Auer rod? <b>No.</b>")
    open_room(colleague, room)
    expect(colleague.locator("[data-history]")).to_contain_text("ada Auer rod? <b>No.</b>")
    expect(focused(colleague)).to_have_attribute("aria-label", re.compile("commented"))


def test_the_form_of_a_cell_is_told_in_words_and_corrected(page: Page, clinic: Clinic):
    cell = Detection(
        *((20.0, 20.0, 60.0, 60.0), "wbc", 0.9, 0.1, 0.98, 0.1, "normal", "monocyte", 0.97),
        morphology={"cell_size": "big", "chromatin_density": "loosely"},
        morphology_probabilities={"cell_size": 0.92, "chromatin_density": 0.7},
    )
    found = named_field(width=800, height=600, detections=(cell,), candidates=())
    open_room(page, clinic.open_case(upload(page, "form.png", found)))
    words = page.locator("[data-form-words]")
    expect(words.locator("li")).to_have_text(["Large cell 92%", "Loose chromatin 70%"])
    page.get_by_text("All of the morphology").click()
    page.get_by_label("Chromatin").select_option("dense")
    expect(words).to_contain_text("Dense chromatin ada")
    expect(page.locator("[data-history]")).to_contain_text("Chromatin: loose → dense")


def test_keys_follow_their_place_where_letters_are_not_latin(page: Page):
    page.evaluate(
        "document.activeElement.dispatchEvent(new KeyboardEvent("
        "'keydown', { key: 'д', code: 'KeyL', bubbles: true }))"
    )
    assert sizes(page)["lymphocyte"] == 1


def test_a_person_has_their_own_keys(page: Page, room: str):
    press(page, "?")
    page.get_by_role("link", name="Change the keys of the classes").click()
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()
    page.get_by_label("Lymphocyte").fill("7")
    page.get_by_role("button", name="Save keys").click()
    expect(page.get_by_text("Keys saved.")).to_be_visible()
    open_room(page, room)
    press(page, "7")
    assert sizes(page)["lymphocyte"] == 1
    saved(page)
    page.goto("/reading-room/keys")
    page.get_by_role("button", name="Use the usual keys").click()
    expect(page.get_by_text("Keys saved.")).to_be_visible()


def test_a_missed_cell_is_drawn_with_keys(page: Page, room: str, clinic: Clinic):
    # At once: the box belongs into the field of the cell that has the focus now.
    press(page, "d")
    expect(page.get_by_text("Draw a box around the missed cell")).to_be_visible()
    press(page, "ArrowDown", "ArrowRight", "Shift+ArrowRight", "Enter")
    expect(focused(page)).to_have_attribute(
        "aria-label",
        re.compile(r"Drawn cell 1\.d[0-9a-f]{8}, few\.png, Unclassified, reviewed by ada"),
    )
    press(page, "b")
    saved(page)
    assert [row[1:] for row in clinic.reviews(room)] == [
        (None, "unclassified"),
        ("unclassified", "blast"),
    ]
    open_room(page, room)
    drawn = page.locator("[data-cell][aria-label^='Drawn cell']")
    drawn.click()
    picture = drawn.locator("[data-picture]")
    expect(picture).to_have_css(
        "background-image", f'url("{page.url}/cells/{cell_of(drawn)}/thumbnail")'
    )
    # Two words on it, so two to take back; then it is gone.
    with page.expect_response("**/cells.json"):
        press(page, "u")
    expect(cells_in(page, "blast")).to_have_count(2)
    expect(page.locator("[data-cell]")).to_have_count(6 + MANY)
    press(page, "u")
    saved(page)
    expect(page.locator("[data-cell]")).to_have_count(5 + MANY)


def cell_of(tile: Locator) -> str:
    return tile.get_attribute("data-cell")


def test_a_missed_cell_is_drawn_with_the_mouse(page: Page, room: str, clinic: Clinic):
    expect(page.locator("[data-image][href]")).to_have_count(1)
    page.get_by_role("button", name="Draw a missed cell").click()
    box = page.locator("svg[data-picture]").bounding_box()
    page.mouse.move(box["x"] + 150, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + 220, box["y"] + 160, steps=4)
    page.mouse.up()
    expect(page.locator("[data-drawing-help]")).to_be_hidden()
    assert focused(page).get_attribute("aria-label").startswith("Drawn cell")
    saved(page)
    press(page, "u")
    saved(page)
    assert [label for _, _, label in clinic.reviews(room)] == ["unclassified", "not_a_cell"]
    press(page, "d", "Escape")
    expect(page.locator("[data-drawing-help]")).to_be_hidden()
    assert len(clinic.reviews(room)) == 2


def test_a_lost_connection_loses_nothing(page: Page, room: str, clinic: Clinic):
    state = page.locator("[data-saved-text]")
    page.context.set_offline(True)
    press(page, "l", "m", "n", "u")
    expect(state).to_have_text("2 corrections wait for the connection")
    assert clinic.reviews(room) == []
    assert sizes(page)["lymphocyte"] == 1
    page.context.set_offline(False)
    saved(page)
    assert [label for _, _, label in clinic.reviews(room)] == ["lymphocyte", "monocyte"]


def test_what_waits_survives_a_reload(page: Page, room: str, clinic: Clinic):
    answer_instead(page, room, lambda route: route.abort())
    press(page, "l")
    expect(page.locator("[data-saved-text]")).to_have_text("1 correction waits for the connection")
    assert clinic.reviews(room) == []
    page.reload()
    focused(page)
    expect(page.locator("[data-saved-text]")).to_have_text("1 correction waits for the connection")
    assert sizes(page)["lymphocyte"] == 1
    page.unroute_all()
    try_now(page)
    saved(page)
    assert [label for _, _, label in clinic.reviews(room)] == ["lymphocyte"]


def test_an_answer_that_is_lost_does_nothing_twice(page: Page, room: str, clinic: Clinic):
    def lose(route) -> None:
        route.fetch()
        route.abort()

    answer_instead(page, room, lose)
    press(page, "l", "u")
    expect(page.locator("[data-saved-text]")).to_have_text("2 corrections wait for the connection")
    page.unroute_all()
    try_now(page)
    saved(page)
    assert [label for _, _, label in clinic.reviews(room)] == ["lymphocyte", "blast"]
    assert sizes(page)["blast"] == 2


def answer_instead(page: Page, room: str, answer: Callable[[Route], None]) -> None:
    """Open a room in which this answers corrections, not the server.

    Opened anew: a page that is there already may send a little more past a new route.
    """
    page.route("**/room/reviews", answer)
    open_room(page, room)


@pytest.mark.parametrize("answer", NOT_OURS.values(), ids=NOT_OURS)
def test_an_answer_that_is_not_the_servers_loses_nothing(
    page: Page, room: str, clinic: Clinic, answer: dict
):
    answer_instead(page, room, lambda route: route.fulfill(**answer))
    press(page, "l", "m")
    expect(page.locator("[data-saved-text]")).to_have_text("2 corrections wait for the connection")
    expect(page.locator("[data-refused]")).to_be_hidden()
    page.unroute_all()
    open_room(page, room)
    saved(page)
    assert [label for _, _, label in clinic.reviews(room)] == ["lymphocyte", "monocyte"]


def test_what_the_server_says_of_its_failure_is_told_while_a_correction_waits(
    page: Page, room: str
):
    response = {"status": 404, "json": {"error": "There is nothing at this address."}}
    answer_instead(page, room, lambda route: route.fulfill(**response))
    press(page, "l")
    state = page.locator("[data-saved-text]")
    expect(state).to_have_text("1 correction not saved yet. There is nothing at this address.")
    press(page, "m")
    expect(state).to_have_text("2 corrections not saved yet. There is nothing at this address.")
    page.unroute_all()
    saved(page)


def test_cells_that_were_asked_for_before_a_correction_do_not_undo_it(page: Page):
    held = []

    def hold(route: Route) -> None:
        if held:
            # Not `times=1`: Chromium loses the events of requests that are sent while it ends.
            route.continue_()
            return
        headers = {**route.request.headers, "if-none-match": '"another state"'}
        held.append((route, route.fetch(headers=headers)))

    page.route("**/changes.json", hold)
    with page.expect_request("**/changes.json"):
        come_back(page)
    while not held:
        page.wait_for_timeout(20)
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        press(page, "l")
    saved(page)
    route, old = held[0]
    with page.expect_response("**/cells.json"), page.expect_request("**/cells.json"):
        route.fulfill(response=old)
    expect(cells_in(page, "lymphocyte")).to_have_count(1)


def come_back(page: Page) -> None:
    """What the page receives when the person returns to it."""
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def test_an_ended_session_loses_nothing(page: Page, room: str, clinic: Clinic):
    page.context.clear_cookies()
    press(page, "l", "m")
    expect(page.locator("[data-saved-text]")).to_contain_text("You are signed out; 2 corrections")
    page.get_by_role("link", name="Sign in again").click()
    page.get_by_label("User name").fill("ada")
    page.get_by_label("Password").fill("violet stain, forty drops")
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"**{room}")
    saved(page)
    assert [label for _, _, label in clinic.reviews(room)] == ["lymphocyte", "monocyte"]


def test_signing_in_again_in_another_tab_is_enough(page: Page, room: str, clinic: Clinic):
    page.context.clear_cookies()
    press(page, "l")
    expect(page.locator("[data-saved-text]")).to_contain_text("You are signed out")
    other = page.context.new_page()
    sign_in(other, "ada")
    other.close()
    try_now(page)
    saved(page)
    assert [label for _, _, label in clinic.reviews(room)] == ["lymphocyte"]


@pytest.fixture(scope="module")
def colleague(signed_in: Page, address: str) -> Iterator[Page]:
    page = open_page(signed_in.context.browser, address)
    sign_up(page, "cleo")
    sign_in(page, "cleo")
    yield page
    page.context.close()


def test_what_a_colleague_changes_is_shown_with_their_name(page: Page, room: str, colleague: Page):
    press(page, "l")
    saved(page)
    open_room(colleague, room)
    group(colleague, "lymphocyte").locator("[data-cell]").click()
    press(colleague, "m")
    saved(colleague)

    # Nobody touches this page: it asks by itself.
    expect(page.locator("[data-news]")).to_have_text(
        re.compile(r"cleo changed Cell 1\.\d+, few\.png: Monocyte\.")
    )
    assert sizes(page)["monocyte"] == 1
    changed = group(page, "monocyte").locator("[data-cell]")
    expect(changed).to_have_attribute("aria-label", re.compile("Monocyte.*changed by cleo"))
    expect(changed.locator("[data-changed-by]")).to_have_text("cleo")
    expect(page.locator("[data-conflicts]")).to_be_hidden()
    focused(page)
    changed.click()
    press(page, "ArrowUp")
    expect(changed.locator("[data-changed-by]")).to_be_hidden()


def conflict(page: Page, room: str, colleague: Page) -> Locator:
    """Let a colleague name the first cell, and then this person, who does not know it yet."""
    open_room(colleague, room)
    page.route(f"**{room}/changes.json", lambda route: route.fulfill(status=304))
    press(colleague, "m")
    saved(colleague)
    press(page, "l")
    conflicts = page.locator("[data-conflicts]")
    expect(conflicts).to_contain_text("Yours: Lymphocyte")
    expect(conflicts).to_contain_text("cleo: Monocyte")
    saved(page)
    return conflicts


def test_a_conflict_is_asked_about_and_mine_is_kept(
    page: Page, room: str, colleague: Page, clinic: Clinic
):
    conflicts = conflict(page, room, colleague)
    assert [label for _, _, label in clinic.reviews(room)] == ["monocyte"], (
        "nothing was overwritten"
    )
    assert "lymphocyte" not in sizes(page)
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()
    # The cell is looked at first, then decided.
    press(page, "Shift+M")
    expect(page.locator("[data-announced]")).to_contain_text("you said Lymphocyte, cleo Monocyte")
    expect(focused(page)).to_have_attribute("aria-label", re.compile("conflict: you said Lymph"))
    press(page, "Shift+M")
    expect(conflicts).to_be_hidden()
    saved(page)
    assert [row[1:] for row in clinic.reviews(room)][-1] == ("monocyte", "lymphocyte")
    # The colleague, in turn, is told.
    expect(colleague.locator("[data-news]")).to_contain_text("ada changed")


def test_a_conflict_is_asked_about_and_theirs_is_taken(
    page: Page, room: str, colleague: Page, clinic: Clinic
):
    conflicts = conflict(page, room, colleague)
    conflicts.get_by_role("button", name="cleo: Monocyte").click()
    expect(conflicts).to_be_hidden()
    assert sizes(page)["monocyte"] == 1
    assert len(clinic.reviews(room)) == 1
    press(page, "u")
    expect(page.locator("[data-announced]")).to_contain_text("nothing to undo")


def test_no_change_is_asked_for_while_the_page_is_hidden(page: Page, room: str):
    asked: list[str] = []
    page.on("request", lambda one: asked.append(one.url) if "changes.json" in one.url else None)
    with page.expect_response("**/changes.json") as answer:
        pass
    assert answer.value.status == 304
    page.evaluate("Object.defineProperty(document, 'hidden', { value: true, configurable: true })")
    page.wait_for_timeout(1000)
    before = len(asked)
    page.wait_for_timeout(9000)
    assert len(asked) == before


def test_a_case_that_is_signed_meanwhile_takes_nothing_more(page, room: str, clinic: Clinic):
    clinic.sign(room)
    press(page, "l")
    expect(page.locator("[data-refused]")).to_contain_text("was not taken. This case is signed")
    expect(page.locator("[data-locked]")).to_be_visible()
    expect(page.locator("[data-palette]")).to_be_hidden()
    expect(group(page, "blast").locator("[data-cell]")).to_have_count(2)
    press(page, "m")
    expect(page.locator("[data-announced]")).to_contain_text("Nothing can be changed here")
    page.reload()
    focused(page)
    expect(page.get_by_text("Signed and locked.")).to_be_visible()
    press(page, "ArrowRight", "l")
    assert clinic.reviews(room) == []


@pytest.mark.parametrize("loaded", [False, True], ids=["open", "loaded afterwards"])
def test_what_waited_when_the_case_was_signed_is_named(
    page: Page, room: str, clinic: Clinic, loaded: bool
):
    answer_instead(page, room, lambda route: route.abort())
    press(page, "l", "Enter")
    expect(page.locator("[data-reviewed]")).to_have_text(f"2 of {4 + MANY} cells reviewed")
    expect(page.locator("[data-saved-text]")).to_have_text("2 corrections wait for the connection")
    clinic.sign(room)
    page.unroute_all()
    if loaded:
        page.reload()
    refused = page.locator("[data-refused] li")
    expect(refused).to_have_count(2)
    expect(refused.first).to_contain_text("Lymphocyte was not taken. This case is signed")
    saved(page)
    expect(group(page, "blast").locator("[data-cell]")).to_have_count(2)
    expect(page.locator("[data-reviewed]")).to_have_text(f"0 of {4 + MANY} cells reviewed")
    expect(page.locator("[data-locked]")).to_be_visible()
    assert clinic.reviews(room) == []


def test_the_keys_are_told(page: Page):
    press(page, "?")
    helped = page.get_by_role("dialog")
    expect(helped).to_contain_text("Immature granulocyte")
    press(page, "Escape")
    expect(helped).to_be_hidden()
    focused(page)
    press(page, "j")
    focused(page)


@pytest.mark.parametrize("width", [1440, 390])
def test_it_is_open_to_everybody_and_fits(page: Page, width: int):
    page.set_viewport_size({"width": width, "height": 844})
    press(page, "l")
    saved(page)
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    press(page, "?")
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()


def test_a_case_without_cells_says_what_to_do(signed_in: Page, clinic: Clinic):
    signed_in.goto(clinic.open_case())
    expect(signed_in.get_by_text("No white cells in this case yet")).to_be_visible()


def test_cells_that_cannot_be_loaded_say_so(signed_in: Page, room: str):
    signed_in.route("**/cells.json", lambda route: route.abort())
    signed_in.goto(room)
    expect(signed_in.get_by_role("alert").first).to_contain_text("could not be loaded")
    signed_in.unroute_all()
