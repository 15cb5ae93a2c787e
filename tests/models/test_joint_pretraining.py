import copy
import weakref

import numpy as np
import pytest
import tiny_methods
import torch
from conftest import ROOT
from mmengine.config import Config
from mmengine.logging import MessageHub
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import DefaultScope
from mmengine.structures import PixelData
from mmpretrain.structures import DataSample
from mmseg.structures import SegDataSample
from torch.nn import functional as F

import mmbdg.models
from mmbdg.errors import InputError
from mmbdg.models.joint_pretraining import JointPretraining
from mmbdg.registry import MODELS


@pytest.fixture
def config():
    model = Config.fromfile(ROOT / 'configs/_base_/models/joint_densecl_r18_64px.py').model
    model.queue_len = 8
    return model


def build(config):
    torch.manual_seed(0)
    return revert_sync_batchnorm(MODELS.build(config))


def data(n=4, seed=3):
    generator = torch.Generator().manual_seed(seed)
    seg_samples = []
    for _ in range(n):
        sample = SegDataSample(metainfo=dict(img_shape=(64, 64), ori_shape=(32, 32)))
        sample.gt_sem_seg = PixelData(data=torch.randint(0, 11, (1, 64, 64), generator=generator))
        seg_samples.append(sample)
    views = [torch.randint(0, 256, (n, 3, 64, 64), dtype=torch.uint8, generator=generator) for _ in range(2)]
    seg = torch.randint(0, 256, (n, 3, 64, 64), dtype=torch.uint8, generator=generator)
    return dict(inputs=dict(ssl=views, seg=seg), data_samples=dict(ssl=[DataSample() for _ in range(n)], seg=seg_samples))


SMALL_RESNET = dict(
    backbone=dict(depth=18, norm_cfg=dict(type='BN')),
    neck=dict(in_channels=512),
    seg_neck=dict(in_channels=[64, 128, 256, 512], out_channels=16),
    seg_head=dict(in_channels=[16] * 4, channels=16, num_classes=11, ignore_index=255, norm_cfg=dict(type='BN')),
)
SMALL_VIT = dict(
    backbone=dict(arch=dict(embed_dims=24, num_layers=4, num_heads=3, feedforward_channels=48), img_size=64, patch_size=16),
    neck=dict(in_channels=24),
    seg_stages=[0, 1, 2, 3],
    seg_neck=dict(embed_dim=24, norm_cfg=dict(type='BN')),
    seg_head=dict(in_channels=[24] * 4, channels=16, num_classes=11, ignore_index=255, norm_cfg=dict(type='BN')),
)
METHODS = {  # config name: class name in mmpretrain
    'densecl': 'DenseCL',
    'mocov2': 'MoCo',
    'mocov3': 'MoCoV3',
    'mocov3_vit-small': 'MoCoV3',
    'byol': 'BYOL',
    'simclr': 'SimCLR',
    'simsiam': 'SimSiam',
    'barlowtwins': 'BarlowTwins',
}


def shrunk(method, **change):
    """The model of an ImageNet config in a small size, built in mmpretrain's scope."""
    cfg = Config.fromfile(ROOT / f'configs/{method}_biggan_fpn_in1k.py')
    cfg.model.backbone.pop('arch', None)
    cfg.merge_from_dict(dict(model=SMALL_VIT if 'vit' in method else SMALL_RESNET))
    cfg.merge_from_dict(dict(model=change))
    if 'queue_len' in cfg.model:
        cfg.model.queue_len = 8
    if method == 'barlowtwins':
        cfg.merge_from_dict(dict(model=dict(neck=dict(hid_channels=64, out_channels=64), head=dict(in_channels=64))))
    cfg.model.data_preprocessor.seg.update(size=(64, 64), seg_pad_val=255)
    return cfg.model


def in_scope(model):
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        return build(model)


def test_every_joint_method_is_here():
    joint = {name.removeprefix('Joint') for name, kind in vars(mmbdg.models).items() if name in mmbdg.models.__all__ and is_joint(kind)}
    configs = {path.name.removesuffix('_biggan_fpn_in1k.py') for path in (ROOT / 'configs').glob('*_biggan_fpn_in1k.py')}
    assert joint == set(METHODS.values()) == set(tiny_methods.METHODS) and configs == set(METHODS)


def is_joint(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, JointPretraining)


