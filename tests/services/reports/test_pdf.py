from dataclasses import replace

import pypdfium2
import pytest

from imaging.images import encode_png
from services.analyses.pictures import encode_jpeg
from services.cases.review import LeftOut
from services.cases.snapshot import Agreement, Specimen
from services.reports.contents import ASSISTS, ReportStatus, shown_blasts, shown_others
from services.reports.formatting import format_specimen
from services.reports.pdf import NOT_PRINTED, UNSIGNED, as_pdf
from services.reports.printing import NO_GLYPH
from tests.reports import (
    BEING_AMENDED,
    SUPERSEDED,
    cell,
    signed,
    snapshot,
    tally,
    twice_signed,
    with_architecture,
    with_duplicate,
    with_letterhead,
)
from tests.stand_ins import drawn_cell

MANY = tuple(cell(number, "blast" if number > 20 else "monocyte") for number in range(30))


def pages(pdf: bytes) -> list[str]:
    document = pypdfium2.PdfDocument(pdf)
    return [page.get_textpage().get_text_range().replace("\r\n", " ") for page in document]


def pictures_on(pdf: bytes, page: int) -> int:
    kind = pypdfium2.raw.FPDF_PAGEOBJ_IMAGE
    return len(list(pypdfium2.PdfDocument(pdf)[page].get_objects(filter=[kind])))


def test_every_page_tells_what_it_is():
    contents = signed(snapshot=snapshot(cells=MANY))
    shown = pages(as_pdf(contents, {}))

    assert len(shown) == 2
    for number, text in enumerate(shown, start=1):
        assert ASSISTS in text
        assert f"Page {number} of 2" in text
        assert contents.sha256 in text
        assert "Case Alder-7, version 1" in text
        assert UNSIGNED not in text


def test_what_is_not_signed_says_so_on_every_page():
    contents = signed(status=ReportStatus.PRELIMINARY, signatures=(), snapshot=snapshot(cells=MANY))
    shown = pages(as_pdf(contents, {}))

    assert all(UNSIGNED in text for text in shown)
    assert "This version is not signed" in shown[0]


def test_what_nobody_reviewed_has_no_share_by_a_reviewer():
    contents = signed(status=ReportStatus.PRELIMINARY, signatures=(), snapshot=snapshot(reviewed=0))
    text = pages(as_pdf(contents, {}))[0]
    assert "No cells reviewed. Models: blasts 50%, 2 of 4 white cells" in text


def test_the_first_page_has_the_counts_and_the_conclusion():
    text = pages(as_pdf(signed(), {}))[0]

    for sentence in (
        "Blasts 50%: 2 of 4 white cells (95% CI 15% to 85%).",
        "Blast 2 50% 2",
        "Lymphocyte 1 25% –",
        "White cells 4 4",
        "Erythroblasts (NRBC) 1 25.0 per 100 WBC –",
        "Smudge cells 0 0.0 per 100 WBC 0",
        "Fewer than 100 white cells",
        "Blasts are present.",
        "ada Reviewer, 23 Nov 2026, 07:05 UTC",
        "Notes: Second smear.",
    ):
        assert sentence in text


def test_models_have_versions_hashes_and_thresholds():
    text = " ".join(pages(as_pdf(signed(), {})))

    assert f"network.bin: {'12' * 32}" in text.replace("\ufffe", "")
    assert "blast ≥ 25%" in text
    assert "another version is installed now" in text


def test_the_classifier_has_its_architecture_where_that_is_known():
    text = " ".join(pages(as_pdf(signed(snapshot=with_architecture()), {})))

    assert "classifier (ResNet50)" in text
    assert "detector d-1" in text
    assert "classifier c-1" in " ".join(pages(as_pdf(signed(), {})))


def test_a_cell_that_is_left_out_is_shown_as_not_counted():
    single = cell(7, left_out=LeftOut.SINGLE)
    text = " ".join(pages(as_pdf(signed(snapshot=snapshot(cells=(cell(0), single))), {})))
    assert "Blasts: 2 shown" in text
    assert "Blast (not counted) Cell 1.8" in text
    assert "Blast Cell 1.1" in text


def test_blasts_and_typical_other_cells_are_shown():
    picture = encode_jpeg(drawn_cell(160), 80)
    contents = signed(snapshot=snapshot(cells=MANY, total=30))
    shown = (*shown_blasts(contents.snapshot), *shown_others(contents.snapshot))
    pdf = as_pdf(contents, {one.id: picture for one in shown[:-2]})
    text = pages(pdf)[1]

    assert "Blasts: 8 shown" in text
    assert "Blast Cell 1.22 91.2% · 40%" in text
    assert "Other white cells: 4 shown" in text
    assert text.index("Cell 1.22") < text.index("Cell 1.21")
    assert text.count("No picture") == 2
    assert pictures_on(pdf, 1) == 10


