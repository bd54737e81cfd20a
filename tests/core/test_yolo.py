from core.yolo import yolo_line


def test_a_line_has_number_centre_and_size():
    assert yolo_line("wbc", (10, 20, 30, 60), 100, 200) == "0 0.20000 0.20000 0.20000 0.20000"
    assert yolo_line("blast", (0.0, 0.0, 0.5, 0.25)) == "3 0.25000 0.12500 0.50000 0.25000"


def test_another_image_set_has_numbers_of_its_own():
    line = yolo_line("monocyte", (0.0, 0.0, 0.5, 0.25), numbers={"monocyte": 7})
    assert line == "7 0.25000 0.12500 0.50000 0.25000"
