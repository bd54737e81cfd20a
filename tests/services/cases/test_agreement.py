import pytest
from sklearn.metrics import cohen_kappa_score

from services.cases.agreement import agreement, cohens_kappa
from services.cases.snapshot import Disagreement
from tests.reports import cell

PAIRS = [
    *[("blast", "blast")] * 20,
    *[("blast", "lymphocyte")] * 5,
    *[("lymphocyte", "blast")] * 10,
    *[("lymphocyte", "lymphocyte")] * 15,
]


def test_kappa_is_that_of_a_known_example():
    """Agreement 0.7, by chance 0.5: kappa 0.4."""
    assert cohens_kappa(PAIRS) == pytest.approx(0.4)


@pytest.mark.parametrize(
    "pairs", [PAIRS, PAIRS[:26], [*PAIRS, ("monocyte", "other")], PAIRS[20:35]]
)
def test_kappa_is_that_of_scikit_learn(pairs):
    assert cohens_kappa(pairs) == pytest.approx(cohen_kappa_score(*zip(*pairs, strict=True)))


@pytest.mark.parametrize("pairs", [[], [("blast", "blast")] * 3])
def test_kappa_is_not_defined_where_chance_explains_all(pairs):
    assert cohens_kappa(pairs) is None


def test_only_cells_that_each_named_count_but_every_difference_is_listed():
    first = [
        cell(0, "blast"),
        cell(1, "blast"),
        cell(2, "monocyte", seen=False),
        cell("d1", "other"),
    ]
    second = [cell("d2", "smudge"), cell(0, "blast"), cell(1, "lymphocyte"), cell(2, "blast")]
    by_first, by_second = ({cell(n).id for n in each} for each in ((0, 1, "d1"), ("d2", 0, 1, 2)))
    found = agreement(first, second, by_first, by_second)

    assert found.cells == 2
    assert found.kappa == pytest.approx(0.0)
    assert found.disagreements == (
        Disagreement(cell="1.d2", first=None, second="smudge"),
        Disagreement(cell="1.2", first="blast", second="lymphocyte"),
        Disagreement(cell="1.3", first="monocyte", second="blast"),
        Disagreement(cell="1.d1", first="other", second=None),
    )
