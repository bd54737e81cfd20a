from types import SimpleNamespace

from services.analyses.duplicates import read_again


def test_a_file_is_read_again_when_it_was_read_the_same_way_before():
    first, cell, again, third = (
        SimpleNamespace(kind=kind, sha256="a") for kind in ("field", "cell", "field", "field")
    )
    other = SimpleNamespace(kind="field", sha256="b")
    assert read_again([first, cell, other, again, third]) == [again, third]
    assert read_again([]) == []