@pytest.mark.parametrize('method', METHODS)
def test_losses_are_the_methods_and_the_heads(method):
    """Joint losses equal those of mmpretrain's method and plain cross-entropy of the segmentation logits."""
    MessageHub.get_current_instance().update_info('max_iters', 10)  # read by the schedules of momentum encoders
    config = shrunk(method)
    joint = in_scope(config)
    plain = {key: value for key, value in config.items() if not key.startswith('seg_')}
    alone = in_scope(plain | dict(type=f'mmpretrain.{METHODS[method]}', data_preprocessor=config.data_preprocessor.ssl))
    alone.load_state_dict({k: v for k, v in joint.state_dict().items() if not k.startswith('seg_')})
    batch = data()
    before = copy.deepcopy(joint)
    processed = joint.data_preprocessor(copy.deepcopy(batch), True)
    losses = joint(**processed, mode='loss')
    reference = alone(**alone.data_preprocessor({k: copy.deepcopy(v['ssl']) for k, v in batch.items()}, True), mode='loss')
    reference = {'ssl.loss' if key == 'loss' else key: value for key, value in reference.items()}
    assert losses.keys() == reference.keys() | {'seg.loss_ce', 'seg.acc_seg'}
    for key, value in reference.items():
        torch.testing.assert_close(losses[key], value, atol=1e-5, rtol=1e-5)

    before.seg_head.dropout = None
    images = processed['inputs']['seg']
    logits = before.seg_head(before.seg_neck(before.extract_pyramid(images)))
    labels = torch.cat([sample.gt_sem_seg.data for sample in batch['data_samples']['seg']])[:, 2::4, 2::4]  # the loss has stride 4
    assert logits.shape == (4, 11, 16, 16) == (4, 11, *labels.shape[1:])
    expected = F.cross_entropy(logits, labels)
    again = before.seg_head.loss(before.seg_neck(before.extract_pyramid(images)), processed['data_samples']['seg'], None)
    torch.testing.assert_close(again['loss_ce'], expected, atol=1e-4, rtol=1e-4)
    trained = {name for name, p in joint.named_parameters() if p.requires_grad}
    loss, logged = joint.parse_losses(losses)
    assert logged['loss'] == loss and loss.item() == pytest.approx(sum(reference.values()).item() + losses['seg.loss_ce'].item(), abs=1e-4)
    loss.backward()
    assert {name for name, p in joint.named_parameters() if p.grad is not None} == trained, 'a parameter without gradient'


@pytest.mark.parametrize('method', ['mocov2', 'mocov3_vit-small'])
def test_no_attribute_of_the_backbone_changes(method):
    """The segmentation branch reads other stages of the same layers; the backbone stays as the self-supervised method needs it."""
    joint = in_scope(shrunk(method)).train()
    backbone, kind, images = joint.backbone, type(joint.backbone), torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))

    class Watched(kind):
        def __setattr__(self, name, value):
            assert self is not backbone, f'{name} was set'
            super().__setattr__(name, value)

    attributes = {name: value for name, value in vars(backbone).items() if not name.startswith('_')}
    norms = [buffer.clone() for name, buffer in backbone.named_buffers() if name.endswith('num_batches_tracked')]
    backbone.__class__ = Watched
    features = joint.extract_pyramid(images)
    assert len(features) == 4 and all(map(torch.is_tensor, features))
    assert {name: value for name, value in vars(backbone).items() if not name.startswith('_')} == attributes
    after = [buffer for name, buffer in backbone.named_buffers() if name.endswith('num_batches_tracked')]
    assert after == [count + 1 for count in norms]  # the batch norms are those of the backbone
    features[0].sum().backward()
    assert next(p for p in backbone.parameters() if p.requires_grad).grad.abs().sum() > 0


@pytest.mark.parametrize('depth', [50, 101, 152])
def test_deeper_networks(depth):
    config = shrunk('mocov2')
    config.backbone.depth, config.neck.in_channels, config.seg_neck.in_channels = depth, 2048, [256, 512, 1024, 2048]
    joint = in_scope(config).eval()
    features = joint.extract_pyramid(torch.zeros(1, 3, 32, 32))
    assert [f.shape[1:] for f in features] == [(256, 8, 8), (512, 4, 4), (1024, 2, 2), (2048, 1, 1)]
    assert joint.seg_head(joint.seg_neck(features)).shape == (1, 11, 8, 8)


def test_a_full_resolution_head_and_its_loss(config):
    """The default config's segmentation loss is computed at the labels' resolution."""
    joint = build(config)
    joint.seg_head.dropout = None
    batch = data()
    processed = joint.data_preprocessor(copy.deepcopy(batch), True)
    losses = copy.deepcopy(joint)(**processed, mode='loss')
    logits = joint.seg_head(joint.seg_neck(joint.extract_pyramid(processed['inputs']['seg'])))
    labels = torch.cat([sample.gt_sem_seg.data for sample in batch['data_samples']['seg']])
    expected = F.cross_entropy(F.interpolate(logits, size=(64, 64), mode='bilinear'), labels)
    torch.testing.assert_close(losses['seg.loss_ce'], expected, atol=1e-4, rtol=1e-4)


