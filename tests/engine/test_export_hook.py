"""The exported weights of a training, also of one that is stopped early."""

import json
import logging
from types import SimpleNamespace

import pytest
import torch
from mmengine.config import ConfigDict

from mmbdg.compat.checkpoint import read_state_dict
from mmbdg.engine import ExportWeightsHook
from mmbdg.errors import InputError


def runner(folder, step, **info):
    """A runner after ``step`` iterations. Its checkpoints contain this number."""
    for path in info.values():
        if str(path).endswith('.pth') and not (folder / path).exists():
            torch.save(dict(state_dict={'net.w': torch.tensor([float(step)])}), folder / path)
    info = {key: str(folder / value) if str(value).endswith('.pth') else value for key, value in info.items()}
    cfg = ConfigDict(model=dict(generator=dict(type='x', size=3, init_cfg=None)))
    return SimpleNamespace(
        rank=0, iter=step, work_dir=folder, logger=logging.getLogger(), cfg=cfg, message_hub=SimpleNamespace(runtime_info=info)
    )


def exported(folder):
    path = folder / 'out.safetensors'
    return (read_state_dict(path)['w'].item(), json.loads((folder / 'out.safetensors.json').read_text())) if path.exists() else None


def test_each_best_checkpoint(tmp_path):
    hook = ExportWeightsHook('net.', 'out.safetensors', config='model.generator')
    hook.after_train_iter(runner(tmp_path, 1), 0)
    assert exported(tmp_path) is None
    hook.after_train_iter(runner(tmp_path, 2, last_ckpt='last2.pth'), 1)  # there is no best checkpoint yet
    weight, card = exported(tmp_path)
    assert weight == 2 and card == dict(checkpoint='last2.pth', prefix='net.', iterations=2, best_score=None, config=dict(type='x', size=3))
    hook.after_val_epoch(runner(tmp_path, 4, last_ckpt='last2.pth', best_ckpt='best4.pth', best_score=0.5))
    assert exported(tmp_path)[0] == 4 and exported(tmp_path)[1]['best_score'] == 0.5
    hook.after_train_iter(runner(tmp_path, 6, last_ckpt='last6.pth', best_ckpt='best4.pth', best_score=0.5), 5)
    assert exported(tmp_path)[1]['iterations'] == 4  # the best checkpoint has not changed
    hook.after_train(runner(tmp_path, 8, last_ckpt='last8.pth', best_ckpt='best4.pth', best_score=0.5))
    assert exported(tmp_path)[0] == 4 and exported(tmp_path)[1]['iterations'] == 8


def test_a_checkpoint_that_is_gone(tmp_path):
    """No export and no error if the best checkpoint that the runner remembers was deleted."""
    hook, gone = ExportWeightsHook('net.', 'out.safetensors'), runner(tmp_path, 3, best_ckpt='best3.pth')
    (tmp_path / 'best3.pth').unlink()
    hook.after_train_iter(gone, 2)
    assert exported(tmp_path) is None


def test_a_place_that_the_config_does_not_have(tmp_path):
    hook = ExportWeightsHook('net.', 'out.safetensors', config='model.network')
    with pytest.raises(InputError, match='names model.network, which is not in the config'):
        hook.after_train(runner(tmp_path, 1, last_ckpt='last1.pth'))
