import csv
import io
import json
from dataclasses import replace

import pytest

from core.tables import SEMICOLON
from models.findings import QualityIssue, Verdict
from services.cases.checks import CheckCode, CheckStatus, SignedCheck
from services.cases.snapshot import (
    Agreement,
    CaseSnapshot,
    Disagreement,
    ImageQuality,
    Specimen,
)
from services.reports.contents import (
    ASSISTS,
    SCHEMA,
    LaterVersion,
    ReportContents,
    ReportStatus,
)
from services.reports.text import COLUMNS, as_csv, as_json
from tests.reports import (
    AT,
    BEING_AMENDED,
    CELLS,
    SUPERSEDED,
    cell,
    signed,
    snapshot,
    twice_signed,
    with_architecture,
    with_duplicate,
    with_letterhead,
)


def lines(contents: ReportContents) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(as_csv(contents).decode("utf-8-sig"), newline="")))


def table(**changes: object) -> list[dict[str, str]]:
    """The lines that tell of cells."""
    return [line for line in lines(signed(**changes)) if line["what"] == "cell"]


def whole(contents: ReportContents) -> dict[str, str]:
    """The lines about the case as a whole."""
    return {line["what"]: line["value"] for line in lines(contents) if line["what"] != "cell"}


def test_one_cell_a_line():
    rows = table()
    assert len(rows) == len(CELLS)
    assert rows[0] == {
        "pseudonym": "Alder-7",
        "version": "1",
        "status": "final",
        "what": "cell",
        "value": "",
        "image": "1",
        "cell": "1",
        **{"x1": "10.0", "y1": "20.0", "x2": "50.5", "y2": "60.2"},
        "label": "blast",
        "proposed": "blast",
        "counted": "yes",
        "seen": "yes",
        "reviewer": "ada",
        "reviewed_at": AT.isoformat(),
        "blast_probability": "0.9123",
        "classifier_label": "uncertain",
        "classifier_all_blast_probability": "0.4000",
        **{"cut_by_edge": "no", "left_out": "", "cell_id": CELLS[0].id},
    }
    assert tuple(rows[0]) == COLUMNS


def test_what_is_not_known_is_empty():
    unseen, drawn = table()[2:]
    assert (unseen["reviewer"], unseen["reviewed_at"], unseen["seen"]) == ("", "", "no")
    assert (drawn["cell"], drawn["proposed"], drawn["blast_probability"]) == ("d0000000f", "", "")


def test_the_table_tells_of_the_whole_too():
    shown = whole(twice_signed())
    assert shown["notice"] == ASSISTS
    assert shown["sha256"] == "ef" * 32
    assert shown["conclusion"] == "I call cell 1.1 a lymphocyte."
    assert shown["signature"].startswith("ben, adjudicator, 2026-11-23T07:05:06")
    assert (shown["blast_by_reviewers"], shown["white_cells_by_models"]) == ("2", "4")
    bounds = [shown[f"blast_share{each}_by_reviewers"] for each in ("", "_low_95", "_high_95")]
    assert bounds == ["0.5000", "0.2500", "0.9500"]
    assert (shown["cells_named_by_each_reader"], shown["cohens_kappa"]) == ("3", "0.5000")
    assert shown["named_differently"] == "Cell 1.1: blast / lymphocyte"
    assert shown["erythroblasts_per_100_by_reviewers"] == "25.0"
    assert shown["model"] == "detector d-1, network.bin " + "12" * 32 + ", network.xml " + "34" * 32


def test_the_classifier_has_its_architecture_where_that_is_known():
    contents = signed(snapshot=with_architecture())

    assert f"classifier (ResNet50) c-1, network.bin {'56' * 32}" in as_csv(contents).decode()
    models = json.loads(as_json(contents))["state"]["models"]
    assert [one.get("architecture") for one in models] == ["ResNet50", None]


def test_a_kappa_that_is_not_defined_is_empty():
    shown = whole(
        signed(
            agreement=Agreement(
                kappa=None,
                cells=0,
                disagreements=(Disagreement(cell="1.d", first=None, second="other"),),
            )
        )
    )
    assert (shown["cells_named_by_each_reader"], shown["cohens_kappa"]) == ("0", "")
    assert shown["named_differently"] == "Cell 1.d: not drawn / other"
    assert "cohens_kappa" not in whole(signed())


def test_a_negative_kappa_is_a_number():
    assert (
        whole(signed(agreement=Agreement(kappa=-0.25, cells=4, disagreements=())))["cohens_kappa"]
        == "-0.2500"
    )


def test_a_table_without_cells_still_says_how_far_it_is():
    empty = lines(
        signed(
            status=ReportStatus.PRELIMINARY, signatures=(), snapshot=snapshot(cells=(), reviewed=0)
        )
    )
    assert {line["status"] for line in empty} == {"preliminary"}
    assert not [line for line in empty if line["what"].endswith("_by_reviewers")]


def test_cells_that_count_twice_are_told():
    contents = signed(snapshot=with_duplicate())
    assert contents.snapshot.duplicates == (2,)
    assert whole(contents)["warning"].startswith("Image 2 duplicates")
    assert json.loads(as_json(contents))["warnings"] == [whole(contents)["warning"]]


@pytest.mark.parametrize(
    ("later", "sentence"),
    [
        (SUPERSEDED, "Superseded by version 3."),
        (
            BEING_AMENDED,
            "Being amended since 23 Nov 2026, 07:05 UTC (version 2, not signed yet).",
        ),
    ],
)
def test_a_former_version_says_what_followed(later: LaterVersion, sentence: str):
    contents = signed(later=later)
    assert whole(contents)["later_version"] == sentence
    report = json.loads(as_json(contents))
    assert (report["later_version"], report["sha256"]) == (sentence, signed().sha256)


