"""The tools change a config only as the list of the changes says."""

import copy
from argparse import Namespace

import pytest
import torch
from mmengine.config import Config

from mmbdg.compat.config_options import differences
from mmbdg.engine.config_changes import CHANGES, TEST_CHANGES, TRAINING_CHANGES
from mmbdg.engine.launch import load_config

CONFIG = """
model = dict(type='Net', backbone=dict(init_cfg=dict(type='mmbdg.PretrainedBackbone', checkpoint=None)))
train_dataloader = dict(dataset=dict(type='X'), num_workers=0, prefetch_factor=4)
val_dataloader = dict(dataset=dict(type='X'), num_workers=0, prefetch_factor=4)
test_dataloader = dict(dataset=dict(type='X'), num_workers=0, prefetch_factor=4)
optim_wrapper = dict(optimizer=dict(type='SGD', lr=0.1))
visualizer = dict(type='Visualizer', vis_backends=[dict(type='LocalVisBackend')])
custom_hooks = [dict(type='Y')]
randomness = dict(seed=3)
load_from, resume = 'a.pth', True
requires = dict(load_from='train it')
other = 1
"""


@pytest.fixture
def args(tmp_path, monkeypatch):
    (tmp_path / 'net.py').write_text(CONFIG)
    (tmp_path / 'work').mkdir()
    monkeypatch.setattr(torch.distributed, 'is_initialized', lambda: True)
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    return Namespace(
        config=str(tmp_path / 'net.py'),
        cfg_options=None,
        work_dir=str(tmp_path / 'work'),
        launcher='pytorch',
        local_rank=0,
        resume='b.pth',
        amp='bf16',
        tensorboard=True,
        channels_last=True,
    )


def changed(args, changes):
    """The keys that each change alters."""
    cfg = load_config(args, ())
    found = []
    for change in changes:
        before = Config(copy.deepcopy(cfg.to_dict()))
        change.apply(cfg, args)
        found.append({place.split('.')[0] for place in differences(before, cfg)})
    return found


@pytest.mark.parametrize('changes', [TRAINING_CHANGES, TEST_CHANGES])
def test_each_change_alters_only_its_keys(args, changes):
    for change, keys in zip(changes, changed(args, changes), strict=True):
        assert keys and keys <= set(change.keys or ['model'])


def test_all_changes_of_a_training(args):
    cfg = load_config(args, TRAINING_CHANGES)
    assert (cfg.launcher, cfg.work_dir) == ('pytorch', args.work_dir)
    assert cfg.model.backbone.init_cfg is None and cfg.model_wrapper_cfg.type == 'MMDistributedDataParallel'
    assert all('prefetch_factor' not in cfg[f'{part}_dataloader'] for part in ('train', 'val', 'test'))
    assert (cfg.resume, cfg.load_from, cfg.requires) == (True, 'b.pth', {})
    assert cfg.custom_hooks[0].type == 'Y' and len(cfg.custom_hooks) > 1
    assert cfg.optim_wrapper.type == 'mmbdg.AutocastOptimWrapper'
    assert [backend.type for backend in cfg.visualizer.vis_backends] == ['LocalVisBackend', 'TensorboardVisBackend']


def test_nothing_asked(args):
    """Without options of the command line, a training keeps its optimiser, its visualizer and its own resume."""
    args.resume = args.amp = None
    args.tensorboard = False
    cfg = load_config(args, TRAINING_CHANGES)
    assert (cfg.resume, cfg.load_from) == (True, 'a.pth') and 'type' not in cfg.optim_wrapper
    assert [backend.type for backend in cfg.visualizer.vis_backends] == ['LocalVisBackend']


def test_a_tested_checkpoint_is_not_overwritten(args):
    cfg = load_config(args, TEST_CHANGES)
    assert (cfg.load_from, cfg.resume) == (None, False) and len(load_config(args, CHANGES).custom_hooks) == 1
