"""Errors while building from a config name the key of the config."""

import re

import pytest
import torch
from mmengine.config import Config

from mmbdg.engine.config_values import check_values
from mmbdg.engine.launch import build_runner
from mmbdg.engine.work_dir import prepare_work_dir
from mmbdg.errors import InputError


def config(tmp_path, **options) -> Config:
    cfg = Config(
        dict(
            default_scope='mmseg',
            launcher='none',
            work_dir=str(tmp_path),
            model=dict(type='mmbdg.DCGAN', resolution=32),
            train_dataloader=dict(
                batch_size=2,
                sampler=dict(type='InfiniteSampler'),
                dataset=dict(type='mmbdg.FashionMNIST32', split='test', pipeline=[dict(type='PackSegInputs')]),
            ),
            train_cfg=dict(type='IterBasedTrainLoop', max_iters=1),
            optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1)),
            param_scheduler=dict(type='PolyLR', by_epoch=False),
            default_hooks=dict(logger=dict(type='LoggerHook')),
            custom_hooks=[dict(type='mmbdg.QueueReportHook')],
            visualizer=dict(type='Visualizer', name=str(tmp_path)),
            val_dataloader=dict(batch_size=2, sampler=dict(type='DefaultSampler'), dataset=dict(type='mmbdg.FashionMNIST32', split='test')),
            val_cfg=dict(),
            val_evaluator=dict(type='IoUMetric'),
        )
    )
    cfg.merge_from_dict(options)
    return cfg


@pytest.fixture
def first_error(tmp_path, monkeypatch):
    monkeypatch.setattr('mmengine.runner.Runner._log_env', lambda runner, env_cfg: None)

    def build(**options) -> str:
        with pytest.raises(InputError) as error:
            runner = build_runner(config(tmp_path, **options))
            runner.train_loop  # noqa: B018  builds it
            runner.optim_wrapper = runner.build_optim_wrapper(runner.optim_wrapper)
            runner.build_param_scheduler(runner.param_schedulers)
            runner.val_loop  # noqa: B018
        assert '\n' not in str(error.value)
        return str(error.value)

    return build


@pytest.mark.parametrize(
    ('options', 'told'),
    [
        ({'model.type': 'mmbdg.DCGANN'}, 'model cannot be built: there is no model "mmbdg.DCGANN"; did you mean "mmbdg.DCGAN"?'),
        ({'model.type': 'BigGAN'}, 'model cannot be built: there is no model "BigGAN"; did you mean "mmbdg.BigGAN"?'),
        ({'model.resolution': 'x'}, 'model cannot be built: '),
        ({'model.width': 3}, "model cannot be built: .*'width'"),
        ({'model': 3}, 'model cannot be built: model should be a nn.Module object or dict'),
        ({'train_dataloader.sampler.type': 'DefaultSample'}, 'train_dataloader cannot be built: .*did you mean "DefaultSampler"?'),
        ({'train_dataloader.dataset.split': 'trian'}, 'train_dataloader cannot be built: split must be'),
        ({'train_dataloader.dataset.pipeline': 3}, 'train_dataloader cannot be built: '),
        ({'train_dataloader.dataset': {'_delete_': True, 'x': 1}}, 'train_dataloader cannot be built: it has no type'),
        ({'train_dataloader.batch_size': 'x'}, 'train_dataloader cannot be built: '),
        ({'train_dataloader.num_workers': -1}, 'train_dataloader cannot be built: num_workers'),
        ({'train_dataloader.collate_fn': 3}, 'train_dataloader cannot be built: collate_fn should be'),
        ({'val_dataloader.sampler.type': 'X'}, 'val_dataloader cannot be built: there is no data sampler "X"'),
        ({'train_cfg.type': 'IterLoop'}, 'train_cfg cannot be built: there is no loop "IterLoop"'),
        ({'train_cfg': {'_delete_': True, 'max_epochs': 1}}, 'train_cfg cannot be built: .*max_epochs'),
        ({'train_cfg.max_iters': 1.5}, 'train_cfg cannot be built: `max_iters` should be a integer'),
        ({'optim_wrapper.optimizer.lr': 'a'}, "optim_wrapper cannot be built: '<' not supported"),
        ({'optim_wrapper.clip_grad': 3}, 'optim_wrapper cannot be built: If `clip_grad`'),
        ({'optim_wrapper.constructor': 'X'}, 'optim_wrapper cannot be built: there is no .* "X"'),
        ({'param_scheduler.type': 'PolyLRs'}, 'param_scheduler cannot be built: .*did you mean "PolyLR"?'),
        ({'param_scheduler.begin': 'x'}, 'param_scheduler cannot be built: '),
        ({'custom_hooks': [dict(type='mmbdg.QueueReport')]}, 'custom_hooks cannot be built: .*did you mean "mmbdg.QueueReportHook"?'),
        ({'default_hooks.logger.interval': 'a'}, 'default_hooks cannot be built: '),
        ({'visualizer.type': 'Visualiser'}, 'visualizer cannot be built: .*did you mean "Visualizer"?'),
        ({'val_evaluator.type': 'IoUMetrik'}, 'val_evaluator cannot be built: .*did you mean "IoUMetric"?'),
        ({'val_evaluator': 3}, 'val_cfg cannot be built: evaluator must be one of'),
        ({'log_processor.type': 'X'}, 'log_processor cannot be built: '),
        ({'randomness': dict(seed='a')}, 'randomness cannot be built: '),
        ({'env_cfg': dict(mp_cfg=dict(mp_start_method='x'))}, "env_cfg cannot be built: cannot find context for 'x'"),
        ({'train_dataloader': None}, 'None cannot be built: train_dataloader, train_cfg, and optim_wrapper should be either all None'),
    ],
)
def test_what_cannot_be_built(options, told, first_error):
    assert re.match(told.replace('?', r'\?') if told.endswith('?') else told, first_error(**options).replace('the config None', 'None'))


