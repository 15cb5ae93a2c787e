"""A small real training with mmengine's Runner that uses every random generator and can be stopped at any iteration."""

import random

import numpy as np
import torch
from mmengine.dist import get_world_size
from mmengine.evaluator import BaseMetric
from mmengine.hooks import Hook
from mmengine.logging import MessageHub
from mmengine.model import BaseModel, MMDistributedDataParallel
from mmengine.runner import Runner
from torch import nn


class NoisyPoints(torch.utils.data.Dataset):
    """16 points with noise from the random generators of numpy and Python."""

    def __len__(self):
        return 16

    def __getitem__(self, index):
        noise = np.random.randn(3).astype(np.float32) + random.gauss(0, 1)
        return dict(inputs=torch.full((3,), float(index)) / 8 - 1 + 0.1 * torch.from_numpy(noise))


class Net(BaseModel):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 1))

    def forward(self, inputs, mode='tensor'):
        out = self.net(torch.stack(inputs) + 0.1 * torch.randn(3))
        return dict(loss=(out - 1).square().mean()) if mode == 'loss' else [dict(out=value) for value in out]


class Score(BaseMetric):
    """A score that increases with each validation. It draws random numbers, like metrics that draw samples."""

    default_prefix = 'own'

    def process(self, data_batch, data_samples):
        self.results.append(float(torch.rand(())))

    def compute_metrics(self, results):
        return dict(score=float(MessageHub.get_current_instance().get_info('iter')))


class Killed(Exception):
    pass


class Recorder(Hook):
    """Records the losses and stops the training before iteration ``stop`` like a kill, without finishing anything."""

    priority = 'VERY_LOW'

    def __init__(self, stop=None):
        self.losses, self.stop = [], stop

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if runner.iter == self.stop:
            raise Killed

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self.losses.append(float(outputs['loss']))


class QuietRunner(Runner):
    """A Runner that does not log a description of the machine, which takes a second."""

    def _log_env(self, env_cfg):
        pass


NAMES = iter(range(10**6))


def build(work_dir, by_epoch=True, stop=None, resume=None, hooks=(), workers=0, **change):
    """A Runner of 4 epochs of 4 iterations, with a checkpoint and a validation after each epoch."""
    torch.manual_seed(0)
    loop = dict(by_epoch=True, max_epochs=4) if by_epoch else dict(by_epoch=False, max_iters=16, val_interval=4)
    recorder = Recorder(stop)
    checkpoint = dict(type='mmbdg.SafeCheckpointHook', interval=1 if by_epoch else 4, by_epoch=by_epoch, save_best='own/score')
    checkpoint |= dict(rule='greater') | change.pop('checkpoint', {})
    loader = dict(batch_size=4, num_workers=workers, collate_fn=dict(type='pseudo_collate'), dataset=NoisyPoints())
    validation = dict(val_dataloader=dict(loader, sampler=dict(type='DefaultSampler', shuffle=False)), val_cfg={}, val_evaluator=[Score()])
    runner = QuietRunner(
        model=Net() if get_world_size() == 1 else MMDistributedDataParallel(Net(), broadcast_buffers=False),
        work_dir=str(work_dir),
        train_dataloader=dict(loader, sampler=dict(type='DefaultSampler' if by_epoch else 'InfiniteSampler', shuffle=True)),
        train_cfg=loop,
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.02, momentum=0.9)),
        param_scheduler=dict(type='CosineAnnealingLR', T_max=16, by_epoch=False),
        default_hooks=dict(logger=None, checkpoint=checkpoint),
        custom_hooks=[dict(type='EMAHook'), *hooks, recorder],
        load_from=resume and str(resume),
        resume=bool(resume),
        log_level='ERROR',
        experiment_name=f'tiny_{next(NAMES)}',
        **dict(randomness=dict(seed=1)) | validation | change,
    )
    return runner, recorder


def train(work_dir, **options):
    """Losses of the completed iterations and the final state (None if stopped)."""
    runner, recorder = build(work_dir, **options)
    try:
        runner.train()
    except Killed:
        return recorder.losses, None
    return recorder.losses, {key: value.clone() for key, value in runner.model.state_dict().items()}
