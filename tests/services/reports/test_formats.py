import pytest

from services.cases.cases import CaseError
from services.reports import formats
from tests.cases import open_case
from tests.people import account_named


def test_a_demo_has_no_report(app, signed_in, tmp_path):
    with app.app_context():
        ada = account_named("ada").id
        with pytest.raises(CaseError):
            formats.contents_of(open_case(ada, demo=True), tmp_path, None, ada)
