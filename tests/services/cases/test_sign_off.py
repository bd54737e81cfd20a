import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from flask import Flask, current_app

from records import db, tasks
from records.analyses import field_tasks
from records.analyses.field_tasks import FieldTask
from records.audit.audit import Event
from records.cases import signatures
from records.cases.cases import Case
from records.cases.signatures import Signature, SignatureRole
from services.cases import review
from services.cases.cases import state_of
from services.cases.checks import CheckCode, CheckStatus
from services.cases.review import LockedError, cells_of
from services.cases.sign_off import NoReasonError, SignOff, SignOffError, WrongPasswordError
from services.cases.signed_contents import AlteredError, digest
from services.reports.contents import ReportContents, collect_report
from services.reports.formatting import format_later_version
from tests.cases import entry, meanwhile, open_case, put_cell, put_field, reasons
from tests.people import PASSWORD, account_named, add_account
from tests.services.analyses.fields import read_field
from tests.trail import disarm, noted


@pytest.fixture(autouse=True)
def _in_the_application(app: Flask) -> Iterator[None]:
    for name in ("ada", "ben", "cleo"):
        add_account(app, name)
    with app.app_context():
        yield


@pytest.fixture
def case() -> Case:
    made = open_case(account_named("ada").id)
    put_field(made)
    return made


@pytest.fixture
def one_reader(app: Flask) -> SignOff:
    return app.extensions["leukoscope_sign_off"]


@pytest.fixture
def two(app: Flask, settings) -> SignOff:
    return SignOff(app.extensions["leukoscope_accounts"], settings.weights_dir, readers=2)


def look(case: Case, name: str = "ada", **other_labels: str) -> None:
    """Name every counted cell as it is called now, but those of these numbers ("n1")."""
    counted = [cell for cell in cells_of(case) if cell.counted]
    entries = [entry(cell.id, other_labels.get(f"n{cell.number}", cell.label)) for cell in counted]
    review.record(case, account_named(name).id, entries)


def sign(by: SignOff, case: Case, name: str = "ada", **changes: Any) -> Signature:
    account = account_named(name)
    given = {
        "proof": PASSWORD,
        "conclusion": "Blasts.",
        "seen": by.standing(case, account.id).seen,
        "reasons": reasons(by, case, account.id),
    }
    return by.sign(case, account, **{**given, **changes})


def report(case: Case, version: int | None = None) -> ReportContents:
    return collect_report(case, current_app.config["LEUKOSCOPE"].weights_dir, version)


def missing(by: SignOff, case: Case, name: str = "ada") -> list[str]:
    found = by.standing(case, account_named(name).id).missing
    return [cell.id.partition(".")[2] for cell in found]


def test_every_blast_and_every_unclassified_cell_must_be_seen(case: Case, one_reader: SignOff):
    assert missing(one_reader, case) == ["0", "1", "2", "3"], "doubtful ones do not count"
    with pytest.raises(SignOffError, match="still need review"):
        sign(one_reader, case)

    look(case)
    assert missing(one_reader, case) == []
    assert sign(one_reader, case).final


def test_what_is_proposed_as_a_smudge_must_be_seen_for_it_may_be_a_blast(one_reader: SignOff):
    case = open_case(account_named("ada").id)
    found = read_field()
    smudges = tuple(replace(cell, label="smudge") for cell in found.detections[:2])
    put_field(case, replace(found, detections=smudges, candidates=()))
    assert missing(one_reader, case) == ["0", "1"]
    look(case)
    assert missing(one_reader, case) == []


def test_what_was_called_something_needs_no_second_look(case: Case, one_reader: SignOff):
    field = cells_of(case)[0].analysis_id
    review.record(case, account_named("ben").id, [entry(f"{field}.3", "monocyte")])
    assert missing(one_reader, case) == ["0", "1", "2"]


def test_signing_locks_and_keeps_all_that_was_signed(case: Case, one_reader: SignOff):
    look(case, n0="lymphocyte")
    signature = sign(one_reader, case)
    state = signature.contents["state"]

    assert signatures.locked(case.id)
    assert state_of(case) == "signed"
    assert (signature.version, signature.role, signature.conclusion) == (
        1,
        SignatureRole.FIRST,
        "Blasts.",
    )
    assert signature.contents["conclusion"] == "Blasts."
    assert [cell["label"] for cell in state["cells"]][:2] == ["lymphocyte", "blast"]
    assert state["by_reviewers"]["labels"]["blast"] == 1
    assert state["models"][0]["model"] == "classifier"
    assert signature.sha256 == digest(signature.contents)
    assert all(signatures.was_signed(image["id"]) for image in state["images"])
    (row,) = noted(Event.CASE_SIGN)
    assert (row.object_id, row.known["sha256"]) == (case.id, signature.sha256)


