from training.classifier.data import CellSource
from training.classifier.validation import limit_per_subject


def test_at_most_so_many_of_each_subject_or_kind():
    def cells(kind, subject, count):
        return [CellSource(None, None, 0, kind, subject)] * count

    chosen = limit_per_subject(cells("hem", "A", 5) + cells("hem", "B", 1) + cells("txl", "", 4), 2)
    names = sorted(source.subject or source.kind for source in chosen)
    assert names == ["A", "A", "B", "txl", "txl"]
