from services.reports.contents import shown_blasts, shown_others
from tests.reports import cell, snapshot


def shown(*cells) -> list[str]:
    return [one.name for one in shown_others(snapshot(cells=cells))]


def test_the_first_blasts_are_shown():
    cells = [cell(number, "blast" if number % 2 else "monocyte") for number in range(30)]
    assert [one.name for one in shown_blasts(snapshot(cells=cells))] == [
        f"1.{number}" for number in range(2, 18, 2)
    ]


def test_of_each_class_the_least_suspicious_cell_is_shown_frequent_classes_first():
    monocytes = [cell(number, "monocyte") for number in range(3)]
    others = [cell(3, "lymphocyte"), cell(4, "lymphocyte"), cell(5, "basophil"), cell(6)]
    assert shown(*monocytes, *others) == ["1.3", "1.5", "1.6", "1.2"]


def test_whole_cells_that_somebody_classified_go_before_others():
    cut, unseen = cell(2, "monocyte", at_edge=True), cell(3, "monocyte", seen=False)
    assert shown(cell(1, "monocyte"), cut, unseen) == ["1.2", "1.3", "1.4"]


def test_unclassified_cells_come_last_and_smudges_not_at_all():
    unclassified = [cell(number, "unclassified") for number in range(3)]
    assert shown(*unclassified, cell(3, "monocyte"), cell(4, "smudge"))[0] == "1.4"
    assert "1.5" not in shown(*unclassified, cell(3, "monocyte"), cell(4, "smudge"))
