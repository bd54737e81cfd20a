"""The two networks on real fields, with stand-ins that are right and wrong."""

from __future__ import annotations

import pytest

from models.findings import Detection, FieldFindings, Namer
from training.cells import fields
from training.cells.fields import ENLARGED, Options, _estimates, _named, _snam
from training.commands import parse

WHITE_BOX = (30.0, 30.0, 60.0, 60.0)


class Says:
    """Models that find these cells in every field."""

    def __init__(self, *cells: Detection) -> None:
        self.cells = cells

    def read_field(self, rgb) -> FieldFindings:
        height, width = rgb.shape[:2]
        return FieldFindings(width, height, self.cells, "d-1", named_by=Namer.CLASSIFIER)


def named(label: str, box=WHITE_BOX, opinion: str = "normal") -> Detection:
    return Detection(box, label, 0.9, 0.5, 0.95, 0.5, opinion)


@pytest.fixture
def field(cell_sets):
    return next((cell_sets / "snam" / "images").iterdir())


def test_blasts_are_found_and_called(field):
    other = (100.0, 100.0, 130.0, 130.0)
    cells = [(True, WHITE_BOX), (True, other), (False, (200.0, 30.0, 230.0, 60.0))]
    models = Says(named("blast", opinion="all_blast"), named("wbc", other, "uncertain"))
    seen = _named(models, field, 1, cells)
    assert (seen.blasts, seen.uncertain) == (("blast", "wbc"), 1)
    assert seen.false_blasts == 0


def test_a_blast_beside_every_true_one_is_false(field):
    seen = _named(Says(named("blast")), field, 1, [(True, (200.0, 30.0, 230.0, 60.0))])
    assert (seen.blasts, seen.false_blasts) == ((None,), 1)
    assert _named(Says(named("blast")), field, 1, [(False, WHITE_BOX)]).false_blasts == 1
    assert _named(Says(), field, 1, [(True, WHITE_BOX)]).blasts == (None,)


def test_shares_are_of_all_blasts_and_false_ones_a_field(field):
    right = _named(Says(named("blast")), field, 1, [(True, WHITE_BOX)])
    missed = _named(Says(), field, 1, [(True, WHITE_BOX)])
    wrong = _named(Says(named("blast")), field, 1, [(False, WHITE_BOX)])
    with_blasts, without = _estimates([right, missed], [wrong, wrong, missed], 5).values()
    assert with_blasts["blasts called blast"].value == 0.5
    assert with_blasts["blasts found"].value == 0.5
    assert without["boxes called blast, a field"].value == pytest.approx(2 / 3)


def test_boxes_of_snam_are_enlarged_with_its_fields_and_smudges_left_out(cell_sets):
    ((path, enlarged, cells),) = _snam(cell_sets)
    assert (path.name, enlarged) == ("ALL_1.png", ENLARGED)
    assert [is_blast for is_blast, _ in cells] == [True, False]
    x1, _, x2, _ = cells[0][1]
    assert x2 - x1 == pytest.approx(ENLARGED * 0.16 * 363)


def test_the_command_prints_both_sets(cell_sets, monkeypatch, capsys):
    models = Says(named("wbc"))
    models.detector = models.classifier = type("Net", (), {"version": "v-1"})
    monkeypatch.setattr(fields, "load_models", lambda weights: models)
    fields.run(parse(Options, ["--data", str(cell_sets), "--samples", "2"]))
    printed = capsys.readouterr().out
    assert "detector v-1, classifier v-1" in printed
    assert "SN-AM, 1 fields of B-ALL, 1 blasts" in printed
    assert "TXL-PBC test" in printed
