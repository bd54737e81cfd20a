from __future__ import annotations

import json
from collections.abc import Callable, Iterable

import numpy as np
import pytest
from PIL import Image, ImageDraw
from scipy import ndimage

from core.taxonomy import FIELD_CODES
from models.detector.detector import Detector, decode
from models.findings import FieldFindings
from models.manifest import WeightsError, load_manifest, sha256_of
from tests.networks import write_detector
from tests.stand_ins import drawn_field

GREY = (200, 200, 200)
RED = (180, 100, 100)
TRAINED = {"red_cell_low": 6.0, "red_cell_high": 40.0}


class SpotNetwork:
    """Finds dark discs, as a YOLOv8 head of four classes would report them.

    Black ones are white cells, others red cells; it knows them from `low` to `high` px only.
    """

    def __init__(self, low: float = 0, high: float = 1e9) -> None:
        self._low, self._high = low, high

    def run(self, batch: np.ndarray) -> dict[str, np.ndarray]:
        regions, _ = ndimage.label(batch[0].min(axis=0) < 0.42)
        columns = []
        for rows, cols in ndimage.find_objects(regions):
            cx, cy = (cols.start + cols.stop) / 2, (rows.start + rows.stop) / 2
            size = (cols.stop - cols.start, rows.stop - rows.start)
            black = batch[0, :, rows, cols].min() < 0.1
            scores = (0.1, 0.7, 0.1, 0.1) if black else (0.01, 0.01, 0.9, 0.01)
            if self._low <= max(size) <= self._high:
                columns.append([cx, cy, *size, *scores])
        head = np.array(columns, np.float32).reshape(-1, 8).T
        return {"head": head[None]}


class FixedNetwork:
    """Answers with boxes given as cx, cy, w, h and four scores."""

    def __init__(self, *rows: tuple[float, ...]) -> None:
        self._head = np.array(rows, np.float32).reshape(-1, 8).T[None]

    def run(self, batch: np.ndarray) -> dict[str, np.ndarray]:
        return {"head": self._head}


@pytest.fixture
def detector(tmp_path) -> Detector:
    return Detector.load(write_detector(tmp_path / "detector"), "f32")


@pytest.fixture
def served(tmp_path) -> Callable[..., Detector]:
    """Puts a stand-in network under the detector, with other values in its manifest."""
    manifest = load_manifest(write_detector(tmp_path / "stand-in"), "detector")
    return lambda network, **values: Detector(network, manifest.model_copy(update=values))


@pytest.fixture
def spot_detector(served) -> Detector:
    return served(SpotNetwork())


def discs(
    width: int, height: int, centres: Iterable[tuple[int, int]], diameter: int, colour: tuple
) -> np.ndarray:
    """A grey field with discs of one size and colour."""
    image = Image.new("RGB", (width, height), GREY)
    pen, radius = ImageDraw.Draw(image), diameter / 2
    for x, y in centres:
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)
    return np.asarray(image)


