"""Online sampling with tools/train.py: joint, as a plain segmentor, in two processes, and resumed."""

import json
import sys
from functools import partial
from importlib import import_module
from types import SimpleNamespace

import pytest
from conftest import ROOT, run_processes, run_tool
from mmengine.dataset import InfiniteSampler
from torch import nn
from torch.utils.data import DataLoader

from mmbdg.compat.checkpoint import read_state_dict
from mmbdg.datasets import OnlineSyntheticDataset
from mmbdg.engine import AddressedSampler
from mmbdg.errors import InputError
from mmbdg.models import OnlineDataPreprocessor

sys.path.append(str(ROOT / 'tools'))

PLAIN = 'configs/benchmark/fashion/fpn_r18_biggan-on.py'
OPTIONS = (
    'train_dataloader.num_workers=0',
    'train_dataloader.persistent_workers=False',
    'default_hooks.logger.interval=1',
    'default_hooks.checkpoint.interval=1',
    'default_hooks.checkpoint.max_keep_ckpts=-1',
    'custom_hooks=[]',
    'train_cfg.val_begin=1000',
)
WITHOUT_STATISTICS = ('model.backbone.norm_eval=True', 'model.decode_head.norm_cfg=None', 'model.decode_head.dropout_ratio=0')


def train(work_dir, *options, run=run_tool, more=(), **environment):
    run('tools/train.py', *more, '--work-dir', work_dir, '--cfg-options', *OPTIONS, *options, **environment)


def losses(folder, name='loss'):
    lines = [json.loads(line) for path in sorted(folder.glob('*/vis_data/scalars.json')) for line in path.read_text().splitlines()]
    return {line['step']: line[name] for line in lines if name in line}


def test_joint_pre_training(tmp_path):
    train(tmp_path, 'train_cfg.max_iters=3', 'train_dataloader.batch_size=8', 'model.queue_len=8',
          more=['configs/densecl_biggan_fpn_online.py'], MMBDG_CACHE=str(tmp_path / 'cache'))  # fmt: skip
    assert not (tmp_path / 'cache').exists()  # nothing was synthesised to disk
    parts = {key.split('.')[0] for key in read_state_dict(tmp_path / 'iter_3.pth')}
    assert parts == {'backbone', 'neck', 'encoder_k', 'queue', 'queue_ptr', 'queue2', 'queue2_ptr', 'seg_neck', 'seg_head'}
    assert len(losses(tmp_path, 'seg.loss_ce')) == 3


def test_two_processes_and_a_resume_by_one(tmp_path):
    """The second step in two processes equals the second step of one process that resumes, with the same eight samples."""
    common = (*WITHOUT_STATISTICS, 'train_cfg.max_iters=2')
    train(tmp_path / 'two', *common, 'train_dataloader.batch_size=4', run=partial(run_processes, 2),
          more=[PLAIN, '--launcher', 'pytorch'])  # fmt: skip
    train(tmp_path / 'one', *common, 'train_dataloader.batch_size=8', more=[PLAIN, '--resume', tmp_path / 'two' / 'iter_1.pth'])
    before, two, one = (read_state_dict(tmp_path / path) for path in ('two/iter_1.pth', 'two/iter_2.pth', 'one/iter_2.pth'))
    for key in ('backbone.layer4.0.conv1.weight', 'decode_head.conv_seg.weight'):
        moved = (two[key] - before[key]).norm()
        assert moved > 0 and (two[key] - one[key]).norm() < 0.01 * moved


@pytest.mark.parametrize(
    ('wrong', 'told'),
    [
        ('sampler', r"InfiniteSampler may: .*sampler=dict\(type='mmbdg.AddressedSampler'\)"),
        ('preprocessor', 'OnlineDataPreprocessor.*here is Identity'),
    ],
)
def test_half_a_config_is_refused(wrong, told):
    """A config without the sampler or the data preprocessor for online samples raises an error.

    With another sampler samples would repeat, and without the preprocessor there are no images.
    """
    dataset = OnlineSyntheticDataset('fashion32')
    sampler = InfiniteSampler(dataset, seed=0) if wrong == 'sampler' else AddressedSampler(dataset, seed=0)
    model = nn.Module()
    model.data_preprocessor = nn.Identity() if wrong == 'preprocessor' else OnlineDataPreprocessor('fashion32')
    runner = SimpleNamespace(train_loop=SimpleNamespace(dataloader=DataLoader(dataset, 2, sampler=sampler)), model=model, world_size=1)
    with pytest.raises(InputError, match=told):
        import_module('train').check_data(runner)
    sampler, model.data_preprocessor = AddressedSampler(dataset, seed=0), OnlineDataPreprocessor('fashion32')
    runner.train_loop.dataloader = DataLoader(dataset, 2, sampler=sampler)
    import_module('train').check_data(runner)