def test_the_newest_version_says_nothing_of_a_later_one():
    assert "later_version" not in whole(signed())
    assert json.loads(as_json(signed()))["later_version"] is None


def test_semicolons_come_with_decimal_commas():
    text = as_csv(twice_signed(), separator=SEMICOLON).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text, newline=""), delimiter=";"))
    shown = {row["what"]: row["value"] for row in rows}
    assert (shown["blast_share_by_reviewers"], shown["cohens_kappa"]) == ("0,5000", "0,5000")
    (first, *_) = (row for row in rows if row["what"] == "cell")
    assert (first["y2"], first["blast_probability"]) == ("60,2", "0,9123")


def test_a_pseudonym_stays_as_it_is_written():
    of = snapshot().specimen.model_copy(update={"pseudonym": "007", "notes": "1-2"})
    shown = whole(signed(snapshot=snapshot(specimen=of)))
    assert (shown["pseudonym"], shown["notes"]) == ("'007", "'1-2")
    assert shown["collected_on"] == "2026-11-20", "a date is one"


def test_nothing_is_a_formula():
    of = Specimen(
        pseudonym="=1+1", kind="blood", stain="", magnification="", collected_on=None, notes=""
    )
    rows = table(snapshot=snapshot(specimen=of, cells=(cell(0, by="@reader"),)))
    assert (rows[0]["pseudonym"], rows[0]["reviewer"]) == ("'=1+1", "'@reader")
    assert whole(signed(snapshot=snapshot(specimen=of)))["pseudonym"] == "'=1+1"


def test_the_document_says_what_it_is_and_holds_everything():
    report = json.loads(as_json(twice_signed()))

    assert (report["schema"], report["notice"]) == (SCHEMA, ASSISTS)
    assert (report["status"], report["sha256"]) == ("final", "ef" * 32)
    assert [one["role"] for one in report["signatures"]] == ["first", "adjudicator"]
    assert report["signatures"][0]["at"] == AT.isoformat()
    assert report["agreement"]["kappa"] == 0.5
    assert CaseSnapshot.model_validate(report["state"]) == snapshot()
    assert snapshot().serialize() == report["state"]


def with_quality(verdict: Verdict, overridden: bool = False) -> CaseSnapshot:
    """A case whose only field has a quality."""
    (image,) = snapshot().images
    reasons = () if verdict == Verdict.READABLE else (QualityIssue.BLURRED, QualityIssue.PALE)
    quality = ImageQuality(verdict=verdict, reasons=reasons, overridden=overridden)
    return snapshot(images=(image.model_copy(update={"quality": quality}),))


@pytest.mark.parametrize(
    ("verdict", "overridden", "sentence"),
    [
        (Verdict.DOUBTFUL, False, "Image 1 is doubtful (out of focus, pale stain)"),
        (Verdict.DOUBTFUL, True, "Image 1 failed the quality check (out of focus, pale stain)"),
        (Verdict.NOT_READABLE, False, "Image 1 is not readable (out of focus, pale stain)"),
    ],
)
def test_a_report_warns_of_images_that_are_not_readable(verdict, overridden, sentence):
    contents = signed(snapshot=with_quality(verdict, overridden))
    assert whole(contents)["warning"].startswith(sentence)
    (warning,) = json.loads(as_json(contents))["warnings"]
    assert warning.startswith(sentence)


def test_a_readable_image_needs_no_warning():
    assert "warning" not in whole(signed(snapshot=with_quality(Verdict.READABLE)))


def test_leukopenia_is_told_where_it_is():
    of = snapshot().specimen.model_copy(update={"leukopenia": True})
    assert whole(signed(snapshot=snapshot(specimen=of)))["leukopenia"] == "yes"
    assert "leukopenia" not in whole(signed())


def test_reasons_are_told_with_what_they_are_for():
    few = SignedCheck(
        code=CheckCode.WHITE_CELLS,
        status=CheckStatus.WARNING,
        count=4,
        total=4,
        limit=200,
        reason="No further field.",
    )
    passed = SignedCheck(code=CheckCode.DATES, status=CheckStatus.OK)
    line = replace(signed().signatures[0], checks=(few, passed))
    contents = signed(signatures=(line,))
    assert whole(contents)["reason"] == (
        "4 white cells reviewed; peripheral blood needs at least 200. No further field."
    )
    (signature,) = json.loads(as_json(contents))["signatures"]
    assert signature["checks"] == [few.serialize(), passed.serialize()]
    assert "checks" not in json.loads(as_json(signed()))["signatures"][0]


def test_what_was_signed_before_keeps_its_form():
    assert "quality" not in snapshot().serialize()["images"][0]
    kept = with_quality(Verdict.DOUBTFUL)
    assert CaseSnapshot.model_validate(kept.serialize()) == kept


def test_laboratory_accession_and_full_name_are_in_it():
    report = json.loads(as_json(with_letterhead()))
    (signature,) = report["signatures"]

    assert signature["full_name"] == "Dr Ada Byron"
    assert signature["laboratory"]["name"] == "Haematology, Elm Hospital"
    assert report["state"]["specimen"]["accession"] == "H26-4711"
    table = as_csv(with_letterhead()).decode()
    assert ",accession,H26-4711," in table
    assert ",priority,urgent," in table
