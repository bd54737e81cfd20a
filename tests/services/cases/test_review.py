from dataclasses import replace

import pytest
from flask import Flask
from sqlalchemy import event

from core.taxonomy import BUILT_IN
from models.findings import Detection
from records import db
from records.accounts.accounts import new_id
from records.analyses import analyses
from records.audit.audit import Event
from records.cases import reviews, signatures
from records.cases.cases import Case
from records.cases.signatures import Amendment, Signature
from services.cases import review
from services.cases.review import (
    Cell,
    Entry,
    LeftOut,
    LockedError,
    ReviewError,
    cell_name,
    cells_of,
    differential,
    image_in_case,
)
from tests.cases import entry, open_case, put_cell, put_field
from tests.people import account_named, add_account
from tests.services.analyses.fields import (
    CANDIDATES,
    CELLS,
    READ_CELLS,
    kept,
    named_field,
    read_field,
)
from tests.trail import noted


@pytest.fixture(autouse=True)
def _in_the_application(app: Flask):
    for name in ("ada", "ben"):
        add_account(app, name)
    with app.app_context():
        yield


@pytest.fixture
def case() -> Case:
    return open_case(reader("ada"))


def reader(name: str) -> str:
    return account_named(name).id


def record(case: Case, *entries: Entry, by: str = "ada") -> list[reviews.Review]:
    return review.record(case, reader(by), list(entries))


def undo(case: Case, review_id: int | None = None) -> reviews.Review:
    return review.undo(case, reader("ada"), new_id(), review_id)


def cell_of(case: Case, cell_id: str) -> Cell:
    return next(cell for cell in cells_of(case) if cell.id == cell_id)


def sign(case: Case, version: int = 1, final: bool = True) -> None:
    signatures.add_signature(
        Signature(
            case_id=case.id,
            version=version,
            reader_id=case.owner_id,
            role=signatures.SignatureRole.FIRST,
            final=final,
            conclusion="-",
            contents={},
            sha256="0" * 64,
        ),
        [],
    )
    db.session.commit()


def test_the_cells_of_all_fields_come_most_suspicious_first(case: Case):
    first, second = put_field(case), put_field(case, read_field(detections=READ_CELLS[:1]))
    image = put_cell(case, probability=0.85)
    cells = cells_of(case)

    assert {cell.id for cell in cells[:2]} == {f"{first.id}.0", f"{second.id}.0"}
    assert cells[2].id == f"{image.id}.0"
    assert [cell.number for cell in cells if cell.analysis_id == first.id] == [0, 1, 2, 3, 4]
    assert cells[0].box == READ_CELLS[0].box
    assert (cells[0].blast, cells[0].classifier_probability, cells[0].classifier_label) == (
        0.9,
        0.1,
        "normal",
    )
    assert cells[0].disagreed


def test_the_models_propose_only_what_they_know(case: Case):
    field = put_field(case)
    proposed = [cell.proposed for cell in cells_of(case)]
    assert proposed == ["blast", "blast", *["unclassified"] * 3]

    cell = next(cell for cell in cells_of(case) if cell.box == CANDIDATES[0].box)
    assert (cell.candidate, cell.counted, cell.analysis_id) == (
        True,
        False,
        field.id,
    )


@pytest.mark.parametrize(
    ("result", "probability", "proposed", "counted", "classifier_label"),
    [
        ("all_blast", 0.97, "blast", True, "all_blast"),
        ("normal", 0.05, "unclassified", True, "normal"),
        ("uncertain", 0.5, "unclassified", True, "uncertain"),
        ("not_usable", None, "unclassified", False, None),
    ],
)
def test_a_cell_image_is_one_cell(case, result, probability, proposed, counted, classifier_label):
    image = put_cell(case, result, probability)
    (cell,) = cells_of(case)

    assert (cell.id, cell.number) == (f"{image.id}.0", 0)
    assert (cell.proposed, cell.counted, cell.classifier_label) == (
        proposed,
        counted,
        classifier_label,
    )
    assert (cell.blast, cell.classifier_probability) == (None, probability)
    assert cell.box == (0.0, 10.0, 95.0, 100.0)