def test_cells_that_do_not_count_are_not_among_them():
    doubtful = cell(3, "blast", doubtful=True, counted=False)
    shown = snapshot(cells=(doubtful, *MANY))
    assert doubtful not in (*shown_blasts(shown), *shown_others(shown))


def test_the_letterhead_stands_above_and_ranges_beside_the_differential():
    logo = encode_png(drawn_cell(64))
    pdf = as_pdf(with_letterhead(), {}, logo)
    text = pages(pdf)[0]

    assert text.index("Haematology, Elm Hospital 12 Elm Street Tel. 555 0100") < text.index("Blood")
    assert pictures_on(pdf, 0) == 1
    for sentence in (
        "Blast 2 50% 0 High 2",
        "Lymphocyte 1 25% ≥ 40 Low –",
        "Neutrophil 0 0% –",
        "Reference ranges, in percent of white cells: Adults; our own.",
        "Accession number H26-4711",
        "Priority Urgent",
        "Dr Ada Byron",
        "Account ada",
        "Dr Ada Byron: No further field.",
    ):
        assert sentence in text


def test_without_settings_there_is_no_letterhead_and_no_range():
    text = pages(as_pdf(signed(), {}))[0]
    assert text.startswith("Blood film review")
    assert "Reference" not in text
    assert "High" not in text


def test_what_is_outside_is_not_said_before_all_cells_are_reviewed():
    contents = with_letterhead(status=ReportStatus.PRELIMINARY, signatures=())
    begun = contents.snapshot.model_copy(update={"reviewed": 1})
    text = pages(as_pdf(replace(contents, snapshot=begun), {}))[0]
    assert "Reference" in text
    assert "High" not in text


def test_hashes_and_models_are_on_the_last_page():
    shown = pages(as_pdf(signed(snapshot=snapshot(cells=MANY)), {}))
    assert "SHA-256 of the weights" in shown[-1]
    assert "Signatures and hashes ada SHA-256: efef" in shown[-1]
    assert not any("SHA-256 of the weights" in text for text in shown[:-1])


def test_two_readers_stand_in_it_with_their_agreement():
    text = pages(as_pdf(twice_signed(), {}))[0]

    assert "ada: Blasts are present. ben: I call cell 1.1 a lymphocyte." in text
    assert "over 3 cells classified by both reviewers: 0.50" in text
    assert "taken over from another person are left out" in text
    assert "cell 1.1: Blast / Lymphocyte" in text


@pytest.mark.parametrize(
    "notes", ["Пациент без лечения", "Δείγμα μυελού ώθηση", "Żółć, Ærø, Đường", "a <b>&amp; c"]
)
def test_any_latin_greek_or_cyrillic_text_is_written(notes: str):
    of = Specimen(
        pseudonym=notes,
        kind="marrow",
        stain="May-Grünwald–Giemsa",
        magnification="100×",
        collected_on=None,
        notes=f"{notes}\nsecond line",
    )
    text = " ".join(pages(as_pdf(signed(snapshot=snapshot(specimen=of)), {})))

    assert f"Notes: {notes} second line" in text
    assert f"Case {notes}, version 1" in text
    assert NOT_PRINTED not in text


@pytest.mark.parametrize("notes", ["骨髓穿刺", "血液像にフラスト", "골수 검체", "Blast 骨髓 ok"])
def test_chinese_japanese_and_korean_is_written(notes: str):
    of = snapshot().specimen.model_copy(update={"pseudonym": notes, "notes": notes})
    text = " ".join(pages(as_pdf(signed(snapshot=snapshot(specimen=of)), {})))

    assert f"Notes: {notes}" in text
    assert f"Case {notes}, version 1" in text
    assert NOT_PRINTED not in text


def test_a_long_text_without_spaces_is_broken_within_the_page():
    of = snapshot().specimen.model_copy(update={"notes": "芽球" * 200})
    document = pypdfium2.PdfDocument(as_pdf(signed(snapshot=snapshot(specimen=of)), {}))
    page = document[0].get_textpage()
    right = max(page.get_charbox(place)[2] for place in range(page.count_chars()))
    assert right < document[0].get_width() - 30


