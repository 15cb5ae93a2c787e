"""Models, optimisers and schedules of the transfer configs match the published protocols."""

import sys
from bisect import bisect_right
from importlib import import_module

import numpy as np
import pytest
import torch
from conftest import ROOT
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import MODELS, PARAM_SCHEDULERS, DefaultScope
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from mmbdg.compat.config import read_config

sys.path.append(str(ROOT / 'tools'))
tool = import_module('protocol_table')

STEPS = {  # base learning rate, warm-up, steps, iterations
    'coco/mask-rcnn_r50_fpn_1x_coco': (0.02, 1000, [60000, 80000], 90000),
    'coco/mask-rcnn_r50_fpn_2x_coco': (0.02, 1000, [120000, 160000], 180000),
    'voc/faster-rcnn_r50-c4_24k_voc0712': (0.02, 100, [18000, 22000], 24000),
    'cityscapes/mask-rcnn_r50_fpn_90k_cityscapes': (0.01, 1000, [60000, 80000], 90000),
}
POLY = {'voc/fcn_r50-d8_20k_voc12aug': 20000, 'cityscapes/fcn_r50-d8_40k_cityscapes-769x769': 40000}
CONFIGS = [*STEPS, *POLY]
built = {}


def config(name):
    return Config.fromfile(ROOT / 'configs/transfer' / f'{name}.py')


def model_of(name):
    """The config's model on the meta device, without memory for weights."""
    if name not in built:
        cfg = config(name)
        with DefaultScope.overwrite_default_scope(cfg.default_scope), torch.device('meta'):
            built[name] = MODELS.build(cfg.model)
    return built[name]


@pytest.mark.parametrize('name', CONFIGS)
def test_all_layers_are_tuned_with_batch_statistics(name):
    model = model_of(name).train()
    assert [key for key, parameter in model.named_parameters() if not parameter.requires_grad] == []
    assert [key for key, module in model.named_modules() if isinstance(module, _BatchNorm) and not module.training] == []


NORMS = {
    'mask-rcnn': {'backbone': 53, 'neck': 8, 'roi_head.bbox_head': 4, 'roi_head.mask_head': 4},
    'faster-rcnn': {'backbone': 43, 'roi_head.shared_head': 11},  # 10 of the fifth stage and the additional one
    'fcn': {'backbone': 53, 'decode_head': 3, 'auxiliary_head': 1},
}


@pytest.mark.parametrize('name', CONFIGS)
def test_norm_layers_are_synchronised_and_where_the_protocol_has_them(name):
    model = model_of(name)
    expected = next(counts for prefix, counts in NORMS.items() if name.split('/')[1].startswith(prefix))
    norms = {key: module for key, module in model.named_modules() if isinstance(module, _BatchNorm)}
    assert all(isinstance(module, nn.SyncBatchNorm) for module in norms.values())
    assert {part: sum(key.startswith(f'{part}.') for key in norms) for part in expected} == expected
    assert len(norms) == sum(expected.values())
    assert model.backbone.conv1.kernel_size == (7, 7)  # not the deep stem of ResNetV1c


def test_c4_has_the_extra_norm_behind_its_last_stage():
    head = model_of('voc/faster-rcnn_r50-c4_24k_voc0712').roi_head.shared_head
    assert type(head).__name__ == 'ResLayerExtraNorm' and head.norm.num_features == 2048
    assert len(head.layer4) == 3 and head.layer4[0].conv2.stride == (2, 2)  # style pytorch: the 3x3 convolution has the stride


@pytest.mark.parametrize('name', CONFIGS)
def test_pixels_are_the_pre_training_s(name):
    """Images are normalised as in pre-training: RGB with ImageNet's mean and standard deviation, read as BGR."""
    cfg = config(name)
    with DefaultScope.overwrite_default_scope(cfg.default_scope):
        size = dict(pad_size_divisor=1) if 'roi_head' in cfg.model else dict(size=(2, 2))
        preprocessor = MODELS.build(dict(cfg.model.data_preprocessor, **size))
        bgr = torch.arange(12, dtype=torch.uint8).reshape(3, 2, 2) * 20
        sample = import_module(f'{cfg.default_scope}.structures')
        sample = getattr(sample, dict(mmdet='DetDataSample', mmseg='SegDataSample')[cfg.default_scope])(metainfo=dict(img_shape=(2, 2)))
        out = preprocessor(dict(inputs=[bgr], data_samples=[sample]), False)['inputs']
    mean, deviation = np.array([123.675, 116.28, 103.53]), np.array([58.395, 57.12, 57.375])
    np.testing.assert_allclose(out[0], (bgr.numpy()[::-1] - mean[:, None, None]) / deviation[:, None, None], atol=1e-5)