def grid(width: int, height: int, pitch: int) -> list[tuple[int, int]]:
    """Places in rows and columns, clear of the edges."""
    return [
        (x, y)
        for x in range(pitch, width - pitch // 2, pitch)
        for y in range(pitch, height - pitch // 2, pitch)
    ]


def furthest(findings: FieldFindings, centres: list[tuple[int, int]]) -> float:
    """The largest distance in pixels from a place to the nearest box's middle."""
    boxes = np.array([cell.box for cell in findings.detections])
    middles = (boxes[:, None, :2] + boxes[:, None, 2:]) / 2
    return float(np.abs(middles - np.array(centres)).max(axis=2).min(axis=0).max())


def test_a_field_goes_through_the_network_and_back(detector):
    findings = detector.find(drawn_field(640, 320))
    assert (findings.width, findings.height, findings.model) == (640, 320, "test-1")
    (detection,) = findings.detections
    assert detection.label == "blast"
    # scores 0.9 and 0.1 leave nothing to other kinds; odds 9 against 1/9
    assert detection.white == pytest.approx(1, abs=1e-3)
    assert detection.blast == detection.confidence == pytest.approx(81 / 82, abs=1e-3)
    # 10 px in the middle of a network input of 64 px, which shows the field at a tenth
    assert detection.box == pytest.approx((270, 110, 370, 210), abs=0.5)


@pytest.mark.parametrize(("precision", "side"), [("auto", 200), ("f32", 100)])
def test_the_int8_network_answers_unless_f32_is_asked_for(tmp_path, precision, side):
    folder = write_detector(tmp_path / "detector")
    other = write_detector(tmp_path / "other", 20)
    content = json.loads((folder / "manifest.json").read_text())
    for suffix in ("xml", "bin"):
        file = folder / f"network_int8.{suffix}"
        file.write_bytes((other / f"network.{suffix}").read_bytes())
        content["files"][file.name] = sha256_of(file)
    (folder / "manifest.json").write_text(json.dumps(content))
    (cell,) = Detector.load(folder, precision).find(drawn_field(640, 320)).detections
    assert cell.box[2] - cell.box[0] == pytest.approx(side, abs=1)


def test_min_confidence_lowers_and_raises_the_floor(detector):
    assert detector.find(drawn_field(), 0.995).detections == ()
    assert len(detector.find(drawn_field(), 0.01).detections) == 1


def test_counts(spot_detector):
    field = np.full((60, 60, 3), 200, np.uint8)
    assert spot_detector.find(field).counts == dict.fromkeys(FIELD_CODES, 0)
    field[10:20, 10:20] = 0
    assert spot_detector.find(field).counts == {
        "blast": 0,
        "wbc": 1,
        "smudge": 0,
        "rbc": 0,
        "platelet": 0,
    }


def test_one_survey_can_be_counted_in_two_ways(detector):
    raw = detector.raw_predictions(drawn_field(), 0.01)
    assert detector.findings(raw) == detector.find(drawn_field())
    assert detector.findings(raw, 0.995) == detector.find(drawn_field(), 0.995)


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ({"classes": ("blast", "rbc", "platelet")}, "lacks the classes: wbc"),
        ({"scale": {"cells": 3.0}}, "another scale"),
        ({"thresholds": {"blast": 0.3}}, "other thresholds"),
    ],
)
def test_a_manifest_that_is_not_understood_is_refused(tmp_path, other, reason):
    manifest = load_manifest(write_detector(tmp_path / "detector"), "detector")
    with pytest.raises(WeightsError, match=reason):
        Detector(FixedNetwork(), manifest.model_copy(update=other))


def test_decode_reads_centres_and_all_scores():
    boxes, scores = decode(np.array([[10, 20, 4, 6, 0.1, 0.7, 0.2, 0]], np.float32).T)
    np.testing.assert_array_equal(boxes, [[8, 17, 12, 23]])
    np.testing.assert_array_equal(scores, np.array([[0.1, 0.7, 0.2, 0]], np.float32))


def apart(*scores: tuple[float, ...]) -> FixedNetwork:
    """Boxes of 8 px beside each other."""
    return FixedNetwork(*((6 + 10 * n, 30, 8, 8, *each) for n, each in enumerate(scores)))


KINDS = {"confidence": 0.25, "iou": 0.5, "blast": 0.3, "white": 0.6, "rbc": 0.5, "platelet": 0.7}
FIELD = np.full((64, 64, 3), 200, np.uint8)


def test_every_kind_is_counted_from_its_own_threshold_on(served):
    network = apart(
        (0, 0, 0.51, 0), (0, 0, 0.49, 0), (0, 0, 0, 0.71), (0, 0, 0, 0.69), (0, 0.61, 0, 0)
    )
    findings = served(network, thresholds=KINDS).find(FIELD)
    assert findings.counts == {"blast": 0, "wbc": 1, "smudge": 0, "rbc": 1, "platelet": 1}
    assert findings.thresholds == {"blast": 0.3, "white": 0.6, "rbc": 0.5, "platelet": 0.7}
    assert findings.candidates == ()


def test_a_blast_counts_though_white_cells_need_more(served):
    (cell,) = served(apart((0.4, 0.01, 0, 0)), thresholds=KINDS).find(FIELD).detections
    assert (cell.label, cell.confidence) == ("blast", cell.blast)
    assert 0.3 < cell.blast < cell.white < 0.6


