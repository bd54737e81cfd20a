from __future__ import annotations

from pathlib import Path

from training.phases import note_of, phase, phase_list, with_phase

TRAIN = phase("train", "train it", {"steps": 3, "seed": 1})
QUANTIZE = phase("quantize", "quantize it", {})
CALIBRATE = phase("calibrate", "calibrate it", {"cells": 40})
EVALUATE = phase("evaluate", "evaluate it", {"samples": 5}, "On 3 fields.")


def test_options_are_told_without_paths_and_what_is_not_given():
    given = {"out": Path("/tmp/x"), "folds": (0, 1), "note": "", "minutes": None, "bf16": False}
    assert phase("train", "train it", given)["options"] == {"folds": (0, 1), "bf16": False}


def test_paths_in_a_list_are_left_out_as_well():
    assert phase("train", "train it", {"files": [Path("/tmp/x")]})["options"] == {}


def test_a_phase_is_added_behind_those_that_it_rests_upon():
    assert with_phase([TRAIN], QUANTIZE) == [TRAIN, QUANTIZE]


def test_a_phase_that_is_run_again_takes_away_what_rested_upon_it():
    done = [TRAIN, QUANTIZE, CALIBRATE, EVALUATE]
    assert with_phase(done, CALIBRATE) == [TRAIN, QUANTIZE, CALIBRATE]
    assert with_phase([TRAIN, CALIBRATE, EVALUATE], QUANTIZE) == [TRAIN, QUANTIZE]


def test_the_list_has_a_line_a_phase():
    assert phase_list([TRAIN, QUANTIZE, EVALUATE]).splitlines() == [
        "1. Train (`train it`): steps 3, seed 1",
        "2. Quantize (`quantize it`)",
        "3. Evaluate (`evaluate it`): samples 5. On 3 fields.",
    ]


def test_the_note_of_a_phase():
    assert note_of([TRAIN, EVALUATE], "evaluate") == "On 3 fields."
    assert note_of([TRAIN], "evaluate") == ""