def test_a_warning_takes_a_reason_that_is_signed(case: Case, one_reader: SignOff):
    look(case)
    with pytest.raises(NoReasonError) as raised:
        sign(one_reader, case, reasons={CheckCode.WHITE_CELLS: " "})
    assert CheckCode.WHITE_CELLS in raised.value.codes
    ada = account_named("ada").id
    given = {**reasons(one_reader, case, ada), CheckCode.WHITE_CELLS: " Leukopenia. "}
    with pytest.raises(SignOffError, match="too long"):
        sign(one_reader, case, reasons={**given, CheckCode.WHITE_CELLS: "x" * 1001})
    signature = sign(one_reader, case, reasons=given)

    (line,) = report(case).signatures
    assert {one.code: one.reason for one in line.reasons}[CheckCode.WHITE_CELLS] == "Leukopenia."
    assert [one.reason for one in line.checks if one.code == CheckCode.DATES] == [None]
    assert noted(Event.CASE_SIGN)[-1].known["reasons"]["white_cells"] == "Leukopenia."
    assert signature.sha256 == digest(signature.contents)


def test_what_blocks_is_not_passed_over(case: Case, one_reader: SignOff):
    look(case)
    case.collected_on = date(1899, 1, 1)
    db.session.commit()
    with pytest.raises(SignOffError, match="do not let"):
        sign(one_reader, case, reasons=dict.fromkeys(CheckCode, "So it is."))


def test_a_check_that_turns_out_otherwise_is_a_change(case: Case, one_reader: SignOff):
    look(case)
    seen = one_reader.standing(case, account_named("ada").id).seen
    open_case(account_named("ada").id, case.pseudonym)
    with pytest.raises(SignOffError, match="changed"):
        sign(one_reader, case, seen=seen)


def test_leukopenia_needs_fewer_cells(case: Case, one_reader: SignOff):
    def needed() -> float | None:
        checks = one_reader.standing(case, account_named("ada").id).checks
        return next(one.limit for one in checks if one.code == CheckCode.WHITE_CELLS)

    assert needed() == 200
    case.leukopenia = True
    assert needed() == 100


def test_what_is_sent_twice_is_signed_once(case: Case, one_reader: SignOff):
    look(case)
    given = {
        "seen": one_reader.standing(case, account_named("ada").id).seen,
        "reasons": reasons(one_reader, case, account_named("ada").id),
    }
    assert sign(one_reader, case, **given).id == sign(one_reader, case, **given).id
    assert len(noted(Event.CASE_SIGN)) == 1
    with pytest.raises(SignOffError, match="already signed"):
        sign(one_reader, case, "ben", **given)


def test_what_was_named_in_bulk_is_known(case: Case, one_reader: SignOff):
    cells = [cell for cell in cells_of(case) if cell.counted]
    entries = [entry(cell.id, "monocyte", bulk=True) for cell in cells]
    review.record(case, account_named("ada").id, entries)
    checks = one_reader.standing(case, account_named("ada").id).checks
    (blasts,) = (one for one in checks if one.code == CheckCode.BLASTS)
    assert (blasts.status, blasts.count, blasts.total) == (CheckStatus.WARNING, 2, 2)


def test_a_case_is_not_signed_while_fields_of_it_are_being_read(case: Case, one_reader: SignOff):
    look(case)
    task = FieldTask(owner_id=case.owner_id, batch_id="b" * 32, file_name="f", case_id=case.id)
    field_tasks.add(task)
    with pytest.raises(SignOffError, match="still being analysed"):
        sign(one_reader, case)

    tasks.drop(FieldTask, task.id)
    assert sign(one_reader, case).final


def test_a_correction_after_signing_is_refused(case: Case, one_reader: SignOff):
    look(case)
    sign(one_reader, case)
    with pytest.raises(LockedError):
        look(case, "ben")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"proof": "another one, not this"}, WrongPasswordError),
        ({"seen": "0" * 64}, SignOffError),
        ({"seen": ""}, SignOffError),
    ],
)
def test_a_refusal_signs_nothing_and_is_noted(case: Case, one_reader: SignOff, changes, error):
    look(case)
    with pytest.raises(error) as raised:
        sign(one_reader, case, **changes)

    assert signatures.of_case(case.id) == []
    assert noted(Event.CASE_SIGN_REFUSED)[-1].known == {"reason": str(raised.value)}
    assert PASSWORD not in noted(Event.CASE_SIGN_REFUSED)[-1].details