def test_an_unsure_white_cell_is_doubtful_down_to_the_floor(served):
    network = apart((0.01, 0.5, 0, 0), (0.0, 0.06, 0, 0), (0.0, 0.04, 0, 0), (0, 0.1, 0.2, 0))
    findings = served(network, thresholds=KINDS).find(FIELD)
    assert findings.detections == ()
    assert [cell.white for cell in findings.candidates] == pytest.approx([0.51, 0.06], abs=1e-3)
    assert {cell.label for cell in findings.candidates} == {"wbc"}


def test_a_confidence_asked_for_takes_all_kinds_alike(served):
    network = apart((0.3, 0.28, 0, 0), (0.01, 0.5, 0, 0), (0, 0, 0.32, 0), (0, 0, 0, 0.2))
    findings = served(network, thresholds=KINDS).find(FIELD, 0.25)
    assert [cell.label for cell in findings.detections] == ["wbc", "rbc", "blast"]
    assert findings.candidates == ()


def test_what_is_likelier_a_blast_than_not_is_one_where_a_confidence_is_asked_for(served):
    network = apart((0.14, 0.1, 0, 0))
    (cell,) = served(network, thresholds=KINDS).find(FIELD, 0.05).detections
    assert cell.label == "blast"
    assert cell.blast < KINDS["blast"]


def test_the_manifest_s_calibration_is_used(served):
    network = apart((0, 0, 0.5, 0))
    sceptical = {"rbc": {"slope": 1.0, "offset": -3.0}}
    assert served(network).find(FIELD).counts["rbc"] == 1
    assert served(network, calibration=sceptical).find(FIELD).counts["rbc"] == 0


def test_cells_on_the_seams_of_tiles_are_found_once(served):
    width, height = 4000, 3000
    field = np.full((height, width, 3), 200, np.uint8)
    centres = [(x, y) for x in range(150, width, 137) for y in range(150, height, 211)]
    for x, y in centres:
        field[y - 50 : y + 50, x - 45 : x + 45] = 0
    findings = served(SpotNetwork(), input_size=320).find(field)
    assert findings.counts["wbc"] == len(centres)
    # two network pixels are 16 px of a tile here
    assert furthest(findings, centres) < 16


def test_boxes_stay_inside_the_field(spot_detector):
    field = np.full((60, 64, 3), 200, np.uint8)
    field[:12, :12] = 0
    (detection,) = spot_detector.find(field).detections
    assert min(detection.box) >= 0


def test_red_cells_in_the_trained_range_are_read_once(served):
    centres = grid(300, 300, 50)
    calls = []
    findings = served(SpotNetwork(), input_size=320, scale=TRAINED).find(
        discs(300, 300, centres, 20, RED), progress=lambda *step: calls.append(step)
    )
    assert findings.counts["rbc"] == len(centres)
    assert findings.red_cell == pytest.approx(20, abs=1.5)
    assert findings.scale == 1
    assert calls == [(1, 1)]


def test_a_field_of_too_large_cells_is_read_again_smaller(served):
    field = discs(600, 600, grid(600, 600, 80), 60, RED)
    findings = served(SpotNetwork(), input_size=640, scale=TRAINED).find(field)
    assert findings.scale == pytest.approx(20 / 61, abs=0.02)
    assert findings.red_cell == pytest.approx(60, abs=4)
    assert findings.counts["rbc"] == len(grid(600, 600, 80))
    assert furthest(findings, grid(600, 600, 80)) < 4


def test_a_field_of_too_small_cells_is_read_again_larger_in_tiles(served):
    width, height, pitch = 1600, 1200, 80
    centres = grid(width, height, pitch)
    field = discs(width, height, centres, 24, RED)
    calls = []
    findings = served(SpotNetwork(), input_size=320, scale=TRAINED).find(
        field, progress=lambda *step: calls.append(step)
    )
    # 24 px of the file are 4 to 5 of the network's, and should be 12
    assert 2.4 <= findings.scale <= 3
    assert findings.red_cell == pytest.approx(24, abs=3)
    assert findings.counts["rbc"] == len(centres)
    assert furthest(findings, centres) < 4
    assert calls[0] == (1, 1)
    assert calls[-1][0] == calls[-1][1] == len(calls) > 4


