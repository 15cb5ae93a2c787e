"""Hooks that visualise a training: what they write, and that they do not change the training."""

import json
import random

import numpy as np
import pytest
import torch
from conftest import ROOT
from mmengine.config import Config
from mmengine.runner import Runner
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch.nn.functional import normalize

from mmbdg.engine import CorrespondenceHook, EmbeddingHook, SamplePredictionsHook
from mmbdg.engine.hooks.fixed_samples import fixed_views, predicted_mask, real_items, synthetic_items
from mmbdg.engine.hooks.periodic_hook import PeriodicHook, undisturbed
from mmbdg.engine.launch import build_runner
from mmbdg.engine.tensorboard import add_tensorboard, check_tensorboard
from mmbdg.errors import InputError

HOOKS = [
    dict(type='mmbdg.SamplePredictionsHook', interval=2, num_samples=4, blocks=2, side=64),
    dict(type='mmbdg.EmbeddingHook', interval=2, num_images=6),
    dict(type='mmbdg.CorrespondenceHook', interval=2, num_pairs=2),
]
BACKBONE = dict(type='mmpretrain.ResNet', depth=18, stem_channels=8, base_channels=8, strides=(1, 2, 2, 1), dilations=(1, 1, 1, 2))


def config(work_dir, hooks=HOOKS, joint=True, online=False, iterations=3, tensorboard=False):
    """A tiny training with the parts of the default config. Without ``online`` the labelled images are real images."""
    name = ('densecl_biggan_fpn_online' if online else 'densecl_biggan_fpn') if joint else 'baselines/densecl_fashion'
    cfg = Config.fromfile(ROOT / f'configs/{name}.py')
    cfg.merge_from_dict(dict(
        model=dict(queue_len=8, neck=dict(in_channels=64, hid_channels=16), backbone=BACKBONE),
        train_dataloader=dict(batch_size=4, num_workers=0, persistent_workers=False),
        train_cfg=dict(max_iters=iterations),
        default_hooks=dict(logger=dict(interval=1)),
    ))  # fmt: skip
    if joint:
        cfg.merge_from_dict(dict(
            model=dict(seg_neck=dict(in_channels=[8, 16, 32, 64], out_channels=8), seg_head=dict(in_channels=[8] * 4, channels=8)),
            train_cfg=dict(val_interval=100),
            val_dataloader=dict(dataset=dict(label_fraction=0.02)),
        ))  # fmt: skip
    if joint and not online:
        pipeline = cfg.train_dataloader.dataset.seg.pipeline[2:]
        cfg.train_dataloader.dataset.seg = dict(type='mmbdg.FashionMNIST32', split='test', label_space='classes', pipeline=pipeline)
    if tensorboard:
        cfg.visualizer.vis_backends.append(dict(type='TensorboardVisBackend'))
    cfg.custom_hooks, cfg.work_dir, cfg.log_level, cfg.experiment_name = hooks, str(work_dir), 'WARNING', work_dir.name
    return cfg


def trained(*args, **kwargs):
    runner = Runner.from_cfg(config(*args, **kwargs))
    runner.train()
    runner.visualizer.close()
    return runner


def losses(folder):
    lines = [json.loads(line) for path in folder.glob('*/vis_data/scalars.json') for line in path.read_text().splitlines()]
    return [(line['step'], line['loss']) for line in lines if 'loss' in line]