def test_nothing_is_signed_that_changed_since_it_was_looked_at(case: Case, one_reader: SignOff):
    look(case)
    seen = one_reader.standing(case, account_named("ada").id).seen
    field = cells_of(case)[0].analysis_id
    review.record(case, account_named("ben").id, [entry(f"{field}.0", "smudge")])

    with pytest.raises(SignOffError, match="has changed"):
        sign(one_reader, case, seen=seen)
    put_cell(case)
    with pytest.raises(SignOffError, match="has changed"):
        sign(one_reader, case, seen=seen)


def test_a_case_described_anew_while_the_password_is_checked_is_not_signed(
    case, one_reader: SignOff
):
    look(case)
    seen = one_reader.standing(case, account_named("ada").id).seen
    meanwhile(case, specimen="marrow")

    assert case.specimen == "blood", "as this request has read it"
    with pytest.raises(SignOffError, match="changed"):
        sign(one_reader, case, seen=seen)


def test_an_empty_case_cannot_be_signed(one_reader: SignOff):
    with pytest.raises(SignOffError, match="nothing to sign"):
        sign(one_reader, open_case(account_named("ada").id))


def test_a_signed_version_is_not_signed_again(case: Case, one_reader: SignOff):
    look(case)
    sign(one_reader, case)
    with pytest.raises(SignOffError, match="already signed"):
        sign(one_reader, case, "ben")


def test_an_amendment_opens_a_new_version_and_keeps_the_earlier(case: Case, one_reader: SignOff):
    look(case)
    first = sign(one_reader, case)
    one_reader.amend(case, account_named("ben"), "Cell 0 is a lymphocyte.")
    assert state_of(case) == "amending"
    assert not signatures.locked(case.id)
    look(case, n0="lymphocyte")
    sign(one_reader, case, "ben", conclusion="One blast less.")

    earlier, present = report(case, 1), report(case)
    assert (earlier.status, earlier.sha256) == ("final", first.sha256)
    assert earlier.snapshot.by_reviewers.labels["blast"] == 2
    assert (present.status, present.snapshot.version) == ("amended", 2)
    assert present.snapshot.by_reviewers.labels["blast"] == 1
    assert present.snapshot.amended_because == "Cell 0 is a lymphocyte."
    (row,) = noted(Event.CASE_AMEND)
    assert row.known == {"version": 2}


def test_the_report_of_an_earlier_version_says_what_followed(case: Case, one_reader: SignOff):
    def shown(version: int) -> str:
        return format_later_version(report(case, version).later)

    look(case)
    sign(one_reader, case)
    assert shown(1) == ""
    one_reader.amend(case, account_named("ada"), "Wrong stain.")
    assert shown(1).startswith("Being amended since ")
    assert shown(1).endswith("(version 2, not signed yet).")
    assert shown(2) == ""
    sign(one_reader, case)
    assert shown(1) == "Superseded by version 2."
    one_reader.amend(case, account_named("ada"), "Wrong date.")
    assert shown(1) == "Superseded by version 2."
    assert shown(2).startswith("Being amended since ")


def test_what_followed_is_no_part_of_what_was_signed(case: Case, one_reader: SignOff):
    look(case)
    first = sign(one_reader, case)
    one_reader.amend(case, account_named("ada"), "Wrong stain.")

    assert report(case, 1).sha256 == first.sha256 == digest(first.contents)


def test_only_a_signed_case_is_amended(case: Case, one_reader: SignOff):
    with pytest.raises(SignOffError, match="Only a signed case"):
        one_reader.amend(case, account_named("ada"), "Because.")


def test_the_report_before_signing_is_preliminary(case: Case, one_reader: SignOff):
    contents = report(case)
    assert (contents.status, contents.signed, contents.conclusion) == ("preliminary", False, "")
    assert contents.snapshot.version == 1
    for version in (0, 2):
        with pytest.raises(LookupError):
            report(case, version)


def test_a_signature_that_was_altered_gives_no_report(case: Case, one_reader: SignOff):
    look(case)
    signed = sign(one_reader, case)
    disarm("signatures")
    signed.contents = {**signed.contents, "conclusion": "None."}
    db.session.commit()

    with pytest.raises(AlteredError, match="SHA-256 differs"):
        report(case)


