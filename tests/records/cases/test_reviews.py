import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from records import db
from records.accounts.accounts import new_id
from records.analyses.analyses import Analysis, AnalysisKind
from records.cases import reviews
from records.cases.cases import Case
from records.cases.on_cell import any_of_analysis
from records.cases.reviews import Review
from tests.records.analyses.test_analyses import account, kept
from tests.records.cases.test_cases import opened


@pytest.fixture(autouse=True)
def _in_the_application(app):
    with app.app_context():
        yield


@pytest.fixture
def ada() -> str:
    return account("ada")


@pytest.fixture
def case(ada: str) -> Case:
    return opened(ada)


@pytest.fixture
def field(ada: str, case: Case) -> Analysis:
    return kept(ada, kind=AnalysisKind.DETECTION, case_id=case.id)


def sentence(field: Analysis, label: str, cell: str = "0", **values: object) -> Review:
    """Keep a review of one of the field's cells."""
    given = {"key": new_id(), "reviewer_id": field.owner_id, "label_before": "unclassified"}
    review = Review(
        case_id=field.case_id,
        analysis_id=field.id,
        cell=cell,
        label=label,
        **(given | values),
    )
    reviews.add([review])
    db.session.commit()
    return review


def test_reviews_are_given_back_in_their_order(case: Case, field: Analysis):
    first, second = sentence(field, "blast"), sentence(field, "monocyte", "1")
    third = sentence(field, "lymphocyte")
    assert reviews.of_case(case.id) == [first, second, third]
    assert reviews.of_cell(case.id, f"{field.id}.0") == [first, third]
    assert first.cell_id == f"{field.id}.0"
    assert first.reviewer.name == "ada"
    assert any_of_analysis(field.id, Review)
    assert not any_of_analysis("0" * 32, Review)


def test_what_is_kept_already_is_known_by_its_key(field: Analysis):
    review = sentence(field, "blast")
    assert reviews.with_keys([review.key, new_id()]) == {review.key: review}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE reviews SET label = 'other'",
        "DELETE FROM reviews",
        pytest.param(
            "INSERT OR REPLACE INTO reviews (id, key, case_id, analysis_id, cell, label, "
            "reviewer_id, at) "
            "SELECT 99, key, case_id, analysis_id, cell, 'other', reviewer_id, at FROM reviews",
            marks=pytest.mark.sqlite_only("a statement of SQLite"),
        ),
        *(
            pytest.param(statement, marks=pytest.mark.postgres_only("a statement of PostgreSQL"))
            for statement in (
                "TRUNCATE reviews",
                "INSERT INTO reviews (key, case_id, analysis_id, cell, label, reviewer_id, at) "
                "SELECT key, case_id, analysis_id, cell, 'other', reviewer_id, at FROM reviews "
                "ON CONFLICT (key) DO UPDATE SET label = 'other'",
            )
        ),
    ],
)
def test_the_database_lets_nobody_change_a_review(field: Analysis, statement: str):
    sentence(field, "blast")
    with pytest.raises(IntegrityError, match="append-only"):
        db.session.execute(text(statement))


@pytest.mark.parametrize("values", [{"label": "cat"}, {"label": "blast", "cell": None}])
def test_no_other_labels_are_kept(field: Analysis, values: dict):
    with pytest.raises(IntegrityError):
        sentence(field, **values)


def test_what_was_reviewed_cannot_be_deleted(field: Analysis):
    sentence(field, "blast")
    with pytest.raises(IntegrityError):
        db.session.execute(text("DELETE FROM analyses"))
