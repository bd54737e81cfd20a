from dataclasses import replace

import pypdfium2
import pytest

from services.analyses.pictures import encode_jpeg
from services.cases.snapshot import Agreement, Specimen
from services.reports.contents import ASSISTS, MOST_SUSPICIOUS, ReportStatus, most_suspicious
from services.reports.pdf import NO_GLYPH, NOT_PRINTED, UNSIGNED, as_pdf
from tests.reports import (
    BEING_AMENDED,
    SUPERSEDED,
    cell,
    signed,
    snapshot,
    twice_signed,
    with_architecture,
    with_duplicate,
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
    assert "Reviewer Not reviewed Models 50%" in text


def test_the_first_page_has_the_counts_and_the_conclusion():
    text = pages(as_pdf(signed(), {}))[0]

    for sentence in (
        "50% 2 of 4 white cells; 95% CI 15% to 85%",
        "Blast 2 50% 2",
        "Lymphocyte 1 25% 0",
        "White cells 4 4",
        "Erythroblasts (NRBC) 1 25.0 per 100 WBC",
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


def test_the_most_suspicious_cells_are_shown_the_blasts_first():
    picture = encode_jpeg(drawn_cell(160), 80)
    contents = signed(snapshot=snapshot(cells=MANY, total=30))
    pdf = as_pdf(contents, {one.id: picture for one in MANY[:25]})
    text = pages(pdf)[1]

    assert "20 of 30 counted cells" in text
    assert text.index("Cell 1.22") < text.index("Cell 1.1 ")
    assert "Blast Cell 1.22 91.2% · 40%" in text
    assert text.count("No picture") == 5
    assert pictures_on(pdf, 1) == MOST_SUSPICIOUS - 5


def test_cells_that_do_not_count_are_not_among_them():
    doubtful = cell(3, "unclassified", doubtful=True, counted=False)
    assert doubtful not in most_suspicious(snapshot(cells=(doubtful, *MANY)))


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


def test_what_the_font_does_not_have_is_not_left_out_silently():
    of = snapshot().specimen.model_copy(update={"notes": "骨髓 ok"})
    text = " ".join(pages(as_pdf(signed(snapshot=snapshot(specimen=of)), {})))

    assert f"{NO_GLYPH}{NO_GLYPH} ok" in text
    assert "The JSON report has it" in text


def test_a_case_without_cells_has_no_page_of_them():
    shown = pages(as_pdf(signed(snapshot=snapshot(cells=())), {}))
    assert "most suspicious" not in " ".join(shown)


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
