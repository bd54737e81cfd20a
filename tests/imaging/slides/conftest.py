from pathlib import Path

import pytest

from tests.slide_files import APERIO, write_slide


@pytest.fixture(scope="session")
def slides(tmp_path_factory) -> dict[str, Path]:
    """The same slide of 7,168 px in each way of writing it, in a folder of its own."""
    made = {}
    for name, suffix, options in (
        ("plain", "tif", {}),
        ("nested", "ome.tif", {"nested": True}),
        ("aperio", "svs", {"description": APERIO}),
    ):
        folder = tmp_path_factory.mktemp(name)
        made[name] = write_slide(folder / f"slide.{suffix}", **options)
    return made
