from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.hooks import Hook
from mmengine.structures import PixelData
from mmpretrain.structures import DataSample
from mmseg.structures import SegDataSample
from tiny_training import NoisyPoints, build

from mmbdg.compat.checkpoint import read_checkpoint
from mmbdg.engine import StopOnNaNHook
from mmbdg.engine.hooks.stop_on_nan_hook import plain
from mmbdg.errors import InputError

HOOK = dict(type='mmbdg.StopOnNaNHook')


class SpoilAt(Hook):
    """Calls ``spoil`` before the given iteration to change the data or the weights."""

    priority = 'HIGHEST'

    def __init__(self, iteration, spoil):
        self.iteration, self.spoil = iteration, spoil

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if runner.iter == self.iteration:
            self.spoil(runner, data_batch)


def stopped(tmp_path, iteration, spoil):
    runner, recorder = build(tmp_path, hooks=[HOOK, SpoilAt(iteration, spoil)])
    with pytest.raises(InputError) as error:
        runner.train()
    return str(error.value), recorder.losses


def test_the_batch_is_saved_and_no_checkpoint_after_it(tmp_path):
    """At a NaN loss the batch is saved and no checkpoint is written.

    The NaN occurs in the last iteration of an epoch, where a checkpoint is due and the weights already hold NaN.
    """
    kept = []

    def spoil(runner, data_batch):
        data_batch['inputs'][2][1] = np.nan
        kept.extend(data_batch['inputs'])

    message, losses = stopped(tmp_path, 7, spoil)
    path = tmp_path / 'nan_iter_8_rank0.pth'
    for part in ('iteration 8', 'loss = nan', str(path), str(tmp_path / 'epoch_1.pth'), 'learning rate'):
        assert part in message
    assert len(losses) == 7 and not (tmp_path / 'epoch_2.pth').exists()
    saved = torch.load(path, weights_only=True)
    assert saved['iter'] == 8 and np.isnan(saved['losses']['loss'])
    torch.testing.assert_close(saved['batch']['inputs'], kept, equal_nan=True, rtol=0, atol=0)
    state = read_checkpoint(tmp_path / 'epoch_1.pth')['state_dict']
    assert all(value.isfinite().all() for value in state.values())


def test_finite_losses_and_spoilt_weights(tmp_path):
    """Non-finite parameters stop the training before a checkpoint, although the losses are finite."""

    def spoil(runner, data_batch):
        runner.model.register_parameter('unused', torch.nn.Parameter(torch.tensor([0.0, np.inf])))

    message, losses = stopped(tmp_path, 7, spoil)
    assert 'the losses are finite, but unused is not' in message
    assert not (tmp_path / 'epoch_2.pth').exists() and (tmp_path / 'epoch_1.pth').exists()


def test_losses_of_any_name(tmp_path):
    """Losses of GANs and of joint pre-training are checked by name. Other values may be NaN, such as an accuracy without pixels."""
    runner = SimpleNamespace(work_dir=str(tmp_path), iter=4, rank=0, message_hub=SimpleNamespace(runtime_info={}))
    good = {'loss': torch.tensor(1.0), 'seg.loss_ce': torch.ones(1), 'loss_discriminator': 2.0, 'seg.acc_seg': torch.tensor(np.nan)}
    StopOnNaNHook().after_train_iter(runner, 0, {}, good)
    for name in ('loss_generator', 'seg.loss_ce'):
        for value in (np.nan, -np.inf):
            with pytest.raises(InputError, match=f'iteration 5: {name} = {value}.*A restarted training'):
                StopOnNaNHook().after_train_iter(runner, 0, {}, good | {name: torch.tensor(value)})


def test_batches_become_plain(tmp_path):
    """A batch with data samples of OpenMMLab, numpy arrays and other objects is saved as tensors and plain values.

    It can be read with ``weights_only=True``.
    """
    seg = SegDataSample(metainfo=dict(img_path='a.png', ori_shape=(2, 3), flip=np.bool_(True), scale=np.float32(0.5)))
    seg.set_data(dict(gt_sem_seg=PixelData(data=torch.ones(1, 2, 3, dtype=torch.uint8))))
    batch = dict(
        inputs=[[torch.ones(2, requires_grad=True)], (np.arange(3, dtype=np.uint8),)],
        data_samples=dict(ssl=DataSample().set_gt_label(3), seg=[seg]),
        other=NoisyPoints,
    )
    torch.save(plain(batch), tmp_path / 'b.pth')
    read = torch.load(tmp_path / 'b.pth', weights_only=True)
    assert read['inputs'][0][0].tolist() == [1, 1] and read['inputs'][1][0].tolist() == [0, 1, 2]
    assert read['data_samples']['ssl']['gt_label'].tolist() == [3]
    sample = read['data_samples']['seg'][0]
    assert sample['gt_sem_seg']['data'].shape == (1, 2, 3)
    assert (sample['img_path'], sample['ori_shape'], sample['flip'], sample['scale']) == ('a.png', [2, 3], True, 0.5)
    assert 'NoisyPoints' in read['other']
