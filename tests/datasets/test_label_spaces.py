import numpy as np
import pytest

from mmbdg.datasets.label_spaces import label_space
from mmbdg.synthesis.palette import palette


def test_spaces():
    foreground = np.array([[True, False]])
    assert label_space('fgbg', ['a', 'b']).paint(foreground, 1).tolist() == [[1, 0]]
    space = label_space('classes', ['a', 'b'])
    assert space.paint(foreground, 1).tolist() == [[2, 0]] and space.classes == ('background', 'a', 'b') and space.num_classes == 3
    with pytest.raises(ValueError, match='"fgbg" and "classes"'):
        label_space('mc16', ['a'])


def test_palette_has_no_twins():
    colours = palette(1001)
    assert colours[0] == [0, 0, 0] and colours[1] == [128, 0, 0] and len(set(map(tuple, colours))) == 1001