def test_a_second_reviewer_agrees(case: Case, two: SignOff):
    look(case, n3="lymphocyte")
    first = sign(two, case)
    assert (first.role, first.final, state_of(case)) == (SignatureRole.FIRST, False, "first signed")
    assert report(case).status == "preliminary"
    with pytest.raises(SignOffError, match="Another reviewer"):
        sign(two, case, conclusion="Blasts, I say.")

    assert missing(two, case, "ben") == ["0", "1", "2"], "each looks at the suspicious ones"
    look(case, "ben")
    second = sign(two, case, "ben")
    assert (second.role, second.final, signatures.locked(case.id)) == (
        SignatureRole.SECOND,
        True,
        True,
    )
    agreed = report(case).agreement
    assert (agreed.kappa, agreed.cells, agreed.disagreements) == (1.0, 4, ())


def test_a_second_reviewer_who_differs_decides(case: Case, two: SignOff):
    look(case, n3="lymphocyte")
    sign(two, case)
    look(case, "ben", n0="monocyte")
    signature = sign(two, case, "ben", conclusion="I differ.")
    contents = report(case)

    assert signature.role == SignatureRole.ADJUDICATOR
    assert [one.reader for one in contents.signatures] == ["ada", "ben"]
    assert contents.conclusion == "I differ."
    assert [(one.first, one.second) for one in contents.agreement.disagreements] == [
        ("blast", "monocyte")
    ]
    assert contents.agreement.kappa == pytest.approx(2 / 3), "3 of 4 agree, by chance 1 of 4"


def test_what_a_reader_took_over_is_no_agreement(case: Case, two: SignOff):
    look(case, "ben")
    sign(two, case)
    sign(two, case, "ben")
    agreed = report(case).agreement

    assert (agreed.kappa, agreed.cells, agreed.disagreements) == (None, 0, ())


def test_an_amendment_does_not_count_the_agreement_of_the_version_before(case, two: SignOff):
    look(case, n3="lymphocyte")
    sign(two, case)
    look(case, "ben", n0="monocyte")
    sign(two, case, "ben")
    two.amend(case, account_named("ada"), "Wrong stain.")
    sign(two, case)
    sign(two, case, "ben")

    assert report(case, 1).agreement.cells == 4
    assert report(case, 2).agreement.cells == 0


def test_what_changed_after_the_first_signature_must_be_named_by_the_second(case, two: SignOff):
    look(case, n3="lymphocyte")
    sign(two, case)
    look(case, "ben")
    field = cells_of(case)[0].analysis_id
    review.record(case, account_named("cleo").id, [entry(f"{field}.3", "neutrophil")])
    assert missing(two, case, "ben") == ["3"]


def test_with_one_reader_again_a_half_signed_case_is_still_finished_by_another(
    case, two, one_reader
):
    look(case)
    sign(two, case)
    look(case, "ben")
    with pytest.raises(SignOffError, match="Another reviewer"):
        sign(one_reader, case)
    assert sign(one_reader, case, "ben").final


def at_once(app: Flask, *jobs) -> list[object]:
    """Run these at the same time, each as a request of its own; what each gave or raised."""
    gate, given = threading.Barrier(len(jobs)), [None] * len(jobs)

    def run(place: int) -> None:
        with app.app_context():
            gate.wait()
            try:
                given[place] = jobs[place]()
            except (SignOffError, review.ReviewError) as error:
                given[place] = error

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(jobs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return given


def test_of_two_who_sign_at_the_same_time_one_signs(app: Flask, case: Case, one_reader: SignOff):
    look(case)
    case_id = case.id
    seen = one_reader.standing(case, account_named("ada").id).seen

    def signing(name: str):
        def job() -> str:
            there = db.session.get_one(Case, case_id)
            return sign(one_reader, there, name, seen=seen).sha256

        return job

    given = at_once(app, signing("ada"), signing("ben"))
    assert sorted(isinstance(one, SignOffError) for one in given) == [False, True]
    assert len(signatures.of_case(case_id)) == 1


def test_a_correction_is_in_what_is_signed_or_comes_too_late(app: Flask, case: Case, one_reader):
    look(case)
    case_id, cell = case.id, cells_of(case)[0].id
    ada, ben = account_named("ada").id, account_named("ben").id
    seen = one_reader.standing(case, ada).seen

    def signing() -> str:
        return sign(one_reader, db.session.get_one(Case, case_id), seen=seen).sha256

    def correcting() -> str:
        return review.record(db.session.get_one(Case, case_id), ben, [entry(cell, "monocyte")])[
            0
        ].label

    given = at_once(app, signing, correcting)
    assert sum(isinstance(one, Exception) for one in given) == 1
    present = report(case)
    assert present.signed == isinstance(given[1], LockedError)
    assert next(one.label for one in present.snapshot.cells if one.id == cell) == (
        "blast" if present.signed else "monocyte"
    )
