"""Hooks that are added to every training."""

import pytest
from mmengine.config import Config
from mmengine.hooks import CheckpointHook

from mmbdg.engine.hooks.standing_hooks import STANDING, add_standing_hooks

KINDS = ('CheckpointHook', CheckpointHook, 'mmengine.CheckpointHook')


@pytest.mark.parametrize('hook', [None, *(dict(type=kind, interval=3) for kind in KINDS)])
def test_hooks_arrive_in_any_config(hook):
    mine = dict(type='mmbdg.QueueReportHook')
    cfg = Config(dict(default_hooks=dict(checkpoint=hook), custom_hooks=[mine, dict(type='CheckpointHook', interval=9)]) if hook else {})
    add_standing_hooks(cfg)
    add_standing_hooks(cfg)  # a second call changes nothing
    assert cfg.default_hooks.checkpoint.type == 'mmbdg.SafeCheckpointHook'
    assert cfg.default_hooks.checkpoint.interval == (3 if hook else 1)
    types = [hook.type for hook in cfg.custom_hooks]
    assert types[-7:] == [f'mmbdg.{name}' for name in STANDING] and len(types) == (9 if hook else 7)
    assert not hook or types[:2] == ['mmbdg.QueueReportHook', 'mmbdg.SafeCheckpointHook']


def test_who_wants_no_checkpoints_gets_none():
    cfg = Config(dict(default_hooks=dict(checkpoint=None)))
    add_standing_hooks(cfg)
    assert cfg.default_hooks.checkpoint is None


@pytest.mark.parametrize('runtime', ['mmpretrain::_base_/default_runtime.py', 'mmseg::_base_/default_runtime.py'])
def test_inherited_runtimes(runtime, tmp_path):
    (tmp_path / 'config.py').write_text(f"_base_ = '{runtime}'\n")
    cfg = Config.fromfile(tmp_path / 'config.py')
    add_standing_hooks(cfg)
    assert cfg.default_hooks.get('checkpoint').type == 'mmbdg.SafeCheckpointHook'


def test_a_hook_of_the_config_stays_as_it_is_there():
    cfg = Config(
        dict(default_hooks=dict(agreement=dict(type='mmbdg.RankAgreementHook', interval=7)), custom_hooks=[dict(type='StopOnNaNHook')])
    )
    add_standing_hooks(cfg)
    assert [hook.type for hook in cfg.custom_hooks].count('mmbdg.RankAgreementHook') == 0
    assert sum(hook.type.endswith('StopOnNaNHook') for hook in cfg.custom_hooks) == 1
    assert cfg.default_hooks.agreement.interval == 7
