import numpy as np
import pytest

from mmbdg.errors import InputError
from mmbdg.registry import TRANSFORMS

MASK = np.array(
    [
        [1, 1, 0, 0, 0, 3],
        [1, 2, 0, 0, 0, 3],
        [0, 0, 1, 0, 0, 0],
        [0, 0, 0, 0, 255, 0],
        [4, 0, 0, 0, 0, 0],
    ],
    np.uint8,
)  # components of 5 pixels (diagonal neighbours belong together, and the labels 1 and 2), of 2 and of 1


@pytest.mark.parametrize(('share', 'removed'), [(0, []), (0.2, []), (0.21, [4]), (0.4, [4]), (0.41, [3, 4]), (1, [3, 4])])
def test_by_hand(share, removed):
    out = TRANSFORMS.build(dict(type='mmbdg.DropSmallComponents', min_share=share)).transform(dict(gt_seg_map=MASK.copy(), img=None))
    assert out['gt_seg_map'].dtype == np.uint8 and out['img'] is None
    np.testing.assert_array_equal(out['gt_seg_map'], np.where(np.isin(MASK, removed), 0, MASK))


def test_equal_sizes_empty_masks_and_wide_labels():
    transform = TRANSFORMS.build(dict(type='mmbdg.DropSmallComponents', min_share=1, ignore=65535))
    for mask in (np.array([[7, 0, 300]], np.uint16), np.zeros((2, 3), np.int64), np.full((2, 2), 65535, np.uint16)):
        out = transform.transform(dict(gt_seg_map=mask))['gt_seg_map']
        assert out.dtype == mask.dtype and np.array_equal(out, mask)


@pytest.mark.parametrize('share', [-0.1, 1.01, float('nan')])
def test_refused(share):
    with pytest.raises(InputError, match='min_share'):
        TRANSFORMS.build(dict(type='mmbdg.DropSmallComponents', min_share=share))
