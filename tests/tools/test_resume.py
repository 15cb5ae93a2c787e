"""A training that was killed, and killed again, resumes to the numbers of one that was not: bit for bit, on a CPU."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import ROOT, run_tool

from mmbdg.compat.checkpoint import read_checkpoint

TINY = f"""
_base_ = '{ROOT}/configs/densecl_biggan_fpn.py'
iterations = 20
model = dict(
    queue_len=32,
    backbone=dict(base_channels=8, stem_channels=8),
    neck=dict(in_channels=64, hid_channels=32),
    seg_neck=dict(in_channels=[8, 16, 32, 64], out_channels=16),
    seg_head=dict(in_channels=[16] * 4, channels=16),
)
prepare = dict(num_per_class=2, candidates=2, rejection_rate=0.0, uncertainty_rate=0.0)
train_dataloader = dict(
    batch_size=8, num_workers=0, persistent_workers=False, dataset=dict(ssl=dict(label_fraction=0.0032), seg=dict(prepare=prepare))
)
val_dataloader = dict(dataset=dict(label_fraction=0.002))
default_hooks = dict(checkpoint=dict(interval=4))
custom_hooks = [dict(type='EMAHook')]
"""
EPOCHS = """
_base_ = 'iterations.py'
reach = dict(_delete_=True)
train_cfg = dict(_delete_=True, type='EpochBasedTrainLoop', max_epochs=5)
train_dataloader = dict(num_workers=1, persistent_workers=True, sampler=dict(by_epoch=True))
param_scheduler = dict(T_max=5, by_epoch=True)
default_hooks = dict(checkpoint=dict(by_epoch=True, interval=1))
log_processor = dict(by_epoch=True)
"""
GAN = f"""
_base_ = '{ROOT}/configs/gan/biggan_fashion32.py'
model = dict(generator=dict(base_channels=8), discriminator=dict(base_channels=8))
train_dataloader = dict(batch_size=4)
val_dataloader = dict(dataset=dict(label_fraction=0.001))
train_cfg = dict(max_iters=12, val_interval=4)
default_hooks = dict(checkpoint=dict(interval=4))
custom_hooks = [dict(type='mmbdg.RefreshAverageHook', num_samples=20)]
"""
CONFIGS = dict(iterations=TINY, epochs=EPOCHS, gan=GAN)
VALIDATED, NO_SEED = ['--cfg-options', 'train_cfg.val_interval=4'], ['--cfg-options', 'randomness.seed=None']
OPTIONS = dict(  # how it begins, how it resumes; a seed that was drawn is found in the checkpoint
    iterations=(VALIDATED, ['--resume', *VALIDATED]),
    epochs=(['--cfg-options', 'randomness.seed=5'], ['--resume', *NO_SEED]),
    gan=([], ['--resume']),
)
NAMES = dict(iterations=('iter_4.pth', 'iter_12.pth', 'iter_20.pth'), epochs=('epoch_1.pth', 'epoch_3.pth', 'epoch_5.pth'))
NAMES |= dict(gan=('iter_4.pth', 'iter_8.pth', 'iter_12.pth'))


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    """Of each kind a whole training, and one that is killed twice; the second time its newest checkpoint is cut off as well."""
    folder = tmp_path_factory.mktemp('resume')
    jobs = []
    for kind, text in CONFIGS.items():
        begun, resumed = OPTIONS[kind]
        (folder / f'{kind}.py').write_text(text)
        first, second, _ = (str(folder / f'{kind}_killed' / name) for name in NAMES[kind])
        more = dict(cut=f'{folder}/{kind}_killed/[ei]*.pth')
        for name, work, options, extra in (
            ('whole', 'whole', begun, {}),
            ('kill1', 'killed', begun, dict(kill_after=first)),
            ('kill2', 'killed', resumed, dict(kill_after=second, **more)),
            ('resumed', 'killed', resumed, {}),
        ):
            arguments = [str(folder / f'{kind}.py'), '--work-dir', str(folder / f'{kind}_{work}'), *options]
            jobs.append(dict(arguments=arguments, output=str(folder / f'{kind}_{name}.txt'), **extra))
    result = run_tool(
        Path(__file__).parent / 'killed_trainings.py', json.dumps(jobs), OMP_NUM_THREADS='1', MMBDG_CACHE=str(folder), PYTHONPATH=str(ROOT)
    )
    codes = json.loads(result.stdout.splitlines()[-1])
    for job, code in zip(jobs, codes, strict=True):
        assert code == (-9 if 'kill_after' in job else 0), f'{job}\n{Path(job["output"]).read_text()[-6000:]}'
    return folder


def losses(checkpoint):
    """Of every iteration."""
    scalars = checkpoint['message_hub']['log_scalars']
    return {name: scalar.data[0] for name, scalar in scalars.items() if 'loss' in name}


def assert_same(first, second, where=''):
    assert type(first) is type(second), where
    if isinstance(first, torch.Tensor):
        assert torch.equal(first, second), where
    elif isinstance(first, dict):
        assert first.keys() == second.keys(), where
        for key in first:
            assert_same(first[key], second[key], f'{where}/{key}')
    elif isinstance(first, list | tuple):
        assert len(first) == len(second), where
        for i, pair in enumerate(zip(first, second, strict=True)):
            assert_same(*pair, f'{where}/{i}')
    else:
        assert first == second, where


@pytest.mark.parametrize('kind', CONFIGS)
def test_killed_training_ends_as_an_uninterrupted_one(trained, kind):
    whole, resumed = (read_checkpoint(trained / f'{kind}_{which}' / NAMES[kind][-1]) for which in ('whole', 'killed'))
    expected, found = losses(whole), losses(resumed)
    assert expected.keys() == found.keys() and len(expected) >= 2
    for name in expected:
        np.testing.assert_array_equal(found[name], expected[name], name)
        assert len(set(expected[name])) > 1
    for part in whole.keys() - {'meta', 'message_hub'}:
        assert_same(whole[part], resumed[part], part)
    assert {'state_dict', 'optimizer', 'param_schedulers', 'random_states'} <= whole.keys()
    assert kind == 'gan' or 'ema_state_dict' in whole


@pytest.mark.parametrize('kind', CONFIGS)
def test_says_what_it_resumes_from(trained, kind):
    """The second time the one before the newest, which was cut off."""
    output = (trained / f'{kind}_resumed.txt').read_text()
    assert 'skips' in output and 'cut off' in output and 'resumed epoch' in output
    assert 'resumed epoch' in (trained / f'{kind}_kill2.txt').read_text()
    assert not list((trained / f'{kind}_killed').glob('*.part'))


def test_nothing_readable(trained, tmp_path):
    """A plain error; a start from the beginning would remove what is there."""
    (tmp_path / 'iter_4.pth').write_bytes((trained / 'iterations_whole' / 'iter_20.pth').read_bytes()[:1000])
    result = run_tool('tools/train.py', trained / 'iterations.py', '--work-dir', tmp_path, '--resume', check=False)
    assert result.returncode == 2 and 'none of the checkpoints' in result.stdout and 'Traceback' not in result.stdout
    assert [path.name for path in tmp_path.iterdir()] == ['iter_4.pth']
