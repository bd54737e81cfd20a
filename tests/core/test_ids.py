import re

from core.ids import new_id


def test_identifiers_are_random_and_fit_their_columns():
    made = {new_id() for _ in range(1000)}
    assert len(made) == 1000
    assert all(re.fullmatch(r"[0-9a-f]{32}", one) for one in made)
