import numpy as np
import pytest
import torch
from torch.nn import functional as F

from mmbdg.visualization.correspondence import best_matches, cell_centres, draw_matches, position_colours


def positions(height=4, width=4):
    """Features (1,C,H,W) with a different one-hot vector of length 3 at each position."""
    return 3 * torch.eye(height * width).reshape(1, height * width, height, width)


def test_mirrored_and_shifted_views():
    maps, places = positions(), torch.arange(16).reshape(1, 4, 4)
    mirrored = best_matches(maps, maps.flip(3))
    assert torch.equal(mirrored.cells, places.flip(2)) and mirrored.similarities.eq(1).all() and mirrored.distinct == 1
    shifted = best_matches(maps, maps.roll((1, 2), (2, 3)))
    assert torch.equal(shifted.cells, (torch.arange(4)[:, None] + 1) % 4 * 4 + (torch.arange(4) + 2) % 4 + torch.zeros_like(places))


def test_collapsed_maps_have_one_match():
    matches = best_matches(torch.ones(2, 3, 4, 4), torch.ones(2, 3, 2, 2))
    assert matches.cells.shape == (2, 4, 4) and matches.distinct == 1 / 16
    torch.testing.assert_close(matches.similarities, torch.ones(2, 4, 4))


def test_matches_are_densecls():
    """Matches equal those of the code in mmpretrain's DenseCL.loss."""
    q_b, k_b = torch.randn(3, 8, 5, 5), torch.randn(3, 8, 5, 5)
    q, k = (F.normalize(x.view(3, 8, -1), dim=1) for x in (q_b, k_b))
    similarities, indices = torch.matmul(q.permute(0, 2, 1), k).max(dim=2)
    matches = best_matches(q_b, k_b)
    assert torch.equal(matches.cells.flatten(1), indices)
    torch.testing.assert_close(matches.similarities.flatten(1), similarities)


@pytest.mark.parametrize('flip', [False, True])
def test_drawing(flip):
    """The points of each cell and of its match have the cell's colour."""
    maps = positions()
    matches = best_matches(maps, maps.flip(3) if flip else maps)
    view = np.full((64, 64, 3), 128, np.uint8)
    before = view.copy()
    picture = draw_matches(view, view, matches.cells[0].numpy(), (4, 4), side=192, gap=20)
    assert picture.shape == (192, 404, 3) and picture.dtype == np.uint8 and np.array_equal(view, before)
    colours, centres = position_colours((4, 4)), cell_centres((4, 4), (192, 192))
    assert len(np.unique(colours.reshape(-1, 3), axis=0)) == 16
    for row in range(4):
        for column in range(4):
            x, y = centres[row * 4 + column]
            there = 212 + (191 - x if flip else x)
            assert np.array_equal(picture[y, x], colours[row, column])
            assert np.array_equal(picture[y, there], colours[row, column])
    assert np.array_equal(picture[:, 192:212].reshape(-1, 3).max(0), [255] * 3) and np.array_equal(picture[0, 0], [128] * 3)


def test_many_cells_are_thinned():
    view = np.zeros((224, 224, 3), np.uint8)
    picture = draw_matches(view, view, np.arange(28 * 28).reshape(28, 28), (28, 28), most=4)
    centres = cell_centres((28, 28), (224, 224))
    marked = [i for i, (x, y) in enumerate(centres) if picture[y, x].any()]
    assert picture.shape == (224, 2 * 224 + 24, 3) and {0, 261, 522, 783} <= set(marked) and len(marked) < 80


def test_position_colours():
    colours = position_colours((3, 5))
    assert colours[0, 0].tolist() == [225, 45, 45] and colours[2, 4].tolist() == [45, 205, 95]
    assert colours[1, 2].tolist() == [141, 140, 104] and position_colours((1, 1)).tolist() == [[[141, 140, 104]]]
