import pytest

from services.laboratory.letterhead import ReferenceRange
from services.reports.formatting import format_range


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [(20, 40, "20–40"), (0.5, None, "≥ 0.5"), (None, 2, "≤ 2"), (0, 0, "0"), (None, None, "")],
)
def test_reference_ranges(low: float | None, high: float | None, text: str):
    assert format_range(ReferenceRange(low=low, high=high)) == text
