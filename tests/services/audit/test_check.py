from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import RowMapping

from records.audit import audit, external_log
from records.audit.audit import NOTHING, Head
from services.audit import check
from services.audit.check import fits_external_log, verify
from tests.trail import append, entries, forge, tamper


@pytest.fixture(autouse=True)
def trail(app: Flask, monkeypatch: pytest.MonkeyPatch):
    """A trail of ten rows, with more lines in its log than are looked up together."""
    monkeypatch.setattr(check, "AT_ONCE", 4)
    with app.app_context():
        append(9)
        yield


def findings(noted: Head | None = None) -> tuple[str, ...]:
    return verify(noted).findings


def rewrite_from(number: int) -> None:
    """Seal the row and all that follow anew, as somebody does who knows how."""
    for later in range(number, len(entries()) + 1):
        forge(later, former=entries()[later - 2].hash if later > 1 else NOTHING)


def test_an_untouched_trail_has_no_findings():
    last = entries()[-1]
    verdict = verify(Head(5, entries()[4].hash))

    assert verdict.findings == ()
    assert verdict.head == Head(10, last.hash)
    assert verdict.logged == 10


def test_an_edit_is_found():
    tamper("UPDATE audit_entries SET account_name = 'eve' WHERE number = 4")

    assert findings() == ("Row 4 was changed: its contents are not those of its hash.",)


def test_an_edit_with_a_new_hash_is_found():
    forge(4, account_name="eve")

    assert findings() == (
        "Row 5 does not continue row 4: one of them was changed.",
        "Row 4 was replaced: the external hash log names another hash.",
    )


def test_an_edit_with_all_hashes_after_it_made_anew_is_found_by_the_external_log():
    forge(4, account_name="eve")
    rewrite_from(5)

    assert findings() == ("Rows 4 to 10 were replaced: the external hash log names another hash.",)


def test_an_edit_with_the_external_log_made_anew_is_found_by_what_was_written_down():
    noted = Head(10, entries()[-1].hash)
    forge(4, account_name="eve")
    rewrite_from(5)
    external_log.path().unlink()
    external_log.write(Head(entry.number, entry.hash) for entry in entries())

    assert findings() == ()
    assert findings(noted) == ("Row 10 was replaced: somebody wrote down another hash.",)


def test_a_removal_is_found():
    tamper("DELETE FROM audit_entries WHERE number IN (4, 5)")

    assert findings() == ("Rows 4 to 5 were removed.",)


def test_a_removal_that_is_closed_up_is_found():
    tamper("DELETE FROM audit_entries WHERE number = 4")
    for number in range(5, 11):
        tamper("UPDATE audit_entries SET number = :to WHERE number = :n", to=number - 1, n=number)

    assert "Row 4 was changed: its contents are not those of its hash." in findings()


def test_rows_that_changed_places_are_found():
    for before, after in ((4, 100), (5, 4), (100, 5)):
        tamper("UPDATE audit_entries SET number = :to WHERE number = :n", to=after, n=before)

    assert "Row 4 was changed: its contents are not those of its hash." in findings()
    assert "Row 5 was changed: its contents are not those of its hash." in findings()


def test_the_beginning_removed_is_found():
    tamper("DELETE FROM audit_entries WHERE number = 1")

    assert findings() == ("Row 1 was removed.",)


def test_another_beginning_is_found():
    forge(1, event="view")
    rewrite_from(2)

    assert findings()[0] == "Row 1 is not the beginning of a trail."


def test_the_end_cut_off_is_found():
    tamper("DELETE FROM audit_entries WHERE number > 7")

    assert findings() == (
        "Rows 8 to 10 were removed at the end: the external hash log names row 10.",
    )


def test_the_end_cut_off_and_grown_again_is_found():
    tamper("DELETE FROM audit_entries WHERE number > 7")
    append(5)

    assert findings() == ("Rows 8 to 10 were replaced: the external hash log names another hash.",)


def test_a_trail_begun_anew_is_found():
    tamper("DELETE FROM audit_entries")
    append(2)

    assert findings() == (
        "Rows 4 to 10 were removed at the end: the external hash log names row 10.",
        "Rows 1 to 3 were replaced: the external hash log names another hash.",
    )


def test_an_emptied_trail_is_found():
    tamper("DELETE FROM audit_entries")

    assert findings() == (
        "Rows 1 to 10 were removed at the end: the external hash log names row 10.",
    )


def test_a_missing_external_log_is_said_so_and_what_was_written_down_replaces_it():
    noted = Head(10, entries()[-1].hash)
    external_log.path().unlink()
    assert len(findings()) == 1
    assert "The external hash log is missing" in findings()[0]

    tamper("DELETE FROM audit_entries WHERE number > 7")
    assert findings(noted)[1] == "Rows 8 to 10 were removed at the end: somebody wrote down row 10."


def test_lines_of_the_external_log_that_cannot_be_read_are_said_so():
    with external_log.path().open("ab") as file:
        file.write(b"10 \xff\xff\nnothing\n")

    assert findings() == ("2 lines of the external hash log cannot be read.",)


def test_a_row_whose_logged_hash_was_lost_in_a_crash_is_no_finding():
    lines = external_log.path().read_text().splitlines(keepends=True)
    external_log.path().write_text("".join(lines[:-1]))

    assert findings() == ()
    assert verify().logged == 9


def test_rows_that_are_added_meanwhile_are_no_finding(monkeypatch: pytest.MonkeyPatch):
    present = list(audit.in_order())

    def then_more() -> Iterator[RowMapping]:
        yield from present
        append(2)

    monkeypatch.setattr(audit, "in_order", then_more)

    assert findings() == ()
    assert verify(Head(10, present[-1]["hash"])).head == Head(10, present[-1]["hash"])


def test_lines_of_the_external_log_may_come_in_any_order_and_twice():
    lines = external_log.path().read_text().splitlines(keepends=True)
    external_log.path().write_text("".join([*reversed(lines), lines[0], *lines[2:4]]))

    assert findings() == ()
    assert verify().logged == 10


def test_a_row_with_the_right_hash_and_another_one_in_the_log_is_found():
    external_log.write([Head(3, "0" * 64)])

    assert findings() == ("Row 3 was replaced: the external hash log names another hash.",)
    assert not fits_external_log()


def test_a_log_fits_the_trail_whose_rows_it_names():
    assert fits_external_log()
    external_log.write([Head(11, "0" * 64)])
    assert not fits_external_log()
    external_log.path().unlink()
    assert not fits_external_log()
    external_log.path().write_text("nothing\n")
    assert not fits_external_log()


def test_a_new_installation_has_neither_rows_nor_findings(app: Flask):
    tamper("DELETE FROM audit_entries")
    external_log.path().unlink()

    assert verify().head is None
    assert findings() == ()
