import numpy as np
import pytest

from training.cutouts import CutOut, cut_all
from training.data import DataError
from training.painting import SIDE, CellPool, Painter
from training.realism import EVERYTHING


@pytest.fixture(scope="module")
def paint(drawn_sets, tmp_path_factory):
    """Paint composites of the val split with some elements left out."""
    cache = tmp_path_factory.mktemp("cache")
    cells = cut_all(drawn_sets, cache)

    def make(count, without=(), seed=1):
        realism = EVERYTHING.without(without)
        painter = Painter(drawn_sets, cache, cells, "val", seed, realism)
        return [painter.paint(number)[:3] for number in range(count)]

    return make


def test_the_same_number_gives_the_same_composite(paint):
    for (image, boxes, rows), (again, *same) in zip(paint(4), paint(4), strict=True):
        assert (image == again).all()
        assert [boxes, rows] == same


def test_another_seed_gives_others(paint):
    assert (paint(1)[0][0] != paint(1, seed=2)[0][0]).any()


def test_boxes_lie_inside_and_on_what_is_darker_than_plasma(paint):
    dark = []
    for image, boxes, _ in paint(12, ["light", "defocus"]):
        plasma = np.percentile(image[..., 1], 90)
        for box in boxes:
            assert 0 <= box.x1 < box.x2 <= SIDE
            assert 0 <= box.y1 < box.y2 <= SIDE
            part = image[int(box.y1) : int(box.y2) + 1, int(box.x1) : int(box.x2) + 1, 1]
            dark.append(np.percentile(part, 20) < 0.9 * plasma)
    assert np.mean(dark) > 0.97


@pytest.mark.parametrize(
    ("element", "kinds"),
    [("smudges", lambda rows: any(row.kind == "smudge" for row in rows))],
)
def test_smudges_are_never_blasts_and_can_be_left_out(paint, element, kinds):
    rows = [row for _, _, found in paint(40) for row in found]
    assert kinds(rows)
    assert {row.label for row in rows if row.kind == "smudge"} == {"wbc"}
    assert not kinds([row for _, _, found in paint(40, [element]) for row in found])


def test_crowds_hold_many_more_white_cells(paint):
    def most(without):
        return max(len(rows) for _, _, rows in paint(25, without))

    assert most(()) > 25 > most(["crowds"])


def test_without_clusters_no_pasted_cells_touch(paint):
    def touching(without):
        return sum(row.clustered for *_, rows in paint(12, without) for row in rows if row.subject)

    assert touching(()) > 5
    assert touching(["clusters", "crowds"]) == 0


def test_platelets_are_drawn_into_fields_that_have_none(paint):
    def platelets(without):
        return sum(box.label == "platelet" for _, boxes, _ in paint(10, without) for box in boxes)

    assert platelets(()) > 5
    assert platelets(["platelets"]) == 0


def test_a_pool_without_blasts_is_refused(tmp_path):
    normal = CutOut(tmp_path / "a.png", "hem", "H10", "a", 100.0, "train")
    with pytest.raises(DataError, match="all, pbc"):
        CellPool([normal])


def test_no_subject_dominates(tmp_path):
    cells = [CutOut(tmp_path / "h.png", "hem", "H10", "h", 1.0, "train")]
    cells += [CutOut(tmp_path / "l.png", "lymphocyte", "", "l", 1.0, "train")]
    cells += [CutOut(tmp_path / "b.png", "all", "51", "b", 1.0, "train")] * 400
    cells += [CutOut(tmp_path / "c.png", "all", "16", "c", 1.0, "train")] * 100
    pool, rng = CellPool(cells), np.random.default_rng(0)
    drawn = [pool.draw(True, rng).subject for _ in range(600)]
    assert drawn.count("16") / 600 == pytest.approx(1 / 3, abs=0.07)
