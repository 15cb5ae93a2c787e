import pytest
import torch

from mmbdg.models.diff_augment import cutout, diff_augment, translation


def test_translation_shifts_and_fills():
    x = torch.rand(64, 2, 8, 8)
    out = translation(x, ratio=0.25, fill=-1.0)
    shifts = set()
    for before, after in zip(x, out, strict=True):
        matches = []
        for dy in range(-2, 3):
            for dx in range(-2, 3):
                expected = torch.full_like(before, -1.0)
                expected[:, max(0, -dy) : 8 - max(0, dy), max(0, -dx) : 8 - max(0, dx)] = before[
                    :, max(0, dy) : 8 - max(0, -dy), max(0, dx) : 8 - max(0, -dx)
                ]
                if torch.equal(expected, after):
                    matches.append((dy, dx))
        assert len(matches) == 1
        shifts.add(matches[0])
    assert len(shifts) > 10


def test_cutout_is_a_square():
    out = cutout(torch.ones(200, 1, 16, 16))
    holes = (out == 0).flatten(1).sum(1)
    assert holes.max() <= 64 and holes.min() >= 9 and (out[holes.argmax()] == 0).any(2).sum() <= 8


def test_gradients_pass():
    x = torch.rand(4, 3, 8, 8, requires_grad=True)
    diff_augment(x, ('color', 'translation', 'cutout')).sum().backward()
    assert x.grad.abs().sum() > 0
    with pytest.raises(ValueError, match='unknown augmentation'):
        diff_augment(x, ('mirror',))


def test_background_stays_black_without_color():
    x = torch.full((4, 3, 8, 8), -1.0)
    assert torch.equal(diff_augment(x, ('translation',)), x)
