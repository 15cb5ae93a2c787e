import numpy as np
from PIL import Image

from mmbdg.visualization.contact_sheet import grid, line_colours, outlined, overlay, save_picture, thumbnail


def test_grid():
    sheet = grid([np.full((2, 3, 3), v, np.uint8) for v in (10, 20, 30)], columns=2, gap=1)
    assert sheet.shape == (7, 9, 3)
    assert sheet[1, 1, 0] == 10 and sheet[1, 5, 0] == 20 and sheet[4, 1, 0] == 30 and sheet[4, 5, 0] == 255 and sheet[0, 0, 0] == 255


def test_grid_of_different_sizes():
    sheet = grid([np.full((2, 2, 3), 10, np.uint8), np.full((4, 3, 3), 20, np.uint8)], columns=2, gap=1)
    assert sheet.shape == (6, 9, 3) and sheet[1, 1, 0] == 10 and sheet[4, 1, 0] == 255 and sheet[4, 7, 0] == 20


def test_overlay():
    image, mask = np.full((1, 3, 3), 100, np.uint8), np.array([[0, 1, 255]])
    out = overlay(image, mask, [[0, 0, 0], [200, 0, 50]])
    assert out.tolist() == [[[100, 100, 100], [150, 50, 75], [100, 100, 100]]]


def test_picture_is_scaled_by_whole_pixels(tmp_path):
    save_picture(tmp_path / 'a' / 'p.png', np.arange(12, dtype=np.uint8).reshape(2, 2, 3), scale=3)
    picture = np.asarray(Image.open(tmp_path / 'a' / 'p.png'))
    assert picture.shape == (6, 6, 3) and np.array_equal(picture[::3, ::3], np.arange(12).reshape(2, 2, 3))
    assert [p.name for p in (tmp_path / 'a').iterdir()] == ['p.png']


def test_outline_runs_inside_the_label():
    image, mask = np.full((7, 7, 3), 100, np.uint8), np.zeros((7, 7), np.uint8)
    mask[2:6, 2:6] = 1
    mask[2, 2] = 255
    out = outlined(image, mask, [[0, 0, 0], [128, 0, 0]], 255)
    line = line_colours([[128, 0, 0]])[0].tolist()
    assert line == [255, 64, 64]
    inside = np.zeros((7, 7), bool)
    inside[2:6, 2:6] = True
    inside[2, 2] = False
    core = np.zeros((7, 7), bool)
    core[4, 4] = core[3, 4] = core[4, 3] = True
    assert all(out[y, x].tolist() == line for y, x in np.argwhere(inside & ~core))
    assert (out[core] == 100).all() and out[0, 0, 0] == 100 and out[1, 3, 0] == 35 and out[2, 2, 0] == 35
    assert (outlined(image, mask * 0, [[0, 0, 0], [128, 0, 0]], 255) == image).all()
    wide = outlined(image, mask, [[0, 0, 0], [128, 0, 0]], 255, width=2)
    assert all(wide[y, x].tolist() == line for y, x in np.argwhere(inside))


def test_labels_are_told_apart():
    mask = np.repeat([[1, 1, 1, 2, 2, 2]], 6, axis=0)
    out = outlined(np.zeros((6, 6, 3), np.uint8), mask, [[0, 0, 0], [128, 0, 0], [0, 128, 0]], 255)
    assert out[3].tolist() == [[0, 0, 0]] * 2 + [[255, 64, 64], [64, 255, 64]] + [[0, 0, 0]] * 2


def test_thumbnail():
    image, mask = np.zeros((40, 80, 3), np.uint8), np.zeros((40, 80), np.uint8)
    image[:, 40:], mask[:, 40:] = 200, 3
    small, small_mask = thumbnail(image, mask, 20)
    assert small.shape == (10, 20, 3) and small_mask.tolist() == [[0] * 10 + [3] * 10] * 10
    assert small[5, 2, 0] == 0 and small[5, -3, 0] == 200
    large, large_mask = thumbnail(image[:4, 38:42], mask[:4, 38:42], 10)
    assert large.shape == (8, 8, 3) and large_mask[0].tolist() == [0, 0, 0, 0, 3, 3, 3, 3]