def test_a_correction_stands_beside_the_finding(case: Case):
    field = put_field(case)
    before = dict(field.finding)
    (text,) = record(case, entry(f"{field.id}.0", "lymphocyte"))
    cell = cell_of(case, f"{field.id}.0")

    assert (text.label_before, text.label, text.reviewer.name) == ("blast", "lymphocyte", "ada")
    assert (cell.proposed, cell.label, cell.seen) == ("blast", "lymphocyte", True)
    assert (cell.by, cell.at, cell.review.id) == ("ada", text.at, text.id)
    assert analyses.get(field.id).finding == before
    (row,) = noted(Event.CORRECTION)
    assert (row.object_kind, row.object_id) == ("case", case.id)
    assert row.known == {"cells": {cell.id: ["blast", "lymphocyte"]}}


def test_two_words_on_one_cell_sent_together_are_both_in_the_trail(case: Case):
    cell = f"{put_field(case).id}.0"
    review.record(case, case.owner_id, [entry(cell, "lymphocyte"), entry(cell, "monocyte")])

    (row,) = noted(Event.CORRECTION)
    assert row.known == {"cells": {cell: ["blast", "lymphocyte", "monocyte"]}}


def test_the_latest_word_stands_and_every_word_is_kept(case: Case):
    cell = f"{put_field(case).id}.0"
    record(case, entry(cell, "lymphocyte"))
    record(case, entry(cell, "monocyte"), entry(cell, "smudge"), by="ben")

    assert (cell_of(case, cell).label, cell_of(case, cell).by) == ("smudge", "ben")
    steps = [(one.label_before, one.label) for one in review.history_of(case, cell)]
    assert steps == [("blast", "lymphocyte"), ("lymphocyte", "monocyte"), ("monocyte", "smudge")]
    assert review.history_of(case, "nonsense") == []


def test_the_same_label_again_is_a_look_at_the_cell(case: Case):
    cell = f"{put_field(case).id}.0"
    record(case, entry(cell, "blast"))
    assert cell_of(case, cell).seen
    assert cell_of(case, cell).label == "blast"


def test_what_is_sent_twice_is_kept_once(case: Case):
    field = put_field(case)
    one, two = (entry(f"{field.id}.{number}", "monocyte") for number in range(2))
    first = record(case, one)
    again = record(case, one, two, one)

    assert [text.id for text in again] == [first[0].id, first[0].id + 1, first[0].id]
    assert len(reviews.of_case(case.id)) == 2
    sign(case)
    assert record(case, one)[0].id == first[0].id, "an answer that was lost comes again"


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"cell": "{field}.99"}, review.UNKNOWN_CELL),
        ({"cell": "{field}"}, review.UNKNOWN_CELL),
        ({"cell": "f" * 32 + ".0"}, review.UNKNOWN_CELL),
        ({"cell": "{elsewhere}.0"}, review.UNKNOWN_CELL),
        ({"label": "red cell"}, review.UNKNOWN_LABEL),
        ({"key": "short"}, review.NOT_A_KEY),
        ({"box": (0.0, 0.0, 9.0, 9.0)}, review.BOX_OF_FOUND),
        ({"cell": "{field}.d00000001"}, review.UNKNOWN_CELL),
        ({"cell": "{image}.d00000001", "box": (0.0, 0.0, 9.0, 9.0)}, review.BOX_OF_FOUND),
        ({"cell": "{field}.d00000001", "box": (-1.0, 0.0, 9.0, 9.0)}, review.BOX_OUTSIDE),
        ({"cell": "{field}.d00000001", "box": (0.0, 0.0, 9.0, 401.0)}, review.BOX_OUTSIDE),
        ({"cell": "{field}.d00000001", "box": (5.0, 0.0, 6.0, 9.0)}, review.BOX_OUTSIDE),
        ({"cell": "{field}.d00000001", "box": (0.0, 0.0, float("nan"), 9.0)}, review.BOX_OUTSIDE),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_of_it_kept(case: Case, wrong, sentence: str):
    field, image = put_field(case), put_cell(case)
    names = {
        "field": field.id,
        "image": image.id,
        "elsewhere": put_field(open_case(case.owner_id)).id,
    }
    good = entry(f"{field.id}.0", "monocyte")
    wrong = {**wrong, "cell": wrong.get("cell", "{field}.1").format(**names)}

    with pytest.raises(ReviewError) as error:
        record(case, good, replace(entry("", "monocyte"), **wrong))
    assert str(error.value) == sentence
    assert reviews.of_case(case.id) == []


