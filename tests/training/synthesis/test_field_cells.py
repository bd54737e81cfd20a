import cv2
import numpy as np

from tests.training.drawn import draw_field, red_cell_centres
from training.data import read_chula
from training.synthesis.field_cells import label_field


def _centre(box, width, height):
    return (box.x1 + box.x2) / 2 * width, (box.y1 + box.y2) / 2 * height


def test_every_red_cell_gets_one_tight_box():
    boxes = label_field(draw_field(320, 240, 40, white_cell=False), 40)
    centres = [_centre(box, 320, 240) for box in boxes]
    for x, y in red_cell_centres(320, 240, 40):
        near = [c for c in centres if np.hypot(c[0] - x, c[1] - y) < 4]
        assert len(near) == 1
    assert all(36 < (box.x2 - box.x1) * 320 < 46 for box in boxes)


def test_touching_red_cells_are_parted():
    field = draw_field(320, 240, 40, white_cell=False)
    field[:] = field[0, 0]
    for x in (100, 138):
        cv2.circle(field, (x, 120), 20, (140, 150, 205), -1, cv2.LINE_AA)
    assert [box.label for box in label_field(field, 40)] == ["rbc", "rbc"]


def test_a_small_purple_spot_is_a_platelet_and_a_red_one_is_not():
    field = draw_field(320, 240, 40, white_cell=False)
    cv2.circle(field, (32, 32), 6, (190, 70, 130), -1)
    cv2.circle(field, (290, 32), 6, (140, 150, 205), -1)
    platelets = [box for box in label_field(field, 40) if box.label == "platelet"]
    assert len(platelets) == 1
    assert platelets[0].x1 * 320 < 40


def test_real_fields_hold_many_red_cells(shared_data):
    fields = read_chula(shared_data)[::90]
    counts = [len(label_field(cv2.imread(str(f.path)), f.red_cell)) for f in fields]
    assert min(counts) > 30
