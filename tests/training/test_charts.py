from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest

from training.charts import (
    Curve,
    Row,
    compared_training,
    confusion_chart,
    confusion_matrices,
    metric_bars,
    reliability_chart,
    roc_curves,
    subject_chart,
    training_curves,
)
from training.metrics.estimates import Estimate

BLASTS = np.arange(40) % 2 == 0
SCORED = (np.where(BLASTS, 0.8, 0.3), BLASTS)
SETS = {"on black": SCORED, "crops": SCORED}
METRICS = """step,stage,size,loss,val_auroc_black,val_auroc_crops,seconds
100,learn,128,0.7,0.6,0.65,9
200,learn,128,0.6,0.7,0.75,19
300,finish,300,0.5,0.8,0.85,99
"""


def measure(value):
    return Estimate(value, value - 0.05, value + 0.05)


def row(architecture, protocol, value, confusion):
    metrics = dict.fromkeys(("accuracy", "precision", "recall", "f1"), measure(value))
    return Row(architecture, protocol, metrics, np.array(confusion))


ROWS = [
    row("VGG16", "random", 0.91, [[90, 11], [9, 112]]),
    row("VGG16", "subjects", 0.62, [[61, 39], [37, 63]]),
    row("Xception", "subjects", 0.73, [[71, 29], [27, 73]]),
]
CURVE = Curve(
    name="VGG16",
    fpr=np.array([0, 0.2, 1]),
    tpr=np.array([0, 0.9, 1]),
    auroc=measure(0.85),
    low=np.array([0, 0.8, 1]),
    high=np.array([0.1, 0.95, 1]),
)


def metrics_of(out):
    metrics = out.with_suffix(".csv")
    metrics.write_text(METRICS)
    return metrics


CHARTS = {
    "training": (
        lambda out: training_curves(metrics_of(out), out),
        ("training loss", "black", "crops", "300 px"),
    ),
    "trainings": (
        lambda out: compared_training({"VGG16": metrics_of(out), "B3": metrics_of(out)}, out),
        ("training loss", "VGG16", "B3"),
    ),
    "metrics": (
        lambda out: metric_bars(ROWS, out),
        ("F1", "recall (sensitivity)", "Xception", "0.91", "0.62", "held-out subjects"),
    ),
    "matrices": (
        lambda out: confusion_matrices(ROWS, out),
        ("Xception", "images split at random", "112", "called"),
    ),
    "curves": (
        lambda out: roc_curves([CURVE, replace(CURVE, panel="crops")], out),
        ("VGG16: 0.850 (0.800 to 0.900)", "crops"),
    ),
    "reliability": (
        lambda out: reliability_chart(SETS, out),
        ("crops", "share of blasts", "cells"),
    ),
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


def texts(chart):
    """Return the words of an SVG file, in the order in which they are drawn."""
    return [text.strip() for text in ElementTree.parse(chart).getroot().itertext() if text.strip()]


def test_blasts_called_blasts_come_first_in_a_matrix(tmp_path):
    confusion_matrices(ROWS[:1], tmp_path / "matrix.svg")
    counts = [text for text in texts(tmp_path / "matrix.svg") if text.isdigit()]
    assert counts == ["112", "9", "11", "90"]


def test_what_has_no_accuracy_gets_no_bar(tmp_path):
    area = Row("area alone", "subjects", {"auroc": measure(0.8)})
    metric_bars([*ROWS, area], tmp_path / "bars.svg")
    assert "area alone" not in texts(tmp_path / "bars.svg")
    assert texts(tmp_path / "bars.svg").count("0.73") == 4


def test_whiskers_reach_as_far_as_the_interval(tmp_path):
    for name, margin in (("narrow", 0.01), ("wide", 0.2)):
        interval = Estimate(0.5, 0.5 - margin, 0.5 + margin)
        metrics = {**ROWS[0].metrics, "accuracy": interval}
        metric_bars([replace(ROWS[0], metrics=metrics)], tmp_path / f"{name}.svg")
    assert (tmp_path / "narrow.svg").read_text() != (tmp_path / "wide.svg").read_text()
