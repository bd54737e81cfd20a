import numpy as np
import pytest

from training.cells.pack import CONTEXT_FACTOR, CONTEXT_SIZE, SIZE, Pack, context_view
from training.cells.segment import box_of
from training.data import DataError


def test_a_pack_that_was_written_is_read_the_same(pack, tmp_path):
    pack.save(tmp_path / "pack.npz")
    again = Pack.load(tmp_path / "pack.npz")
    for name, values in vars(pack).items():
        np.testing.assert_array_equal(values, getattr(again, name))
    assert [path.name for path in tmp_path.iterdir()] == ["pack.npz"]


def test_a_pack_of_other_kinds_is_refused(pack, tmp_path):
    np.savez(tmp_path / "pack.npz", **vars(pack))
    with pytest.raises(DataError, match="other kinds of cells"):
        Pack.load(tmp_path / "pack.npz")


def test_a_missing_pack_is_named_with_its_remedy(tmp_path):
    with pytest.raises(DataError, match=r"There is no file .*training\.cells pack"):
        Pack.load(tmp_path / "pack.npz")


def test_every_picture_and_mask_is_decoded_at_its_size(pack):
    for row in range(len(pack)):
        side = SIZE if pack.source[row] == "cnmc" else CONTEXT_SIZE
        assert pack.image(row).shape == (side, side, 3)
        assert pack.mask(row).shape == (side, side)


def test_cells_on_black_keep_their_size(pack):
    small = pack.area[pack.name == "UID_1_0_all.webp"][0]
    large = pack.area[pack.name == "UID_26_0_all.webp"][0]
    # Radii of 60 and 75 pixels as drawn, each without its rim.
    assert large / small == pytest.approx((70 / 55) ** 2, rel=0.05)


@pytest.mark.parametrize("side", [20, 90, 300])
def test_a_cell_in_context_fills_the_same_share_whatever_its_size(side):
    image = np.full((400, 400, 3), 220, np.uint8)
    mask = np.zeros((400, 400), bool)
    mask[150 : 150 + side, 60 : 60 + side] = True
    _, moved = context_view(image, mask, box_of(mask))
    x1, y1, x2, y2 = box_of(moved)
    assert x2 - x1 == pytest.approx(CONTEXT_SIZE / CONTEXT_FACTOR, abs=2)
    assert ((x1 + x2) / 2, (y1 + y2) / 2) == pytest.approx((CONTEXT_SIZE / 2,) * 2, abs=1.5)


def test_backgrounds_have_no_label_and_no_cell(pack):
    patches = np.flatnonzero(pack.source == "background")
    assert len(patches)
    assert (pack.blast[patches] == -1).all()
    assert not any(pack.mask(row).any() for row in patches)
