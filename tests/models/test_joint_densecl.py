import copy

import numpy as np
import pytest
import torch
from conftest import ROOT
from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from mmengine.structures import PixelData
from mmpretrain.structures import DataSample
from mmseg.structures import SegDataSample
from torch.nn import functional as F

from mmbdg.registry import MODELS


@pytest.fixture
def config():
    model = Config.fromfile(ROOT / 'configs/_base_/models/joint_densecl_r18_64px.py').model
    model.queue_len = 8
    return model


def build(config):
    torch.manual_seed(0)
    return revert_sync_batchnorm(MODELS.build(config))


def data(n=4):
    generator = torch.Generator().manual_seed(3)
    seg_samples = []
    for _ in range(n):
        sample = SegDataSample(metainfo=dict(img_shape=(64, 64), ori_shape=(32, 32)))
        sample.gt_sem_seg = PixelData(data=torch.randint(0, 11, (1, 64, 64), generator=generator))
        seg_samples.append(sample)
    views = [torch.randint(0, 256, (n, 3, 64, 64), dtype=torch.uint8, generator=generator) for _ in range(2)]
    seg = torch.randint(0, 256, (n, 3, 64, 64), dtype=torch.uint8, generator=generator)
    return dict(inputs=dict(ssl=views, seg=seg), data_samples=dict(ssl=[DataSample() for _ in range(n)], seg=seg_samples))


def test_losses_are_densecls_and_the_heads(config):
    """Equal to mmpretrain's DenseCL on the same views, and to plain cross-entropy on the head's logits."""
    joint = build(config)
    alone = MODELS.build(dict({k: v for k, v in config.items() if not k.startswith('seg_')}, type='mmpretrain.DenseCL',
                              data_preprocessor=config.data_preprocessor.ssl))  # fmt: skip
    revert_sync_batchnorm(alone).load_state_dict({k: v for k, v in joint.state_dict().items() if not k.startswith('seg_')})
    batch = data()
    before = copy.deepcopy(joint)
    processed = joint.data_preprocessor(copy.deepcopy(batch), True)
    losses = joint(**processed, mode='loss')
    reference = alone(**alone.data_preprocessor({k: copy.deepcopy(v['ssl']) for k, v in batch.items()}, True), mode='loss')
    for key in ('loss_single', 'loss_dense'):
        torch.testing.assert_close(losses[key], reference[key], atol=1e-6, rtol=1e-6)

    before.seg_head.dropout = None
    joint_again = before(**processed, mode='loss')
    logits = before.seg_head(before.seg_neck(before.extract_pyramid(processed['inputs']['seg'])))
    labels = torch.cat([sample.gt_sem_seg.data for sample in batch['data_samples']['seg']])
    expected = F.cross_entropy(F.interpolate(logits, size=(64, 64), mode='bilinear'), labels)
    torch.testing.assert_close(joint_again['seg.loss_ce'], expected, atol=1e-4, rtol=1e-4)


def test_only_real_images_enter_the_queue(config):
    joint = build(config)
    joint(**joint.data_preprocessor(data(), True), mode='loss')
    assert joint.queue_ptr.item() == 4 and joint.queue2_ptr.item() == 4


def test_every_parameter_gets_a_gradient(config):
    joint = build(config)
    loss, _ = joint.parse_losses(joint(**joint.data_preprocessor(data(), True), mode='loss'))
    loss.backward()
    assert [n for n, p in joint.named_parameters() if p.requires_grad and p.grad is None] == []


def test_predict_has_the_original_size(config):
    joint = build(config).eval()
    batch = data()
    plain = dict(inputs=list(batch['inputs']['seg']), data_samples=batch['data_samples']['seg'])
    samples = joint.val_step(plain)
    assert samples[0].pred_sem_seg.data.shape == (1, 32, 32) and samples[0].seg_logits.data.shape == (11, 32, 32)
    images = joint.data_preprocessor(plain, False)['inputs']
    logits = joint.seg_head(joint.seg_neck(joint.extract_pyramid(images)))
    small = F.interpolate(F.interpolate(logits, size=(64, 64), mode='bilinear'), size=(32, 32), mode='bilinear')
    assert (small.argmax(1) == torch.cat([s.pred_sem_seg.data for s in samples])).float().mean() > 0.999


def test_backbone_loads_into_mmseg_and_the_grid_is_4x4(config):
    joint = build(config)
    other = MODELS.build(dict(type='mmseg.ResNet', depth=18, strides=(1, 2, 2, 1), dilations=(1, 1, 1, 2)))
    other.load_state_dict(joint.backbone.state_dict())
    plain = MODELS.build(dict(type='mmpretrain.ResNet', depth=18))
    assert plain.state_dict().keys() == joint.backbone.state_dict().keys()
    assert [f.shape[-1] for f in joint.extract_pyramid(torch.randn(1, 3, 64, 64))] == [16, 8, 4, 4]
    assert joint.backbone.out_indices == (3,)


def test_views_are_normalised_as_rgb(config):
    joint = build(config)
    batch = data()
    processed = joint.data_preprocessor(copy.deepcopy(batch), True)
    mean, std = np.array([123.675, 116.28, 103.53]), np.array([58.395, 57.12, 57.375])
    for name, raw in (('ssl', batch['inputs']['ssl'][0]), ('seg', batch['inputs']['seg'])):
        out = processed['inputs'][name][0] if name == 'ssl' else processed['inputs'][name]
        expected = (raw.numpy()[:, ::-1] - mean[:, None, None]) / std[:, None, None]
        np.testing.assert_allclose(out.numpy(), expected, atol=1e-4)
