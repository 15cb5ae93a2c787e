"""Annotated samples as a plain labelled dataset."""

import numpy as np
import pytest
from annotated import STEMS, make_out, noisy_masks, write_masks

from mmbdg.datasets import AnnotatedSegDataset
from mmbdg.errors import InputError
from mmbdg.files import write_png
from mmbdg.images import open_image

CLASSES = ('disc', 'square', 'ring')


@pytest.fixture
def root(tmp_path):
    """Annotated samples with square images, as generators make them."""
    out = make_out(tmp_path)
    rng = np.random.default_rng(1)
    for path in (out / 'images').rglob('*.png'):
        write_png(path, rng.integers(0, 256, (20, 20, 3), dtype=np.uint8))
    write_masks(out, {stem: mask[:, :20] for stem, mask in noisy_masks().items()}, 'annotations')
    return out


def test_items(root):
    dataset = AnnotatedSegDataset(str(root), 'tiny', CLASSES, pipeline=[dict(type='mmseg.PackSegInputs')])
    assert len(dataset) == len(STEMS) and dataset.metainfo['classes'] == ('background', *CLASSES)
    for i in range(len(dataset)):
        item, path = dataset[i], dataset.get_data_info(i)['img_path']
        np.testing.assert_array_equal(item['inputs'].permute(1, 2, 0).numpy()[..., ::-1], open_image(path))
        stem = path.split('/')[-1].removesuffix('.png')
        label = CLASSES.index(stem.split('_')[0]) + 1
        np.testing.assert_array_equal(item['data_samples'].gt_sem_seg.data[0].numpy(), label * (noisy_masks()[stem][:, :20] > 0))


def test_other_labels(root):
    dataset = AnnotatedSegDataset(str(root), 'tiny', CLASSES, label_space='fgbg')
    assert dataset.metainfo['classes'] == ('background', 'foreground') and set(np.unique(dataset[0]['gt_seg_map'])) == {0, 1}
    dataset = AnnotatedSegDataset(str(root), 'tiny', CLASSES, label_space=dict(round=['disc', 'ring']))
    assert len(dataset) == 4 and {item['gt_label'] for item in dataset} == {0, 2}


def test_a_missing_image(root):
    sorted((root / 'images').rglob('*.png'))[0].unlink()
    with pytest.raises(InputError, match='1 of 6 annotated samples have no image; the first is .*disc_0_0.png'):
        AnnotatedSegDataset(str(root), 'tiny', CLASSES)


def test_embedded():
    dataset = AnnotatedSegDataset('mmbdg://fashion32/annotated_latents', 'biggan32', 'fashion32')
    assert len(dataset) == 50 and dataset[0]['img'].shape == (32, 32, 3)