def test_several_synthetic_images_for_each_real_one(config):
    """Several synthetic images per real image arrive as several batches and form one batch for the head."""
    joint, first, second = build(config), data(), data(seed=4)
    both = {key: dict(ssl=first[key]['ssl'], seg=[first[key]['seg'], second[key]['seg']]) for key in first}
    ready = joint.data_preprocessor(both, True)
    assert ready['inputs']['seg'].shape == (8, 3, 64, 64) and len(ready['data_samples']['seg']) == 8
    for part, alone in ((slice(4), first), (slice(4, 8), second)):  # each image keeps its own mask
        assert torch.equal(ready['inputs']['seg'][part], joint.data_preprocessor(alone, True)['inputs']['seg'])
        masks = [
            [sample.gt_sem_seg.data for sample in samples] for samples in (ready['data_samples']['seg'][part], alone['data_samples']['seg'])
        ]
        assert all(map(torch.equal, *masks))
    assert joint(**ready, mode='loss')['seg.loss_ce'] > 0


def test_several_necks_are_initialised_as_one_is(config):
    """A list of necks gets the same initialisation as a single neck: mmseg's FPN uses uniform Xavier."""
    config.seg_neck = [config.seg_neck]
    joint = build(config)
    joint.init_weights()
    for conv in joint.seg_neck[0].lateral_convs:
        assert conv.conv.weight.abs().max() <= (6 / (conv.in_channels + conv.out_channels)) ** 0.5


def test_backbones_without_stages_are_refused(config):
    config.backbone = torch.nn.Conv2d(3, 4, 1)
    with pytest.raises(InputError, match='Conv2d has no out_indices'):
        build(config)


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


class Probe:
    """An object that exists as long as the graph."""

    def __init__(self, graph):
        graph.metadata['probe'] = self


def gradients(model):
    return {name: parameter.grad.clone() for name, parameter in model.named_parameters() if parameter.grad is not None}


@pytest.mark.parametrize('method', ['densecl', 'byol'])
def test_one_graph_at_a_time(method, monkeypatch):
    """The graph of the self-supervised branch is freed before the segmentation branch starts. Losses and gradients are equal."""
    batch, found, alive = data(), [], []
    for all_graphs in (True, False):
        monkeypatch.setattr('mmbdg.models.part_losses.must_keep_all_graphs', lambda all_graphs=all_graphs: all_graphs)
        model = build(shrunk(method)).train()
        MessageHub.get_current_instance().update_info('max_iters', 10)
        maps = []
        model.backbone.layer1.register_forward_hook(lambda module, args, out, maps=maps: maps.append(weakref.ref(Probe(out.grad_fn))))
        model.seg_neck.register_forward_pre_hook(lambda *_, maps=maps: alive.append(maps[0]() is not None))
        inputs = model.data_preprocessor(copy.deepcopy(batch), training=True)
        loss, logged = model.parse_losses(model(**inputs, mode='loss'))
        loss.backward()
        found.append((logged, gradients(model)))
    assert alive == [True, False]
    (logged, expected), (logged_apart, apart) = found
    assert logged.keys() == logged_apart.keys() and all(torch.equal(logged[name], logged_apart[name]) for name in logged)
    assert expected.keys() == apart.keys() and 'seg_neck.lateral_convs.0.conv.weight' in apart and 'neck.' in ' '.join(apart)
    for name, gradient in expected.items():
        torch.testing.assert_close(apart[name], gradient, rtol=1e-4, atol=1e-6)


def test_float16_keeps_all_graphs(monkeypatch):
    """float16 keeps all graphs, because its gradient scaler multiplies the total loss before the backward pass."""
    from mmbdg.models.part_losses import must_keep_all_graphs

    assert not must_keep_all_graphs()
    with torch.autocast('cpu', torch.bfloat16):
        assert not must_keep_all_graphs()
    monkeypatch.setattr(torch, 'is_autocast_enabled', lambda device: device == 'cuda')  # a CPU does not support float16 autocast
    for dtype in (torch.float16, torch.bfloat16):
        monkeypatch.setattr(torch, 'get_autocast_dtype', lambda device, dtype=dtype: dtype)
        assert must_keep_all_graphs() == (dtype == torch.float16)
