from types import SimpleNamespace

from services.cases.duplicates import duplicates_of


def test_a_file_that_was_analysed_the_same_way_before_is_a_duplicate():
    first, cell, again, third = (
        SimpleNamespace(kind=kind, sha256="a") for kind in ("field", "cell", "field", "field")
    )
    other = SimpleNamespace(kind="field", sha256="b")
    assert duplicates_of([first, cell, other, again, third]) == [again, third]
    assert duplicates_of([]) == []
