"""Reports of the cells as the models propose them."""

from __future__ import annotations

import csv
import io

from core.taxonomy import DIFFERENTIAL
from services.cases.snapshot import Tally
from services.reports.results import Counter, results_of
from services.reports.sections import differential, reading_note
from services.reports.text import as_csv
from tests.reports import signed, snapshot, tally

KINDS = tally(blast=1, neutrophil=2, unclassified=1, erythroblast=1, smudge=3)


def models_column(counted: Tally) -> dict[str, str]:
    lines = differential(signed(snapshot=snapshot(by_models=counted)))
    return {str(line.name): line.models for line in lines}


def test_the_column_of_the_models_adds_up_where_they_propose_kinds():
    column = models_column(KINDS)
    assert (column["Neutrophil"], column["Erythroblasts (NRBC)"]) == ("2", "1")
    names = list(column)
    white = [column[name] for name in names[: names.index("White cells")]]
    assert sum(int(count) for count in white if count != "–") == int(column["White cells"])


def test_what_no_model_proposed_is_no_zero():
    column = models_column(tally(blast=0, unclassified=4))
    assert (column["Blast"], column["Lymphocyte"], column["Not a cell"]) == ("0", "–", "–")
    rows = csv.DictReader(io.StringIO(as_csv(signed()).decode("utf-8-sig")))
    told = {row["what"]: row["value"] for row in rows}
    assert (told["smudge_by_models"], told["monocyte_by_models"]) == ("0", "")
    assert told["erythroblasts_per_100_by_models"] == ""


def test_programs_get_the_counts_of_the_column():
    of_models = {
        one.name: one.value
        for one in results_of(snapshot(by_models=KINDS))
        if one.by == Counter.MODELS
    }
    assert sum(of_models.get(label, 0) for label in DIFFERENTIAL) == KINDS.white
    assert (of_models["erythroblast"], of_models["nrbc-per-100-wbc"]) == (1, 25.0)
    assert "monocyte" not in of_models


def test_the_note_does_not_say_that_models_know_blasts_alone():
    assert "leave unclassified" not in reading_note(signed())
