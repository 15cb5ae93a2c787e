"""Training interpreters with tools/train.py: two processes, a resumed run, and the figures of tools/test.py."""

import json

import pytest
import torch
from conftest import ROOT, TINY_CLASSES, TINY_GENERATOR, TINY_INTERPRETER, build_tiny, run_processes, run_tool

from mmbdg.compat.checkpoint import read_state_dict
from mmbdg.files import write_safetensors

CONFIG = """
_base_ = {base!r}
num_members, member_batch = 3, 2
generator = dict(init_cfg=dict(type='Pretrained', checkpoint={weights!r}), **{generator})
model = dict(type='mmbdg.InterpreterTraining', generator=generator, interpreter={interpreter})
latents = dict(
    type='mmbdg.RuleAnnotatedLatents', generator=generator, rule='mmbdg.annotation.foreground.fashion_foreground', class_names={classes},
    thresholds=(120, 110), per_class=4)
train_dataloader = dict(
    batch_size=6, sampler=dict(type='mmbdg.EnsembleSampler', num_members=3, per_member=2, folds=2), dataset=dict(seed=1, **latents))
val_dataloader = dict(dataset=dict(seed=2, **latents))
test_dataloader = val_dataloader
test_evaluator = dict(_delete_=True, type='mmbdg.EnsembleQuality')
train_cfg = dict(max_iters=6, val_interval=3)
default_hooks = dict(checkpoint=dict(interval=3, save_best='mIoU_fgbg'), logger=dict(interval=1))
custom_hooks = [dict(type='mmbdg.ExportLabelledGeneratorHook', classes={classes}, truncation=None)]
"""


@pytest.fixture(scope='module')
def config(tmp_path_factory):
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp('config')
    write_safetensors(folder / 'g.safetensors', build_tiny(TINY_GENERATOR).state_dict())
    text = CONFIG.format(
        base=str(ROOT / 'configs/_base_/interpreter_training.py'),
        weights=str(folder / 'g.safetensors'),
        generator=TINY_GENERATOR,
        interpreter=TINY_INTERPRETER,
        classes=TINY_CLASSES,
    )
    (folder / 'tiny.py').write_text(text)
    return folder / 'tiny.py'


@pytest.fixture(scope='module')
def trained(config, tmp_path_factory):
    work_dir = tmp_path_factory.mktemp('trained')
    run_tool('tools/train.py', config, '--work-dir', work_dir)
    return work_dir


def test_resumed_training_ends_with_the_same_weights(config, trained, tmp_path):
    run_tool('tools/train.py', config, '--work-dir', tmp_path, '--cfg-options', 'train_cfg.max_iters=3')
    run_tool('tools/train.py', config, '--work-dir', tmp_path, '--resume')
    whole, resumed = (read_state_dict(folder / 'iter_6.pth') for folder in (trained, tmp_path))
    assert all(key.startswith('interpreter.') for key in whole)
    for key, value in whole.items():
        assert torch.equal(value, resumed[key]), key


def test_figures(config, trained):
    best = next(trained.glob('best_mIoU_fgbg_iter_*.pth'))
    run_tool('tools/test.py', config, best, '--work-dir', trained, '--cfg-options', 'model.keep_members=True')
    metrics = json.loads((trained / 'test.json').read_text())['metrics']
    assert {'mIoU_fgbg', 'mIoU_classes', 'single_fgbg', 'kept_fgbg', 'spearman'} <= metrics.keys()
    assert (trained / 'labelled_generator' / 'labelled_generator.json').is_file()


HOOK = """
import torch
from mmengine.dist import all_gather
from mmengine.hooks import Hook
from mmengine.registry import HOOKS


@HOOKS.register_module()
class GatherWeights(Hook):
    def after_train(self, runner):
        weights = torch.cat([p.detach().flatten() for p in runner.model.parameters()])
        batches = torch.stack([p.running_mean.sum() for p in runner.model.modules() if hasattr(p, 'running_mean')])
        torch.save([all_gather(weights), all_gather(batches)], runner.work_dir + '/ranks.pth')
"""


def test_two_processes_end_with_the_same_weights(config, tmp_path):
    """Two processes with different samples share gradients and batch statistics."""
    (tmp_path / 'gather_weights.py').write_text(HOOK)
    text = config.read_text().replace(
        'custom_hooks = [', "custom_imports = dict(imports=['gather_weights'])\ncustom_hooks = [dict(type='GatherWeights'), "
    )
    (tmp_path / 'config.py').write_text(text)
    options = ['--launcher', 'pytorch', '--work-dir', tmp_path, '--cfg-options', 'train_cfg.max_iters=3']
    assert 'gloo' in run_processes(2, 'tools/train.py', tmp_path / 'config.py', *options, PYTHONPATH=str(tmp_path))
    (one, other), (one_batch, other_batch) = torch.load(tmp_path / 'ranks.pth', weights_only=True)
    assert torch.equal(one, other) and torch.equal(one_batch, other_batch)
    assert (tmp_path / 'labelled_generator').is_dir()


def test_pixels_are_the_same_after_a_resume(config, tmp_path):
    text = config.read_text() + "model['interpreter']['member'] = dict(type='mmbdg.PixelMLP')\nmodel['pixels_per_image'] = 9\n"
    (tmp_path / 'config.py').write_text(text)
    for name, runs in dict(whole=[[]], resumed=[['--cfg-options', 'train_cfg.max_iters=3'], ['--resume']]).items():
        for more in runs:
            run_tool('tools/train.py', tmp_path / 'config.py', '--work-dir', tmp_path / name, *more)
    whole, resumed = (read_state_dict(tmp_path / name / 'iter_6.pth') for name in ('whole', 'resumed'))
    assert all(torch.equal(value, resumed[key]) for key, value in whole.items())


@pytest.mark.parametrize(
    'option, told', [('model.interpreter.member.num_outputs=5', 'has 5 outputs'), ('train_dataloader.batch_size=12', 'batches of 3 x 2')]
)
def test_sizes_that_do_not_fit_are_named(config, tmp_path, option, told):
    result = run_tool('tools/train.py', config, '--work-dir', tmp_path, '--cfg-options', option, check=False)
    assert result.returncode == 2 and told in result.stdout