@pytest.mark.parametrize("word", ["שלום", "دم", "เลือด", "रक्त"])
def test_what_no_font_can_set_is_not_left_out_silently(word: str):
    of = snapshot().specimen.model_copy(update={"notes": f"{word} ok"})
    text = " ".join(pages(as_pdf(signed(snapshot=snapshot(specimen=of)), {})))

    assert f"{NO_GLYPH * len(word)} ok" in text
    assert "The JSON report has it" in text


def test_a_case_without_cells_has_no_page_of_them():
    shown = pages(as_pdf(signed(snapshot=snapshot(cells=())), {}))
    assert "Other white cells:" not in " ".join(shown)
    assert len(shown) == 1


@pytest.mark.parametrize(
    "long", ["A long word or two. " * 200, "\n" * 4000, "x" * 4000, "y\n" * 2000]
)
def test_the_longest_texts_still_fit_on_pages(long: str):
    contents = twice_signed()
    signatures = tuple(replace(one, conclusion=long) for one in contents.signatures)
    of = snapshot().specimen.model_copy(update={"notes": long, "stain": "y" * 40})
    whole = snapshot(specimen=of, version=2, amended_because=long)
    shown = pages(as_pdf(replace(contents, signatures=signatures, snapshot=whole), {}))
    assert all(f"of {len(shown)}" in text for text in shown)


def test_cells_that_count_twice_are_told():
    text = pages(as_pdf(signed(snapshot=with_duplicate()), {}))[0]
    assert "Image 2 duplicates an earlier one" in text


def test_every_page_of_a_former_version_says_what_followed():
    superseded = pages(as_pdf(signed(later=SUPERSEDED), {}))
    assert all("Superseded by version 3." in text for text in superseded)
    amending = pages(as_pdf(signed(later=BEING_AMENDED), {}))
    since = "Being amended since 23 Nov 2026, 07:05 UTC (version 2, not signed yet)."
    assert all(since in text for text in amending)
    assert not any("Superseded" in text for text in pages(as_pdf(signed(), {})))


def test_what_nobody_reviewed_stands_in_no_column_of_the_reviewer():
    contents = signed(status=ReportStatus.PRELIMINARY, signatures=(), snapshot=snapshot(reviewed=0))
    text = pages(as_pdf(contents, {}))[0]
    assert "Blast – – 2" in text
    assert "White cells – 4" in text
    assert "Blast 2 50% 2" in pages(as_pdf(signed(), {}))[0]


@pytest.mark.parametrize(
    ("cells", "expected"), [(1, "over 1 cell classified"), (0, "no cell was classified")]
)
def test_kappa_over_few_cells(cells: int, expected: str):
    agreement = Agreement(kappa=None, cells=cells, disagreements=())
    assert expected in pages(as_pdf(signed(agreement=agreement), {}))[0]


def test_models_that_are_not_for_the_specimen_say_so_on_the_first_page():
    marrow = snapshot().specimen.model_copy(update={"kind": "marrow"})
    first = pages(as_pdf(signed(snapshot=snapshot(specimen=marrow)), {}))[0]

    assert "Bone marrow: neither model is validated for it." in first
    assert "validated" not in pages(as_pdf(signed(), {}))[0]


def test_a_model_that_was_validated_for_the_specimen_lifts_its_part_of_the_warning():
    marrow = snapshot().specimen.model_copy(update={"kind": "marrow"})
    classifier, detector = snapshot().models
    validated = classifier.model_copy(update={"specimens": ("blood", "marrow")})
    case = snapshot(specimen=marrow, models=(validated, detector))

    assert format_specimen(case).startswith("Bone marrow: the detector is not validated for it.")
    both = (validated, detector.model_copy(update={"specimens": ("blood", "marrow")}))
    assert format_specimen(snapshot(specimen=marrow, models=both)) == ""


def test_in_the_middle_of_a_review_there_is_no_percentage_of_the_reviewer():
    unknown = {"share": None, "interval": None, "erythroblasts_per_100": None}
    so_far = tally(blast=1).model_copy(update=unknown)
    case = snapshot(reviewed=1, by_reviewers=so_far)
    contents = signed(status=ReportStatus.PRELIMINARY, signatures=(), snapshot=case)
    text = pages(as_pdf(contents, {}))[0]

    assert "Reviewed so far: 1 blast of 4 white cells. 1 of 4 cells reviewed." in text
    assert "Blast 1 – 2" in text


def test_cells_that_are_left_out_are_told():
    left_out = cell(1, at_edge=True, left_out="edge"), cell(2, left_out="single_image")
    text = pages(as_pdf(signed(snapshot=snapshot(cells=(cell(0), *left_out))), {}))[0]

    assert "Not counted: 1 cell cut by the edge, 1 single cell image." in text
