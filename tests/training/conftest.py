from pathlib import Path

import pytest

from tests.training.drawn import draw_sets


@pytest.fixture(scope="session")
def drawn_sets(tmp_path_factory) -> Path:
    """The four image sets in miniature, drawn; not to be changed."""
    return draw_sets(tmp_path_factory.mktemp("sets"))