def test_a_key_of_somebody_else_is_refused(case: Case):
    one = entry(f"{put_field(case).id}.0", "monocyte")
    record(case, one)

    with pytest.raises(ReviewError, match="another one"):
        record(case, one, by="ben")


def test_a_missed_cell_is_drawn(case: Case):
    field = put_field(case)
    name, box = f"{field.id}.d0000000a", (10.0, 20.0, 50.5, 60.0)
    record(case, entry(name, "blast", box=box))
    record(case, entry(name, "monocyte"), by="ben")
    cell = cell_of(case, name)

    assert (cell.number, cell.box, cell.proposed, cell.candidate) == (None, box, None, False)
    assert (cell.label, cell.by, cell.counted) == ("monocyte", "ben", True)
    assert review.history_of(case, name)[0].label_before is None


def test_undoing_is_a_row_that_leads_back(case: Case):
    cell = f"{put_field(case).id}.0"
    record(case, entry(cell, "lymphocyte"), entry(cell, "monocyte"))

    row = undo(case)
    assert (row.label_before, row.label, cell_of(case, cell).label) == (
        "monocyte",
        "lymphocyte",
        "lymphocyte",
    )
    row = undo(case)
    assert (row.label, cell_of(case, cell).label, cell_of(case, cell).seen) == (
        "blast",
        "blast",
        False,
    )
    assert len(review.history_of(case, cell)) == 4
    assert len(noted(Event.UNDO)) == 2
    with pytest.raises(ReviewError, match="nothing left to undo"):
        undo(case)


def test_what_a_colleague_reviewed_since_is_not_undone_below_them(case: Case):
    cell = f"{put_field(case).id}.0"
    (own,) = record(case, entry(cell, "lymphocyte"))
    record(case, entry(cell, "monocyte"), by="ben")

    with pytest.raises(ReviewError, match="since"):
        undo(case, own.id)
    with pytest.raises(ReviewError, match="nothing left to undo"):
        undo(case)
    assert cell_of(case, cell).label == "monocyte"


def test_a_drawn_cell_that_is_undone_is_gone_until_it_is_drawn_again(case: Case):
    name, box = f"{put_field(case).id}.d0000000a", (10.0, 20.0, 50.0, 60.0)
    record(case, entry(name, "blast", box=box))
    assert undo(case).label == "not_a_cell"
    assert name not in [cell.id for cell in cells_of(case)]

    with pytest.raises(ReviewError, match="no longer in the case"):
        record(case, entry(name, "blast"))
    record(case, entry(name, "other", box=(10.0, 20.0, 60.0, 60.0)))
    (cell,) = (one for one in cells_of(case) if one.id == name)
    assert (cell.label, cell.box) == ("other", (10.0, 20.0, 60.0, 60.0))


def test_undoing_twice_does_nothing_twice(case: Case):
    cell = f"{put_field(case).id}.0"
    first, second = record(case, entry(cell, "lymphocyte"), entry(cell, "monocyte"))
    key = new_id()
    row = review.undo(case, reader("ada"), key)

    assert row.undoes == second.id
    assert review.undo(case, reader("ada"), key).id == row.id
    assert cell_of(case, cell).review.id == first.id
    with pytest.raises(ReviewError):
        undo(case, second.id)
    with pytest.raises(ReviewError, match="nothing left to undo"):
        undo(case, row.id)


def test_a_colleagues_word_is_not_taken_back(case: Case):
    (text,) = record(case, entry(f"{put_field(case).id}.0", "lymphocyte"))

    with pytest.raises(ReviewError, match="only your own reviews"):
        review.undo(case, reader("ben"), new_id(), text.id)
    with pytest.raises(ReviewError, match="nothing left to undo"):
        undo(open_case(reader("ada")), text.id)