def test_an_assertion_without_a_word(first_error, monkeypatch):
    def assertive(self, **kwargs):
        raise AssertionError

    monkeypatch.setattr('mmbdg.generators.DCGAN.__init__', assertive)
    assert 'model cannot be built: AssertionError at ' in (told := first_error()) and told.endswith('raise AssertionError')


def test_memory_is_no_fault_of_the_config(tmp_path, monkeypatch):
    """An out-of-memory error is not reported as an error of the config, because ``plain_errors`` has a message for it."""

    def full(self, **kwargs):
        raise torch.cuda.OutOfMemoryError('CUDA out of memory')

    monkeypatch.setattr('mmbdg.generators.DCGAN.__init__', full)
    with pytest.raises(torch.cuda.OutOfMemoryError):
        build_runner(config(tmp_path))


@pytest.mark.parametrize(
    ('key', 'value', 'told'),
    [
        ('train_cfg.max_iters', 0, 'train_cfg.max_iters: Input should be greater than 0, got 0'),
        ('train_cfg.max_iters', -3, 'greater than 0, got -3'),
        ('train_cfg.max_iters', 1.5, 'train_cfg.max_iters: Input should be a valid integer, got 1.5'),
        ('train_cfg.max_epochs', 0, 'train_cfg.max_epochs: Input should be greater than 0'),
        ('train_cfg.val_interval', 0, 'train_cfg.val_interval: Input should be greater than 0'),
        ('train_dataloader.batch_size', 'x', "train_dataloader.batch_size: Input should be a valid integer, got 'x'"),
        ('train_dataloader.batch_size', 0, 'train_dataloader.batch_size: Input should be greater than 0'),
        ('val_dataloader.num_workers', -1, 'val_dataloader.num_workers: Input should be greater than or equal to 0, got -1'),
        ('train_dataloader.drop_last', 'yes', "train_dataloader.drop_last: Input should be a valid boolean, got 'yes'"),
        ('train_dataloader.dataset', {'_delete_': True, 'x': 1}, 'train_dataloader.dataset.type: Field required'),
        ('train_dataloader.dataset', 3, 'train_dataloader.dataset: Input should be a valid dictionary, got 3'),
        ('model', 3, 'model: Input should be a valid dictionary, got 3'),
        ('optim_wrapper.optimizer.lr', 'a', "optim_wrapper.optimizer.lr: Input should be a valid number, got 'a'"),
        ('optim_wrapper.optimizer.lr', -1, 'optim_wrapper.optimizer.lr: Input should be greater than or equal to 0'),
        ('optim_wrapper.accumulative_counts', 0, 'optim_wrapper.accumulative_counts: Input should be greater than 0'),
        ('default_hooks.logger', {'_delete_': True, 'interval': 1}, 'default_hooks.logger.type: Field required'),
        ('default_hooks.logger.interval', 'a', "default_hooks.logger.interval: Input should be a valid integer, got 'a'"),
        ('custom_hooks', 3, 'custom_hooks: Input should be a valid list, got 3'),
    ],
)
def test_values(key, value, told, tmp_path):
    check_values(config(tmp_path))
    with pytest.raises(InputError, match=told) as error:
        check_values(config(tmp_path, **{key: value}))
    assert '\n' not in str(error.value)


def test_whole_numbers_may_be_floats(tmp_path):
    check_values(config(tmp_path, **{'train_cfg.max_iters': 1e4, 'default_hooks.logger': None, 'train_dataloader.batch_size': None}))


def test_a_work_dir_that_cannot_be_one(tmp_path):
    (tmp_path / 'file').touch()
    for place in (tmp_path / 'file', tmp_path / 'file' / 'below', '/proc/none'):
        with pytest.raises(InputError, match=f'--work-dir {place} cannot be written to: '):
            prepare_work_dir(Config(dict(work_dir=str(place))))
    prepare_work_dir(Config(dict(work_dir=str(tmp_path / 'a' / 'b'))))
    assert list((tmp_path / 'a' / 'b').iterdir()) == []