def test_pictures_and_scalars_in_both_backends(tmp_path):
    """The event file, the local files and the work dir contain the same pictures and numbers at the same steps."""
    runner = trained(tmp_path, tensorboard=True)
    (local,) = tmp_path.glob('*/vis_data')
    events = EventAccumulator(str(local), size_guidance=dict(images=0, scalars=0)).Reload()
    steps = dict(predictions=[2, 3], predictions_synthetic=[2, 3], correspondence=[0, 2, 3])
    assert set(events.Tags()['images']) == set(steps)
    for name, expected in steps.items():
        images = events.Images(name)
        assert [image.step for image in images] == expected
        for image in images:
            picture = np.asarray(Image.open(local / 'vis_image' / f'{name}_{image.step}.png'))
            assert picture.shape == (image.height, image.width, 3) and picture.std() > 20
    for name in ('predictions', 'predictions_synthetic'):
        last = np.asarray(Image.open(local / 'vis_image' / f'{name}_3.png'))
        assert np.array_equal(np.asarray(Image.open(tmp_path / f'{name}.png')), last)
        assert last.shape == (2 + 2 * 66, 2 + 6 * 66, 3)  # two rows of two samples, three columns each

    history = json.loads((tmp_path / 'embedding.json').read_text())
    assert history['images'] == 6 and [entry['step'] for entry in history['history']] == [0, 2, 3]
    for part in ('backbone', 'neck'):
        for key in ('alignment', 'uniformity'):
            logged = events.Scalars(f'embedding/{part}_{key}')
            assert [event.step for event in logged] == [0, 2, 3]
            np.testing.assert_allclose([event.value for event in logged], [entry[part][key] for entry in history['history']], rtol=1e-6)
    assert [event.step for event in events.Scalars('correspondence/similarity')] == [0, 2, 3]
    assert [event.step for event in events.Scalars('loss')] == [1, 2, 3]

    # The last entry again with plain code: each view in turn, all images at once.
    model, dataset = runner.model.eval(), runner.train_dataloader.dataset
    hook = next(hook for hook in runner.hooks if isinstance(hook, EmbeddingHook))
    assert torch.equal(hook._views.first, fixed_views(runner, 6).first)
    mean, std = (torch.tensor(v)[:, None, None] for v in ([123.675, 116.28, 103.53], [58.395, 57.12, 57.375]))
    with torch.no_grad():
        maps = [model.backbone((view.flip(1) - mean) / std)[0] for view in hook._views]
        rows = [normalize(model.neck((x,))[0]).double().numpy() for x in maps]
    assert len(dataset.ssl) > 6 and not torch.equal(*hook._views)
    x, y = rows
    np.testing.assert_allclose(history['history'][-1]['neck']['alignment'], ((x - y) ** 2).sum(1).mean(), rtol=1e-4)
    pairs = [[np.exp(-2 * ((z[i] - z[j]) ** 2).sum()) for i in range(6) for j in range(i)] for z in (x, y)]
    np.testing.assert_allclose(history['history'][-1]['neck']['uniformity'], np.mean([np.log(np.mean(p)) for p in pairs]), rtol=1e-4)


@pytest.mark.parametrize('kind', ['offline', 'online', 'plain'])
def test_the_training_is_bit_equal_without_them(tmp_path, kind):
    """Weights, queues, batch statistics, momentum encoder, losses and random states are equal with and without the hooks."""
    options = dict(joint=kind != 'plain', online=kind == 'online')
    hooks = HOOKS if options['joint'] else HOOKS[1:]
    results = []
    for name, some in dict(without=[], looking=hooks).items():
        runner = trained(tmp_path / name, some, **options)
        generators = torch.get_rng_state(), torch.tensor(np.random.get_state()[1].astype(int)), torch.tensor(random.getstate()[1])
        modes = [module.training for module in runner.model.modules()]
        results.append((runner.model.state_dict(), generators, losses(tmp_path / name), modes))
    for key, value in results[0][0].items():
        assert torch.equal(value, results[1][0][key]), key
    assert all(map(torch.equal, results[0][1], results[1][1]))
    assert results[0][2:] == results[1][2:] and len(results[0][2]) == 3
    assert (tmp_path / 'looking' / 'embedding.json').is_file()
    assert (tmp_path / 'looking' / 'predictions_synthetic.png').is_file() == options['joint']


def test_synthetic_predictions_are_in_the_frame_of_the_crop(tmp_path):
    """Predictions of synthetic images match the augmented crop.

    mmseg would flip predictions of a flipped training image back and resize them to the original size.
    """
    cfg = config(tmp_path, [])
    cfg.train_dataloader.dataset.seg.pipeline = [
        dict(type='mmseg.Resize', scale=(80, 80)),
        dict(type='mmseg.RandomCrop', crop_size=(64, 64)),
        dict(type='mmseg.RandomFlip', prob=1.0),
        dict(type='mmseg.PackSegInputs'),
    ]
    cfg.val_dataloader = cfg.val_cfg = cfg.val_evaluator = None
    runner = Runner.from_cfg(cfg)
    model, items = runner.model.eval(), synthetic_items(runner, 3)
    assert [torch.equal(a.inputs, b.inputs) for a, b in zip(items, synthetic_items(runner, 3), strict=True)] == [True] * 3
    for item in items:
        with torch.no_grad():
            inputs = model.data_preprocessor.seg(dict(inputs=[item.inputs], data_samples=[item.sample.clone()]))['inputs']
            logits = model.seg_head(model.seg_neck(model.extract_pyramid(inputs)))
            logits = torch.nn.functional.interpolate(logits, size=(64, 64), mode='bilinear')
            predicted = predicted_mask(runner, item)
        assert item.truth.shape == predicted.shape == (64, 64)
        assert (logits.argmax(1)[0].numpy() == predicted).mean() > 0.99
        dark = item.inputs.float().mean(0).numpy() < 16
        assert item.truth[dark].mean() < item.truth[~dark].mean()  # the mask matches the augmented image
    assert [item.truth for item in real_items(runner, 2)] == [None, None]
    runner.register_hook(hook := SamplePredictionsHook(num_samples=2))
    hook.prepare(runner)
    assert set(hook._items) == {'predictions_synthetic', 'predictions_real'}