def test_a_signed_case_takes_no_word_until_it_is_amended(case: Case):
    cell = f"{put_field(case).id}.0"
    record(case, entry(cell, "lymphocyte"))
    sign(case, final=False)
    record(case, entry(cell, "monocyte"))
    sign(case, version=2)
    db.session.add(Amendment(case_id=case.id, version=2, opened_by=case.owner_id, reason="r"))
    db.session.commit()

    with pytest.raises(LockedError, match="signed"):
        record(case, entry(cell, "blast"))
    with pytest.raises(LockedError, match="signed"):
        undo(case)
    db.session.add(Amendment(case_id=case.id, version=3, opened_by=case.owner_id, reason="r"))
    db.session.commit()
    assert record(case, entry(cell, "blast"))


def test_the_differential_counts_by_models_and_by_reviewer(case: Case):
    field = put_field(case)
    numbers = {cell.box: cell.number for cell in cells_of(case)}
    candidate = numbers[CANDIDATES[0].box]
    before = differential(cells_of(case), BUILT_IN)
    assert (before.models.white, before.reviewed, before.total) == (4, 0, 4)
    assert before.reviewers.white == 0, "nobody has decided anything"

    record(
        case,
        entry(f"{field.id}.0", "lymphocyte"),
        entry(f"{field.id}.1", "not_a_cell"),
        entry(f"{field.id}.2", "erythroblast"),
        entry(f"{field.id}.{candidate}", "blast"),
        entry(f"{field.id}.d00000001", "blast", box=(0.0, 0.0, 20.0, 20.0)),
    )
    now = differential(cells_of(case), BUILT_IN)
    assert now.models == before.models
    assert (now.models.blasts.blasts, now.models.blasts.white_cells) == (2, 4)
    assert (now.reviewers.blasts.blasts, now.reviewers.blasts.white_cells) == (2, 3)
    assert now.reviewers.labels["not_a_cell"] == now.reviewers.labels["erythroblast"] == 1
    assert now.reviewers.per_100("erythroblast") == pytest.approx(100 / 3)
    assert (now.reviewed, now.total, now.complete) == (5, 6, False)


def test_an_empty_case_has_no_shares(case: Case):
    counts = differential(cells_of(case), BUILT_IN).reviewers
    assert (counts.white, counts.blasts.share, counts.blasts.interval) == (0, None, None)
    assert counts.per_100("smudge") is None


def test_a_case_of_any_size_is_read_with_two_queries(case: Case):
    found = read_field(detections=READ_CELLS[:4] + CELLS[2:3])
    fields = [put_field(case, found) for _ in range(5)]
    entries = [entry(f"{field.id}.{number}", "blast") for field in fields for number in range(3)]
    record(case, *entries)
    queries = []
    event.listen(db.engine, "before_cursor_execute", lambda *shown: queries.append(shown[2]))
    db.session.expire_all()
    case_id = case.id
    queries.clear()
    cells = cells_of(case)

    assert case_id
    assert len(cells) == 5 * 5
    assert sum(cell.seen for cell in cells) == 5 * 3
    assert len(queries) == 2


def of_kind(kind: str, probability: float = 0.97, **changes) -> Detection:
    """A white cell that is no blast to either network, and what the classifier takes it for."""
    cell = replace(READ_CELLS[3], classifier_label="normal", classifier_probability=0.05)
    return replace(cell, kind=kind, kind_probability=probability, **changes)


@pytest.mark.parametrize(
    ("cell", "proposed"),
    [
        (of_kind("neutrophil_segmented"), "neutrophil"),
        (of_kind("neutrophil_band"), "neutrophil"),
        (of_kind("erythroblast"), "erythroblast"),
        (of_kind("lymphocyte", 0.49), "unclassified"),
        (of_kind("lymphocyte", classifier_label="uncertain"), "unclassified"),
        (of_kind("a kind of tomorrow"), "unclassified"),
    ],
)
def test_a_likely_kind_is_proposed_and_counts_once_confirmed(case: Case, cell, proposed: str):
    field = put_field(case, read_field(detections=(cell,), candidates=()))
    (found,) = cells_of(case)

    assert (found.proposed, found.label) == (proposed, "unclassified")
    assert differential(cells_of(case), BUILT_IN).models.labels[proposed] == 1
    record(case, entry(f"{field.id}.0", proposed))
    assert cell_of(case, found.id).label == proposed


