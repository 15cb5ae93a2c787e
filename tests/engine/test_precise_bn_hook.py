import numpy as np
import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.model import BaseModel
from mmengine.runner import Runner
from torch import nn

from mmbdg.compat.checkpoint import read_checkpoint
from mmbdg.engine import PreciseBNHook


class Points(torch.utils.data.Dataset):
    def __len__(self):
        return 12

    def __getitem__(self, index):
        return dict(inputs=torch.tensor([float(index), -2.0 * index]))


class Net(BaseModel):
    """A model whose head is used in mode "loss" only."""

    def __init__(self):
        super().__init__()
        self.norm, self.head, self.frozen = nn.BatchNorm1d(2), nn.BatchNorm1d(2), nn.BatchNorm1d(2)
        self.batches = []

    def train(self, mode=True):
        super().train(mode)
        self.frozen.eval()
        return self

    def forward(self, inputs, mode='tensor'):
        inputs = torch.stack(inputs)
        self.batches.append(inputs)
        out = self.frozen(self.norm(inputs))
        return dict(loss=self.head(out + 3).square().mean()) if mode == 'loss' else out


class Watch(Hook):
    priority = 'VERY_HIGH'

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self.weights = {key: value.clone() for key, value in runner.model.state_dict().items()}
        runner.model.batches.clear()


def test_statistics_of_the_final_weights(tmp_path):
    watch, hook = Watch(), PreciseBNHook(iterations=7)
    loader = dict(batch_size=4, num_workers=0, sampler=dict(type='InfiniteSampler'), dataset=Points())
    runner = Runner(
        Net(),
        str(tmp_path),
        train_dataloader=loader,
        train_cfg=dict(by_epoch=False, max_iters=3),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1)),
        default_hooks=dict(logger=None, checkpoint=dict(type='CheckpointHook', interval=3, by_epoch=False)),
        custom_hooks=[watch, hook],
        randomness=dict(seed=0),
        log_level='ERROR',
        experiment_name='precise_bn',
        cfg=Config(dict(train_dataloader=dict(loader, dataset=None))),
    )
    runner.train()
    model = runner.model
    assert len(model.batches) == 7
    means = np.mean([batch.mean(0).numpy() for batch in model.batches], axis=0)
    variances = np.mean([batch.var(0, unbiased=True).numpy() for batch in model.batches], axis=0)
    np.testing.assert_allclose(model.norm.running_mean, means, rtol=1e-5)
    np.testing.assert_allclose(model.norm.running_var, variances, rtol=1e-5)
    np.testing.assert_allclose(model.head.running_mean, 3 + model.norm.bias.detach().numpy(), atol=1e-4)  # its training inputs
    now = model.state_dict()
    changed = {key for key, value in watch.weights.items() if not torch.equal(value, now[key])}
    assert changed == {f'{layer}.running_{kind}' for layer in ('norm', 'head') for kind in ('mean', 'var')}  # all else is unchanged
    assert model.norm.momentum == 0.1
    assert torch.equal(read_checkpoint(tmp_path / 'iter_3.pth')['state_dict']['norm.running_mean'], now['norm.running_mean'])
