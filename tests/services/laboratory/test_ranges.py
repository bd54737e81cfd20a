import pytest

from services.laboratory.ranges import ADULTS, CLASSES, Position, position_of


@pytest.mark.parametrize(
    ("percentage", "code", "position"),
    [
        (0, "blast", Position.WITHIN),
        (0.5, "blast", Position.HIGH),
        (39.9, "neutrophil", Position.LOW),
        (40, "neutrophil", Position.WITHIN),
        (80, "neutrophil", Position.WITHIN),
        (80.1, "neutrophil", Position.HIGH),
        (0, "basophil", Position.WITHIN),
        (99, "other", Position.WITHIN),
    ],
)
def test_where_a_share_lies(percentage: float, code: str, position: Position):
    assert position_of(percentage, code, ADULTS) == position


def test_the_proposed_ranges_are_of_classes_that_take_one():
    assert set(ADULTS) <= set(CLASSES)