def test_what_is_below_the_threshold_is_proposed_as_no_kind(case: Case):
    candidate = of_kind("monocyte")
    put_field(case, read_field(detections=(), candidates=(candidate,)))
    (found,) = cells_of(case)
    assert (found.proposed, found.kind, found.candidate) == ("unclassified", "monocyte", True)


@pytest.fixture
def mixed(case: Case) -> list[Cell]:
    """A blast that both see, a neutrophil that the detector takes for a blast, two neutrophils."""
    blast = replace(READ_CELLS[2], blast=0.9)
    disputed = of_kind("neutrophil_segmented", blast=0.7)
    others = [of_kind("neutrophil_segmented", box=(x, 0.0, x + 30, 30.0)) for x in (60.0, 90.0)]
    put_field(case, named_field(detections=(blast, disputed, *others), candidates=()))
    return cells_of(case)


def test_several_cells_are_confirmed_at_once(case: Case, mixed: list[Cell]):
    plain = [cell for cell in mixed if not cell.alone]
    record(case, *(entry(cell.id, cell.proposed, bulk=True) for cell in plain))
    assert [cell.label for cell in cells_of(case) if cell.seen] == ["neutrophil"] * 2


def test_neither_blasts_nor_disputed_cells_are_confirmed_with_others(case, mixed: list[Cell]):
    alone = [cell for cell in mixed if cell.alone]
    assert len(alone) == 2
    for cell in alone:
        with pytest.raises(ReviewError, match="one by one"):
            record(case, entry(cell.id, cell.proposed, bulk=True))
    assert reviews.of_case(case.id) == []
    for cell in alone:
        record(case, entry(cell.id, cell.proposed))
        record(case, entry(cell.id, cell.proposed, bulk=True))


def test_several_blasts_are_corrected_at_once(case: Case, mixed: list[Cell]):
    record(case, *(entry(cell.id, "lymphocyte", bulk=True) for cell in mixed))
    assert {cell.label for cell in cells_of(case)} == {"lymphocyte"}


def test_a_single_cell_image_is_reviewed_and_in_no_share_of_the_smear(case: Case):
    put_field(case)
    single = put_cell(case)
    record(case, entry(f"{single.id}.0", "blast"))
    counted = differential(cells_of(case), BUILT_IN)

    assert (counted.models.white, counted.reviewers.white) == (4, 0)
    assert (counted.reviewed, counted.total) == (1, 5)
    assert counted.left_out == {LeftOut.SINGLE: 1, LeftOut.EDGE: 0}


def test_cells_cut_by_the_edge_are_marked_and_left_out_where_the_case_says_so(case: Case):
    field = put_field(case)
    drawn = entry(f"{field.id}.d00000001", "blast", box=(380.0, 200.0, 400.0, 220.0))
    record(case, drawn)
    cut = {cell.box[:2] for cell in cells_of(case) if cell.at_edge}

    assert cut == {(0.0, 30.0), (380.0, 200.0)}
    assert differential(cells_of(case), BUILT_IN).reviewers.white == 1
    case.leave_out_edge = True
    counted = differential(cells_of(case), BUILT_IN)
    assert (counted.models.white, counted.reviewers.white) == (3, 0)
    assert (counted.total, counted.left_out[LeftOut.EDGE]) == (5, 2)


def test_an_image_knows_its_number_in_the_case_and_where_to_go_on(case: Case):
    first, second = put_field(case), put_field(case, name="second.png")
    record(case, entry(f"{second.id}.0", "blast"))
    here = image_in_case(second, account_named("ada").id)

    assert here
    assert [one.id for one in analyses.of_case(case.id)][here.number - 1] == second.id
    assert (here.progress.reviewed, here.progress.total) == (1, 4)
    assert here.next
    assert here.next.id == f"{second.id}.1"
    assert here.by_number[0].label == "blast"
    assert all(cell.analysis_id == second.id for cell in here.cells)
    assert [cell_name(1, f"{first.id}.0"), cell_name(2, f"{second.id}.d0000000f")] == [
        "1.1",
        "2.d0000000f",
    ]


def test_an_image_in_no_case_has_no_number():
    assert image_in_case(kept(read_field()), account_named("ada").id) is None
