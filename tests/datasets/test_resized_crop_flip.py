import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional as F

from mmbdg.addressed import generator_at
from mmbdg.datasets import ResizedCropFlip
from mmbdg.errors import InputError
from mmbdg.registry import TRANSFORMS


def blob(size=40):
    """An image and its mask, which is set where the image is bright."""
    y, x = np.mgrid[:size, :size] / size
    bright = np.exp(-8 * ((x - 0.4) ** 2 + 2 * (y - 0.55) ** 2)) + 0.5 * np.exp(-40 * ((x - 0.75) ** 2 + (y - 0.2) ** 2))
    image = torch.from_numpy((bright * 170).astype(np.uint8))[None].repeat(3, 1, 1)
    return image, (image[0] > 90).long() * 7


@pytest.mark.parametrize('size', [24, 64, (50, 30)])
def test_mask_stays_on_the_image(size):
    image, mask = blob()
    augment = TRANSFORMS.build(dict(type='mmbdg.ResizedCropFlip', size=size, area=(0.2, 1.0), ratio=(0.5, 2.0)))
    wrong, left, right, pixels = 0, 0, 0, 0
    for i in range(40):
        out, labels = augment(image, mask, generator_at('test', i))
        assert out.shape == (3, *augment.size) and out.dtype == torch.uint8
        assert labels.shape == augment.size and labels.dtype == torch.int64 and set(labels.unique().tolist()) <= {0, 7}
        bright = out[0] > 90
        wrong += (bright != (labels == 7)).sum().item()
        left += (bright[:, :-1] != (labels == 7)[:, 1:]).sum().item()
        right += (bright[:, 1:] != (labels == 7)[:, :-1]).sum().item()
        pixels += labels.numel()
    assert wrong / pixels < 0.02  # only along the outline
    assert min(left, right) > 1.25 * wrong and max(left, right) < 1.25 * min(left, right)  # a shift by one pixel is worse


def test_boxes_and_flips_are_as_drawn():
    image, mask = blob()
    boxes = []
    for i in range(400):
        augment = ResizedCropFlip(16, area=(0.3, 0.9), ratio=(0.5, 2.0))
        rng = generator_at('box', i).random(8)
        top, left, height, width = augment._box((40, 40), *rng[:4])
        assert top >= 0 and left >= 0 and top + height <= 40 and left + width <= 40
        boxes.append((height * width / 1600, width / height, top + height / 2, left + width / 2))
        if height < 40 and width < 40:
            assert 0.28 < boxes[-1][0] < 0.92 and 0.48 < boxes[-1][1] < 2.1
        out, labels = augment(image, mask, generator_at('box', i))
        crop = image[0, top : top + height, left : left + width].numpy()
        expected = np.asarray(Image.fromarray(crop).resize((16, 16), Image.Resampling.BILINEAR)).astype(int)
        expected = expected[:, ::-1] if rng[4] < 0.5 else expected
        assert abs(out[0].numpy() - expected).max() <= 1
        nearest = F.interpolate(mask[None, None, top : top + height, left : left + width].float(), (16, 16), mode='nearest-exact')[0, 0]
        assert torch.equal(labels, (nearest.flip(1) if rng[4] < 0.5 else nearest).long())
    means = np.mean(boxes, axis=0)
    assert means[0] == pytest.approx(0.6, abs=0.05) and means[2:] == pytest.approx([20, 20], abs=1)


def test_the_whole_image_is_left_alone():
    image, mask = blob()
    out, labels = ResizedCropFlip(40, area=(1, 1), ratio=(1, 1), flip=0)(image, mask, generator_at('x'))
    assert torch.equal(out, image) and torch.equal(labels, mask)


def test_colours_change_the_image_only_and_move_no_box():
    image, mask = blob()
    plain = ResizedCropFlip(32)(image, mask, generator_at('c', 1))
    coloured = ResizedCropFlip(32, brightness=0.5)(image, mask, generator_at('c', 1))
    factor = 0.5 + generator_at('c', 1).random(8)[5]
    assert torch.equal(plain[1], coloured[1])
    assert (coloured[0] - (plain[0] * factor).clamp(0, 255)).abs().max() <= 1
    both = ResizedCropFlip(32, contrast=0.5, saturation=0.5)(image, mask, generator_at('c', 1))
    assert torch.equal(plain[1], both[1]) and not torch.equal(plain[0], both[0])


def test_ranges_are_checked():
    with pytest.raises(InputError, match='area must be'):
        ResizedCropFlip(8, area=(0.5, 0.2))
    with pytest.raises(InputError, match='must lie in'):
        ResizedCropFlip(8, flip=2)
