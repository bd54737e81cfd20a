"""Figures of trained folds, printed and recorded without publishing."""

from __future__ import annotations

import pytest

from training.cells import measure
from training.commands import parse
from training.data import DataError


def measured(folder, *more: str) -> None:
    places = ["--pack", str(folder / "pack.npz"), "--folder", str(folder), "--samples", "3"]
    measure.run(parse(measure.Options, [*places, *more]))


def test_the_figures_of_the_folds_are_printed_and_recorded(trained, tmp_path, capsys):
    document = tmp_path / "validation.md"
    document.write_text(
        "# Validation\n\n<!-- folds:begin -->\nearlier figures\n<!-- folds:end -->\n\nEnd.\n"
    )
    measured(trained, "--document", str(document), "--record")
    printed = capsys.readouterr().out
    recorded = document.read_text()
    assert "folds 0: EfficientNet-Lite0, 4 steps" in printed
    assert "| C-NMC, subjects held out by fold 0:" in printed
    assert printed.strip() in recorded
    assert "earlier" not in recorded
    assert recorded.endswith("End.\n")


def test_nothing_is_recorded_unless_asked(trained, tmp_path):
    document = tmp_path / "validation.md"
    measured(trained, "--document", str(document))
    assert not document.exists()


def test_folds_that_were_not_predicted_are_refused(trained, pack, tmp_path):
    pack.save(tmp_path / "pack.npz")
    with pytest.raises(DataError, match="cells predict"):
        measured(tmp_path)
