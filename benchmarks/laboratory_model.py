"""Time a laboratory model: naming a cell and reading a field with it, loading and fitting it."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from benchmarks.fields import camera_field
from benchmarks.memory import memory_mib
from benchmarks.timing import Way, median_milliseconds, report
from core.taxonomy import CLASS_OF_KIND
from models.classifier.opinion import VIEW, white_cells, windows_of
from models.laboratory.adapted import AdaptedClassifier, LaboratoryHead
from models.laboratory.embedder import EMBEDDER, Embedder
from models.laboratory.head import Head, Samples, fit
from models.laboratory.head_file import to_bytes
from models.laboratory.kinds import KIND_CLASSES, KINDS, KindSamples, KindsHead, fit_kinds
from models.laboratory.kinds_proof import prove_kinds
from models.laboratory.proof import learning_curve, prove
from models.registry import Models, load_models
from models.versions import active_folder

WEIGHTS = Path("weights")
FEATURES = 1280
CELLS, PATIENTS = 2000, 20


def main() -> None:
    """Print all figures."""
    models = load_models(WEIGHTS)
    start, before = time.perf_counter(), memory_mib()
    embedder = Embedder.load(active_folder(WEIGHTS, EMBEDDER))
    print(
        f"\nLoading the network of the features: {time.perf_counter() - start:.2f} s, "
        f"{memory_mib() - before:.0f} MB"
    )
    reading(models, embedder)
    fitting()


def reading(models: Models, embedder: Embedder) -> None:
    """Compare naming the cells of a camera's field with a head and without one."""
    rgb = camera_field()
    boxes = [cell.box for cell in white_cells(models.find_cells(rgb))]
    windows = windows_of(rgb, boxes)
    adapted = AdaptedClassifier(models.classifier, embedder, _laboratory_head())
    ways: dict[str, Way] = {
        "networks as shipped": lambda: models.classifier.opinions(windows, VIEW),
        "with a laboratory model": lambda: adapted.opinions(windows, VIEW),
    }
    times = median_milliseconds(ways, rounds=7)
    per_cell = {name: value / len(boxes) for name, value in times.items()}
    report(f"Naming a cell, {len(boxes)} of a camera's field", per_cell, "ms")
    finding = median_milliseconds({"finding": lambda: models.find_cells(rgb)}, rounds=5)["finding"]
    whole = {name: finding + value for name, value in times.items()}
    report("The whole field, found and named", whole, "ms")
    kept = to_bytes(_laboratory_head())
    print(f"A model as it is kept: {len(kept) / 1024:.0f} kB")


def fitting() -> None:
    """Time fitting and proving on random features, the sizes of a real laboratory's."""
    rng = np.random.default_rng(0)
    positive = rng.random(CELLS) < 0.4
    features = rng.normal(size=(CELLS, FEATURES))
    features[:, :20] += 0.5 * positive[:, None]
    base = np.clip(0.3 + 0.4 * positive + rng.normal(0, 0.2, CELLS), 0.01, 0.99)
    patients = rng.integers(PATIENTS, size=CELLS)
    samples = Samples(base, features.astype(np.float16), positive, patients)
    kinds = _kinds(samples)
    for name, act in {
        "fitting": lambda: (fit(samples), fit_kinds(kinds)),
        "fitting and proving": lambda: (prove(samples, 0.5), prove_kinds(kinds)),
        "the learning curve": lambda: learning_curve(samples),
    }.items():
        start = time.perf_counter()
        act()
        print(f"{CELLS} cells of {PATIENTS} patients, {name}: {time.perf_counter() - start:.1f} s")


def _kinds(samples: Samples) -> KindSamples:
    """Make all cells that are no blasts kinds in turn, which the base tells half of the time."""
    rng = np.random.default_rng(1)
    others = samples.of(~samples.positive)
    right = np.arange(len(others)) % len(KIND_CLASSES)
    features = others.features.copy()
    features[:, : len(KIND_CLASSES)] += np.eye(len(KIND_CLASSES))[right]
    labels = np.array(KIND_CLASSES)[right]
    logits = rng.normal(size=(len(others), len(KINDS)))
    classes = np.array([CLASS_OF_KIND[kind] for kind in KINDS])
    shares = np.exp(logits + 2 * (labels[:, None] == classes))
    shares /= shares.sum(axis=1, keepdims=True)
    return KindSamples(shares, features, labels, others.groups)


def _laboratory_head() -> LaboratoryHead:
    rng = np.random.default_rng(2)
    weights = rng.normal(0, 0.01, (len(KIND_CLASSES), FEATURES))
    nothing = np.zeros(FEATURES)
    kinds = KindsHead(KIND_CLASSES, 1.0, np.zeros(len(KIND_CLASSES)), weights, nothing, nothing + 1)
    return LaboratoryHead("1", {VIEW: _head()}, kinds=kinds)


def _head() -> Head:
    rng = np.random.default_rng(0)
    weights, mean = rng.normal(0, 0.01, (2, FEATURES))
    return Head(1.0, 0.0, weights, mean, np.ones(FEATURES))


if __name__ == "__main__":
    main()
