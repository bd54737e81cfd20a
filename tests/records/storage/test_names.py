import re
from pathlib import Path

import pytest

from records.storage.names import place_of

MADE = re.compile(r"[0-9a-f]{4}\.png")


def test_a_name_lies_in_the_folder_of_its_first_two_digits():
    assert place_of("0a1b.png", MADE, Path("images")) == Path("images/0a/0a1b.png")


@pytest.mark.parametrize("name", ["", "0a1b", "0a1b.png/x", "x/0a1b.png", "../a.png", "0a1b.png\n"])
def test_a_name_that_was_not_made_there_is_refused(name: str):
    with pytest.raises(ValueError, match="not a name of the store images"):
        place_of(name, MADE, Path("images"))
