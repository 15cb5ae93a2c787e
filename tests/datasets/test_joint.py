import numpy as np
from mmengine.dataset import default_collate

from mmbdg.datasets import JointDataset

REAL = dict(
    type='mmbdg.FashionMNIST32',
    split='test',
    pipeline=[dict(type='mmpretrain.MultiView', num_views=2, transforms=[[]]), dict(type='mmpretrain.PackInputs')],
)
LABELLED = dict(type='mmbdg.FashionMNIST32', split='test', label_fraction=0.05, pipeline=[dict(type='mmseg.PackSegInputs')])


def test_pairs():
    dataset = JointDataset(REAL, LABELLED)
    assert len(dataset) == 1000 and dataset.metainfo['classes'][0] == 'background'
    np.random.seed(0)
    batch = default_collate([dataset[i] for i in range(4)])
    assert [view.shape for view in batch['inputs']['ssl']] == [(4, 3, 32, 32)] * 2
    assert batch['inputs']['seg'].shape == (4, 3, 32, 32)
    assert len(batch['data_samples']['seg']) == 4 and 'gt_sem_seg' in batch['data_samples']['seg'][0]
    assert np.array_equal(batch['inputs']['ssl'][0][2].numpy().transpose(1, 2, 0), dataset.ssl.images[2][..., None].repeat(3, 2))
