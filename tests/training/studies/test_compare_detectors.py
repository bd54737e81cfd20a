"""A tiny comparison of detectors, from drawn images to tables and bars."""

from pathlib import Path

import numpy as np
import pytest

from core.average_precision import Matches
from training.__main__ import main
from training.commands import parse
from training.detector.evaluation import Reading
from training.studies import compare_detectors, compare_detectors_report
from training.studies.compare_detectors import CANDIDATES, Candidate, Options, options_of
from training.studies.compare_detectors_report import comparison_table, rows_of
from training.synthesis.composites import COUNTS, make_composites

QUIET = pytest.mark.filterwarnings(
    "ignore::FutureWarning",
    "ignore::DeprecationWarning",
    "ignore::torch.jit.TracerWarning",
)
pytestmark = QUIET


def tiny_budget(place: Path, data: Path) -> list[str]:
    """Options of a comparison of trainings that ends in seconds, kept below `place`."""
    places = ["--data", data, "--composites", place / "composites"]
    places += ["--cutouts", place / "cache", "--out", place / "run"]
    return [*map(str, places), "--imgsz", "64", "--batch", "4", "--samples", "5"]


@pytest.fixture(scope="module")
def place(tmp_path_factory, drawn_sets):
    folder = tmp_path_factory.mktemp("detectors")
    (folder / "docs").mkdir()
    for split in ("train", "val"):
        make_composites(drawn_sets, folder / "composites", folder / "cache", split, 2, 1, 1)
    return folder


@pytest.fixture(scope="module")
def command(place, drawn_sets):
    def run(*words: str) -> int:
        names = ["--only", "YOLOv5n", "YOLOv8s"]
        return main(["compare-detectors", *tiny_budget(place, drawn_sets), *names, *words])

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(COUNTS, "test", 2)
        patch.setitem(CANDIDATES, "YOLOv5n", Candidate(Path("yolov5n.yaml")))
        patch.setitem(CANDIDATES, "YOLOv8s", Candidate(Path("yolov8n.yaml"), served=False))
        patch.setitem(compare_detectors._PROOF, "imgsz", 64)
        patch.setattr(compare_detectors, "_PROOF_SHARE", 0.5)
        patch.setattr(compare_detectors, "PROJECT", place)
        patch.setattr(compare_detectors_report, "_TIMED_RUNS", 2)
        yield run


def test_the_command_trains_once_measures_and_records(command, place, capsys):
    assert command() == 0
    trained = (place / "run" / "YOLOv5n" / "weights" / "last.pt").stat().st_mtime_ns
    capsys.readouterr()
    assert command("--record") == 0
    printed = capsys.readouterr().out
    assert (place / "run" / "YOLOv5n" / "weights" / "last.pt").stat().st_mtime_ns == trained
    assert "| composites of held-out subjects | blasts | YOLOv5n |" in printed
    assert "| TXL-PBC test | platelets | YOLOv5n |" in printed
    assert "not served" in next(line for line in printed.splitlines() if "| YOLOv8s |" in line)
    recorded = (place / "docs" / "studies.md").read_text()
    assert "| YOLOv5n | 2." in recorded, "its parameters"
    assert "YOLOv5n" in (place / "docs" / "charts" / "compare-detectors.svg").read_text()


def test_what_is_only_proven_to_run_has_a_short_epoch_of_small_images():
    options = parse(Options, ["--epochs", "3", "--imgsz", "512"])
    served, proven = options_of("YOLOv8n", options), options_of("YOLOv5x6", options)
    assert (served.epochs, served.imgsz) == (3, 512)
    assert (proven.epochs, proven.batch) == (1, 4)
    assert proven.imgsz < 512
    assert served.out != proven.out
    assert str(proven.init) == "yolov5x-p6.yaml"


def matches(correct: list[bool], to_find: int) -> Matches:
    confidences = np.linspace(0.9, 0.5, len(correct))
    return Matches(confidences, np.repeat(np.array(correct)[:, None], 10, axis=1), to_find)


def test_the_mean_is_that_of_the_classes():
    found = {"blast": matches([True, True], 2), "wbc": matches([True, False], 2)}
    rows = rows_of("YOLOv8n", "composites", [Reading(found, found, {})], 5)
    by_class = {row.group: row.metrics for row in rows}
    assert by_class["blasts"]["recall"].value == 1
    assert by_class["other white cells"]["recall"].value == 0.5
    assert by_class["mean"]["recall"].value == 0.75
    assert by_class["mean"]["map50"].value == pytest.approx(
        (by_class["blasts"]["map50"].value + by_class["other white cells"]["map50"].value) / 2
    )
    assert comparison_table(rows).count("YOLOv8n") == 3