def learning_rates(name, iterations, points):
    """Learning rates at the iterations ``points`` (from 0), by the config's schedulers."""
    cfg = config(name)
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=cfg.optim_wrapper.optimizer.lr)
    schedulers = [PARAM_SCHEDULERS.build(dict(scheduler, optimizer=optimizer)) for scheduler in cfg.param_scheduler]
    assert cfg.train_cfg.max_iters == iterations
    found = {}
    for t in range(iterations):
        if t in points:
            found[t] = optimizer.param_groups[0]['lr']
        for scheduler in schedulers:
            scheduler.step()
    return found


@pytest.mark.parametrize('name', STEPS)
def test_learning_rate_is_detectron2_s(name):
    base, warm_up, steps, iterations = STEPS[name]
    points = {0, 1, warm_up // 2, warm_up - 1, warm_up, warm_up + 1, iterations - 1, *steps, *(step - 1 for step in steps)}

    def detectron2(t):
        rate = base * 0.1 ** bisect_right(steps, t)
        return rate * (0.001 * (1 - t / warm_up) + t / warm_up) if t < warm_up else rate

    found = learning_rates(name, iterations, points)
    assert found.keys() == points
    for t, rate in found.items():
        assert rate == pytest.approx(detectron2(t), rel=1e-6), t


@pytest.mark.parametrize('name', POLY)
def test_learning_rate_is_mmseg_s(name):
    iterations = POLY[name]
    points = [0, iterations // 2, iterations - 1]
    for t, rate in learning_rates(name, iterations, points).items():
        assert rate == pytest.approx((0.01 - 1e-4) * (1 - t / (iterations - 1)) ** 0.9 + 1e-4, rel=1e-4)


@pytest.mark.parametrize('name', CONFIGS)
def test_weight_decay(name):
    """Detectors have no weight decay on norm layers (Detectron2's WEIGHT_DECAY_NORM is 0). Segmentors do, as in mmseg."""
    cfg, model = config(name), model_of(name)
    optimizer = build_optim_wrapper(model, cfg.optim_wrapper).optimizer
    of = {id(parameter): group for group in optimizer.param_groups for parameter in group['params']}
    assert len(of) == len(list(model.parameters()))
    norms = {id(p) for module in model.modules() if isinstance(module, _BatchNorm) for p in module.parameters()}
    decays = {kind: {of[id(p)]['weight_decay'] for p in model.parameters() if (id(p) in norms) == kind} for kind in (True, False)}
    assert decays == ({True: {0.0}, False: {1e-4}} if name in STEPS else {True: {5e-4}, False: {5e-4}})
    assert all(group['momentum'] == 0.9 for group in optimizer.param_groups)


@pytest.mark.parametrize('name', CONFIGS)
def test_variables_reach_every_place(name):
    path = ROOT / 'configs/transfer' / f'{name}.py'
    given = dict(pretrained='elsewhere.pth', data_root='/elsewhere')
    cfg = read_config(str(path), given)
    used = str([cfg[part].to_dict() for part in ('model', 'train_dataloader', 'val_dataloader', 'test_dataloader')])
    used += str([cfg.val_evaluator, cfg.test_evaluator])
    assert 'densecl_biggan_fpn_in1k' not in used and 'data/' not in used.replace('/elsewhere', '')
    assert used.count("'elsewhere.pth'") == (2 if 'faster' in name else 1)


def test_child_config_reaches_the_shared_head_and_the_metric(tmp_path):
    child = tmp_path / 'child.py'
    child.write_text(f"_base_ = '{ROOT}/configs/transfer/voc/faster-rcnn_r50-c4_24k_voc0712.py'\npretrained = 'mine.pth'\n")
    model = read_config(str(child)).model
    assert model.backbone.init_cfg.checkpoint == model.roi_head.shared_head.init_cfg.checkpoint == 'mine.pth'
    child.write_text(f"_base_ = '{ROOT}/configs/transfer/cityscapes/mask-rcnn_r50_fpn_90k_cityscapes.py'\ndata_root = 'mine'\n")
    cfg = read_config(str(child))
    for evaluators in (cfg.val_evaluator, cfg.test_evaluator):
        assert evaluators[0].ann_file == 'mine/annotations/instancesonly_filtered_gtFine_val.json'
        assert evaluators[1].seg_prefix == 'mine/gtFine/val'


@pytest.mark.parametrize('name', tool.PROTOCOLS)
def test_config_is_as_the_protocol_says(name):
    """Each config equals its protocol, except for differences with a documented reason."""
    assert {row.what: here for row, here in tool.rows(name) if here != row.says and not row.why} == {}


def test_the_page_is_the_tool_s():
    assert (ROOT / 'docs/transfer/protocol.md').read_text() == tool.page()
    assert {f'{name}.py' for name in CONFIGS} == set(tool.PROTOCOLS)
