"""Masks as analog bits in patches: values by hand, the inverse, ignored pixels, bad input."""

import numpy as np
import pytest
import torch

from mmbdg.errors import InputError
from mmbdg.sources.mask_bits import MaskBits

LABELS = tuple(f'label {i}' for i in range(11))


def test_by_hand():
    """2 x 2 patches: pixel (i,j) of a patch is channel 2i + j; foreground is 0.5, background -0.5."""
    code = MaskBits(('background', 'foreground'), patch=2)
    assert (code.bits, code.channels, code.ignore) == (1, 4, 255)
    mask = torch.tensor([[[0, 1, 1, 1], [0, 0, 1, 0], [1, 1, 0, 0], [0, 0, 0, 255]]])
    encoded, shares = code.encode(mask, 2)
    expected = 0.5 * torch.tensor([[[-1, 1], [1, -1]], [[1, 1], [1, -1]], [[-1, 1], [-1, -1]], [[-1, -1], [-1, 0]]]).float()
    assert torch.equal(encoded[0], expected)
    assert shares.shape == encoded.shape and shares.sum() == 15 and shares[0, 3, 1, 1] == 0
    assert torch.equal(code.decode(encoded, 4)[mask != 255], mask[mask != 255])


def test_labels_in_binary():
    """Label 9 of 11 is 1001: bits 0 and 3 are 1; a code of no label is ignored."""
    code = MaskBits(LABELS, patch=1, scale=2.0)
    encoded, _ = code.encode(torch.full((1, 1, 1), 9), 1)
    assert encoded.flatten().tolist() == [2.0, -2.0, -2.0, 2.0]
    assert code.decode(torch.tensor([0.1, 3.0, -0.1, 0.5]).reshape(1, 4, 1, 1), 1).item() == code.ignore == 255  # 1011 is 11


@pytest.mark.parametrize(('labels', 'patch'), [(LABELS, 4), (LABELS[:2], 4), (LABELS[:3], 1)])
def test_no_loss_at_its_resolution(labels, patch):
    code = MaskBits(labels, patch, 0.3)
    masks = torch.randint(len(labels), (3, 8 * patch, 8 * patch))
    encoded, shares = code.encode(masks, 8)
    assert encoded.shape == (3, code.channels, 8, 8) and encoded.abs().unique().tolist() == [pytest.approx(0.3)] and (shares == 1).all()
    assert torch.equal(code.decode(encoded, 8 * patch), masks)


def test_finer_masks_are_averaged():
    """One pixel for each latent of a mask of 4 px: the mean of the bits of 2 x 2 pixels, without the ignored one."""
    code = MaskBits(('background', 'foreground'), patch=1, scale=1.0)
    mask = torch.tensor([[[1, 1, 0, 0], [1, 0, 0, 0], [255, 1, 0, 1], [1, 0, 1, 1]]])
    encoded, shares = code.encode(mask, 2)
    np.testing.assert_allclose(encoded[0, 0], [[0.5, -1.0], [0.25, 0.5]])
    np.testing.assert_allclose(shares[0, 0], [[1, 1], [0.75, 1]])
    assert code.decode(torch.tensor([[[[1.0, -1.0], [1.0, -1.0]]]]), 4)[0].tolist() == [[1, 1, 0, 0]] * 4


def test_bad_input(tmp_path):
    for arguments in ((('a',), 1), (('a', 'a'), 1), ('ab', 1), (('a', 'b'), 0), (('a', 'b'), 1, 0.0)):
        with pytest.raises(InputError, match='masks: labels lists the names of at least 2 labels'):
            MaskBits(*arguments)
    with pytest.raises(InputError, match='masks: prediction_type is "sample", .* or None, .*; got \'epsilon\''):
        MaskBits(('a', 'b'), 1, prediction_type='epsilon')
    code = MaskBits(('background', 'foreground'), 4)
    with pytest.raises(InputError, match='a mask holds the label 3; model.masks.labels names 2: background, foreground'):
        code.encode(torch.full((1, 32, 32), 3), 8)
    with pytest.raises(InputError, match='masks of 40 px do not fit 8 latents of 4 pixels a side'):
        code.encode(torch.zeros(1, 40, 40, dtype=torch.long), 8)
    with pytest.raises(InputError, match='has no masks.json: it makes images without masks, for mmbdg.DiffusionSource'):
        MaskBits.read(tmp_path)
    cards = {'patch': '"patch": "4", "scale": 0.5', 'prediction_type': '"patch": 4, "scale": 0.5, "prediction_type": "epsilon"'}
    for key, wrong in cards.items():
        (tmp_path / 'masks.json').write_text(f'{{"labels": ["a", "b"], {wrong}}}')
        with pytest.raises(InputError, match=f'masks.json is not as it should be: {key}'):
            MaskBits.read(tmp_path)


def test_cards(tmp_path):
    """What the U-Net predicts is on the card; a card without it is older, and its U-Net predicts what the scheduler says."""
    for kind in ('sample', None):
        code = MaskBits(('background', 'foreground'), 4, prediction_type=kind)
        code.write(tmp_path)
        assert vars(MaskBits.read(tmp_path)) == vars(code) and MaskBits.read(tmp_path).prediction_type == kind
    (tmp_path / 'masks.json').write_text('{"labels": ["a", "b"], "patch": 2, "scale": 0.5}')
    assert MaskBits.read(tmp_path).prediction_type is None