@pytest.mark.parametrize(("width", "height"), [(1600, 1200), (1200, 1600)])
def test_red_cells_too_small_to_be_found_are_looked_for_larger(served, width, height):
    centres = grid(width, height, 80)
    calls = []
    findings = served(SpotNetwork(low=8), input_size=320, scale=TRAINED).find(
        discs(width, height, centres, 24, RED), progress=lambda *step: calls.append(step)
    )
    # 24 px of the file are 5 of the network's at first, which is less than it finds
    assert findings.scale == 2.5
    assert findings.red_cell == pytest.approx(24, abs=3)
    assert findings.counts["rbc"] == len(centres)
    assert calls[-1][0] == calls[-1][1] == len(calls)


@pytest.mark.parametrize("corner", [(80, 80), (1220, 920)])
def test_red_cells_of_an_untrained_size_are_looked_for_where_they_are(served, corner):
    left, top = corner
    centres = [(left + x, top + y) for x in (0, 80, 160) for y in (0, 80, 160)]
    field = discs(1600, 1200, centres, 24, RED)
    findings = served(SpotNetwork(low=8), input_size=320, scale=TRAINED).find(field)
    assert findings.counts["rbc"] == len(centres)


@pytest.mark.parametrize("grain", [0, 6])
def test_an_empty_field_is_read_once(served, grain):
    field = np.random.default_rng(0).normal(225, grain, (1200, 1600, 3)).clip(0, 255)
    network = SpotNetwork()
    calls = []
    findings = served(network, input_size=320, scale=TRAINED).find(
        field.astype(np.uint8), progress=lambda *step: calls.append(step)
    )
    assert findings.detections == ()
    assert calls == [(1, 1)]


def test_a_field_is_read_in_the_smallest_frame(served):
    shapes = []

    class Seen(SpotNetwork):
        def run(self, batch: np.ndarray) -> dict[str, np.ndarray]:
            shapes.append(batch.shape[2:])
            return super().run(batch)

    detector = served(Seen(), input_size=960)
    for width, height in ((256, 250), (640, 480), (2592, 1944), (1944, 2592)):
        detector.find(np.full((height, width, 3), 225, np.uint8))
    assert shapes == [(320, 320), (576, 704), (768, 960), (960, 960)]


def test_a_crop_of_one_cell_is_read_once(served):
    calls = []
    served(SpotNetwork(low=8), input_size=64).find(
        drawn_field(511, 300), progress=lambda *step: calls.append(step)
    )
    assert calls == [(1, 1)]


def test_a_second_reading_that_finds_fewer_is_not_believed(served):
    field = discs(600, 600, grid(600, 600, 80), 60, RED)
    findings = served(SpotNetwork(low=50), input_size=640, scale=TRAINED).find(field)
    assert (findings.scale, findings.red_cell) == (1, None)
    assert findings.counts["rbc"] == len(grid(600, 600, 80))


class LosesOneNetwork(SpotNetwork):
    """Misses one of the cells that it found at first, when asked again."""

    asked = 0

    def run(self, batch: np.ndarray) -> dict[str, np.ndarray]:
        self.asked += 1
        head = super().run(batch)["head"]
        return {"head": head[..., 1:] if self.asked > 1 else head}


def test_a_second_reading_may_miss_a_cell_of_many(served):
    field = discs(600, 600, grid(600, 600, 80), 60, RED)
    findings = served(LosesOneNetwork(), input_size=640, scale=TRAINED).find(field)
    assert findings.scale < 1
    assert findings.red_cell == pytest.approx(60, abs=4)


def test_too_few_red_cells_tell_no_size(served):
    field = discs(600, 600, [(100, 100), (300, 300), (500, 500)], 60, RED)
    findings = served(SpotNetwork(), input_size=640, scale=TRAINED).find(field)
    assert (findings.scale, findings.red_cell) == (1, None)


class StoppedError(Exception):
    """Raised by whoever has seen enough."""


def test_progress_may_stop_the_reading(spot_detector):
    seen = []

    def stop(done: int, total: int) -> None:
        seen.append((done, total))
        if done == 2:
            raise StoppedError

    with pytest.raises(StoppedError):
        spot_detector.find(np.full((3000, 6000, 3), 200, np.uint8), progress=stop)
    assert seen == [(1, 6), (2, 6)]
    assert spot_detector.find(FIELD).detections == ()
