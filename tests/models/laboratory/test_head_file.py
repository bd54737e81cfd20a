"""A head survives being kept, and nothing else is taken for one."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest

from models.classifier.cell_views import View
from models.laboratory.adapted import LaboratoryHead
from models.laboratory.head import Head
from models.laboratory.head_file import WITHOUT_KINDS, HeadFileError, from_bytes, to_bytes
from models.laboratory.kinds import KINDS, KindsHead


def head(seed: int) -> Head:
    rng = np.random.default_rng(seed)
    weights, mean, scale = rng.normal(size=(3, 8))
    return Head(1.2, -0.3, weights, mean, np.abs(scale) + 0.1, threshold=0.4, lower=0.2)


@pytest.mark.parametrize("smudge", [None, head(1)])
def test_a_head_answers_alike_once_it_was_kept(smudge: Head | None):
    before = LaboratoryHead("3", {View.CONTEXT: head(0)}, smudge)
    after = from_bytes(to_bytes(before))
    assert (after.version, list(after.blast)) == ("3", [View.CONTEXT])
    base, features = np.array([0.1, 0.8]), np.random.default_rng(2).normal(size=(2, 8))
    for one, other in ((before.blast, after.blast), ({"": smudge}, {"": after.smudge})):
        for key, part in one.items():
            kept = other[key]
            if part is None:
                assert kept is None
                continue
            assert (kept.threshold, kept.lower) == (part.threshold, part.lower)
            np.testing.assert_array_equal(
                kept.probabilities(base, features), part.probabilities(base, features)
            )


def test_a_head_of_kinds_is_kept_with_it():
    rng = np.random.default_rng(3)
    mean, scale = rng.normal(size=(2, 8))
    made = KindsHead(
        ("monocyte", "basophil"), 0.9, rng.normal(size=2), rng.normal(size=(2, 8)), mean, scale
    )
    kept = from_bytes(to_bytes(LaboratoryHead("3", {View.CONTEXT: head(0)}, kinds=made))).kinds
    base, features = rng.random((4, len(KINDS))), rng.normal(size=(4, 8))
    np.testing.assert_array_equal(kept.corrected(base, features), made.corrected(base, features))
    assert from_bytes(to_bytes(LaboratoryHead("3"))).kinds is None


def rewritten(content: bytes, **changes: object) -> bytes:
    """Change what an archive says about itself."""
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        arrays = dict(file)
    about = {**json.loads(str(arrays["about"])), **changes}
    arrays["about"] = np.array(json.dumps(about))
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def test_a_head_of_the_former_format_is_read():
    former = rewritten(to_bytes(LaboratoryHead("3", {View.CONTEXT: head(0)})), format=WITHOUT_KINDS)
    read = from_bytes(former)
    assert (read.version, list(read.blast), read.kinds) == ("3", [View.CONTEXT], None)


def test_a_head_of_classes_that_nobody_knows_is_refused():
    with pytest.raises(HeadFileError, match="unheard_of"):
        from_bytes(rewritten(to_bytes(LaboratoryHead("3")), kinds=["unheard_of"]))


def another_format() -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, about=np.array('{"format": "another.1", "version": "1", "parts": []}'))
    return buffer.getvalue()


def pickled() -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, about=np.array([{"format": "leukoscope.head.1"}], dtype=object))
    return buffer.getvalue()


@pytest.mark.parametrize(
    "content",
    [b"", b"not an archive", to_bytes(LaboratoryHead("1"))[:80], another_format(), pickled()],
    ids=["empty", "text", "cut off", "another format", "pickled"],
)
def test_what_is_no_head_is_refused(content: bytes):
    with pytest.raises(HeadFileError):
        from_bytes(content)


def test_a_part_that_is_named_and_missing_is_refused():
    buffer = io.BytesIO()
    about = '{"format": "leukoscope.head.1", "version": "1", "parts": ["smudge"]}'
    np.savez(buffer, about=np.array(about))
    with pytest.raises(HeadFileError):
        from_bytes(buffer.getvalue())
