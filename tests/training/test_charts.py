from xml.etree import ElementTree

import numpy as np
import pytest

from training.charts import (
    confusion_chart,
    reliability_chart,
    roc_chart,
    subject_chart,
    training_curves,
)

BLASTS = np.arange(40) % 2 == 0
JUDGED = (np.where(BLASTS, 0.8, 0.3), BLASTS)
SETS = {"on black": JUDGED, "crops": JUDGED}
METRICS = """step,stage,size,loss,val_auroc_black,val_auroc_crops,seconds
100,learn,128,0.7,0.6,0.65,9
200,learn,128,0.6,0.7,0.75,19
300,finish,300,0.5,0.8,0.85,99
"""


def draw_training(out):
    metrics = out.with_suffix(".csv")
    metrics.write_text(METRICS)
    training_curves(metrics, out)


CHARTS = {
    "training": (draw_training, ("training loss", "cells on black", "300 px")),
    "roc": (lambda out: roc_chart(SETS, out), ("on black: 1.000", "sensitivity")),
    "reliability": (lambda out: reliability_chart(SETS, out), ("crops", "share of blasts")),
    "confusion": (
        lambda out: confusion_chart({"one": np.array([[17, 3], [1, 19]])}, ("a", "b"), out),
        ("one", "17", "19"),
    ),
    "subjects": (
        lambda out: subject_chart({"H1": (np.full(5, 0.2), np.zeros(5, bool))}, (0.4, 0.6), out),
        ("subject H1: 5 normal cells",),
    ),
}


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_says_what_it_shows_and_is_the_same_every_time(name, tmp_path):
    draw, words = CHARTS[name]
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        draw(tmp_path / folder / "chart.svg")
    first = (tmp_path / "one" / "chart.svg").read_bytes()
    assert first == (tmp_path / "two" / "chart.svg").read_bytes()
    text = " ".join(ElementTree.fromstring(first).itertext())
    for word in words:
        assert word in text


def test_curves_of_a_run_that_has_not_validated_yet(tmp_path):
    metrics = tmp_path / "metrics.csv"
    metrics.write_text(METRICS.splitlines()[0] + "\n")
    training_curves(metrics, tmp_path / "curves.svg")
    assert (tmp_path / "curves.svg").is_file()
