"""The example config of docs/online.md works in a config of mmseg."""

import re

from conftest import ROOT
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.registry import DATA_SAMPLERS, DATASETS, MODELS, DefaultScope

BASE = """
train_dataloader = dict(
    batch_size=4,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(type='CityscapesDataset', data_root='data/cityscapes', pipeline=[dict(type='LoadImageFromFile')]),
)
model = dict(
    type='EncoderDecoder',
    data_preprocessor=dict(
        type='SegDataPreProcessor', mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], bgr_to_rgb=True, size=(64, 64)
    ),
)
"""


def test_three_parts(tmp_path):
    snippet, steering = re.findall(r'```python\n(.*?)```', (ROOT / 'docs/online.md').read_text(), flags=re.S)
    (tmp_path / 'base.py').write_text(BASE)
    (tmp_path / 'online.py').write_text("_base_ = 'base.py'\n" + snippet)
    cfg = Config.fromfile(tmp_path / 'online.py')
    with DefaultScope.overwrite_default_scope('mmseg'):
        dataset = DATASETS.build(cfg.train_dataloader.dataset)
        sampler = DATA_SAMPLERS.build(dict(cfg.train_dataloader.sampler, dataset=dataset, seed=0))
        preprocessor = MODELS.build(cfg.model.data_preprocessor)
    numbers = [n for n, _ in zip(sampler, range(4), strict=False)]
    batch = preprocessor(pseudo_collate([dataset[n] for n in numbers]), training=True)
    assert numbers == [0, 1, 2, 3] and batch['inputs'].shape == (4, 3, 64, 64)
    for n, sample in zip(numbers, batch['data_samples'], strict=True):
        labels = set(sample.gt_sem_seg.data.unique().tolist())
        assert labels <= {0, dataset.address(n)[0] + 1} and len(labels) == 2  # background and the class of the address
    named: dict = {}
    exec(steering.replace('..., ', "labelled_generator='fashion32', "), named)
    with DefaultScope.overwrite_default_scope('mmseg'):
        steered = MODELS.build(named['model']['data_preprocessor']).steering
    assert (steered.candidates, steered.score) == (4, 'entropy') and named['custom_hooks'] == [dict(type='mmbdg.SteeringHook')]
