import numpy as np
from PIL import Image

from mmbdg.analysis.contact_sheet import grid, overlay, save_picture


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
