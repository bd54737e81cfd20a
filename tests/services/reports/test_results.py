import pytest

from services.cases.snapshot import CaseSnapshot
from services.reports.results import format_result
from tests.reports import snapshot, tally

EMPTY = tally().model_copy(update={"white": 0, "share": None, "interval": None})


@pytest.mark.parametrize(
    ("case", "sentence"),
    [
        (snapshot(), "Blasts 50%: 2 of 4 white cells (95% CI 15% to 85%)."),
        (
            snapshot(by_reviewers=tally(lymphocyte=4)),
            "No blasts among 4 white cells (95% CI 0% to 49%).",
        ),
        (snapshot(by_reviewers=EMPTY), "No white cells."),
        (snapshot(reviewed=0), "No cells reviewed."),
        (
            snapshot(reviewed=1),
            "Reviewed so far: 2 blasts of 4 white cells. 1 of 4 cells reviewed.",
        ),
    ],
)
def test_the_result_in_one_sentence(case: CaseSnapshot, sentence: str):
    assert format_result(case) == sentence
