from pathlib import Path

import pytest
from flask.testing import FlaskClient

from tests.slide_files import write_slide
from tests.slide_uploads import upload_slide


@pytest.fixture(scope="session")
def slide_file(tmp_path_factory) -> Path:
    """A slide of 7,168 x 3,072 px."""
    return write_slide(tmp_path_factory.mktemp("slide") / "smear.tif", height=3072)


@pytest.fixture
def slide(signed_in: FlaskClient, slide_file: Path) -> str:
    """The address of ada's slide."""
    return upload_slide(signed_in, slide_file)