def test_history_of_a_resumed_training(tmp_path):
    """A resumed training continues its history after the last step. Entries of later steps are computed again."""
    hooks = [dict(type='mmbdg.EmbeddingHook', interval=1, num_images=4)]
    runner = trained(tmp_path, hooks, joint=False, iterations=2)
    whole = json.loads((tmp_path / 'embedding.json').read_text())['history']
    history = [dict(step=0), dict(step=2, backbone='kept'), dict(step=3)]
    (tmp_path / 'embedding.json').write_text(json.dumps(dict(history=history)))
    cfg = config(tmp_path, hooks, joint=False, iterations=3)
    cfg.experiment_name, cfg.resume, cfg.load_from = 'resumed', True, str(tmp_path / 'iter_2.pth')
    Runner.from_cfg(cfg).train()
    resumed = json.loads((tmp_path / 'embedding.json').read_text())['history']
    assert [entry['step'] for entry in whole] == [0, 1, 2] and [entry['step'] for entry in resumed] == [0, 2, 3]
    assert resumed[1] == history[1] and resumed[2]['neck']['alignment'] > 0
    assert runner.iter == 2


class Counting(PeriodicHook):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.steps = []

    def look(self, runner, step):
        assert not torch.is_grad_enabled() and not any(module.training for module in runner.model.modules())
        self.steps.append(step)


@pytest.mark.parametrize(
    'interval, at_start, expected', [(None, False, [5]), (None, True, [0, 5]), (2, False, [2, 4, 5]), (5, True, [0, 5])]
)
def test_steps(interval, at_start, expected):
    """The hook runs once at each step, and only in the first process."""
    seen = []
    for rank in (0, 1):
        hook, runner = Counting(interval=interval, at_start=at_start), Fake(rank)
        hook.before_train(runner)
        for runner.iter in range(5):
            hook.after_train_iter(runner, runner.iter)
        runner.iter = 5
        hook.after_train(runner)
        seen.append(hook.steps)
    assert seen == [expected, []]


class Fake:
    def __init__(self, rank):
        self.rank, self.iter, self.model = rank, 0, torch.nn.Sequential(torch.nn.BatchNorm2d(2), torch.nn.Dropout())


def test_undisturbed_keeps_frozen_layers_and_random_numbers():
    model = torch.nn.Sequential(torch.nn.BatchNorm2d(2), torch.nn.BatchNorm2d(2))
    model[0].eval()
    states = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state()
    with undisturbed(model), pytest.raises(RuntimeError):
        random.random(), np.random.rand(), torch.rand(1)
        assert not model[1].training
        with undisturbed(model):
            raise RuntimeError
    assert [module.training for module in model.modules()] == [True, False, True] and torch.is_grad_enabled()
    assert (
        random.getstate() == states[0] and np.random.get_state()[1].tolist() == states[1] and torch.equal(torch.get_rng_state(), states[2])
    )


@pytest.mark.parametrize(
    'hook, message',
    [
        (lambda: EmbeddingHook(interval=0), 'interval of EmbeddingHook must be a number of iterations'),
        (lambda: EmbeddingHook(num_images=1), 'num_images of EmbeddingHook must be at least 2'),
        (lambda: CorrespondenceHook(num_pairs=0), 'num_pairs of CorrespondenceHook must be at least 1'),
    ],
)
def test_wrong_numbers_are_refused(hook, message):
    with pytest.raises(InputError, match=message):
        hook()


def test_wrong_trainings_are_refused_before_they_start(tmp_path):
    cfg = config(tmp_path, [HOOKS[1]], joint=False)
    cfg.train_dataloader.dataset.ssl.pipeline[0] = dict(type='Resize', scale=64)
    with pytest.raises(InputError, match='not two views of an image'):
        Runner.from_cfg(cfg).train()
    cfg = config(tmp_path, [HOOKS[0]], joint=False)
    cfg.experiment_name = 'other'
    with pytest.raises(InputError, match='finds no masks'):
        Runner.from_cfg(cfg).train()


def test_tensorboard_is_added_once_and_a_missing_one_is_named(tmp_path, monkeypatch):
    cfg = config(tmp_path)
    check_tensorboard(cfg)
    add_tensorboard(cfg)
    add_tensorboard(cfg)
    assert [backend.type for backend in cfg.visualizer.vis_backends] == ['LocalVisBackend', 'TensorboardVisBackend']
    check_tensorboard(cfg)
    monkeypatch.setattr('mmbdg.engine.tensorboard.find_spec', lambda name: None)
    with pytest.raises(InputError, match=r'pip install "mmbdg\[tensorboard\]"'):
        build_runner(cfg)
    assert not list(tmp_path.iterdir())
