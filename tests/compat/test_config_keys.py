"""Misspelt keys in config files raise an error, valid keys do not."""

import importlib.util
import re
from contextlib import nullcontext
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from mmbdg.compat.config import check_keys, read_config
from mmbdg.compat.config_keys import TOP, unknown_keys
from mmbdg.compat.signatures import accepted_arguments
from mmbdg.errors import InputError
from mmbdg.sources import prompts, sense_plan  # noqa: F401  register their parts

FILE = """
default_scope = 'mmseg'
model = dict(
    type='EncoderDecoder',
    data_preprocessor=dict(type='SegDataPreProcessor', **dict({preprocessor})),
    backbone=dict(type='ResNet', depth=18, norm_cfg=dict(type='BN', requires_grad=True, **dict({norm})), **dict({backbone})),
    decode_head=[dict(type='FCNHead', in_channels=9, channels=8, num_classes=2, loss_decode=dict(type='CrossEntropyLoss', **dict({loss})))],
    train_cfg=dict(anything=1),
    **dict({model})
)
train_dataloader = dict(
    batch_size=2,
    sampler=dict(type='InfiniteSampler', **dict({sampler})),
    dataset=dict(type='RepeatDataset', times=2, dataset=dict(type='BaseSegDataset', **dict({dataset}), pipeline=[
        dict(type='RandomApply', prob=0.5, transforms=[dict(type='RandomFlip', prob=1, **dict({transform}))]),
        dict(type='Albu', transforms=[dict(type='RandomCrop', whatever=1)]),
    ])),
    **dict({loader})
)
optim_wrapper = dict(optimizer=dict(type='SGD', lr=1, **dict({optimizer})), paramwise_cfg=dict(own=1), **dict({optim_wrapper}))
param_scheduler = [dict(type='PolyLR', end=5, **dict({scheduler}))]
train_cfg = dict(type='IterBasedTrainLoop', max_iters=5, **dict({train_cfg}))
val_evaluator = dict(type='mmbdg.LabellerIoU', **dict({evaluator}))
custom_hooks = [dict(type='mmbdg.EmbeddingHook', priority=5, **dict({hook}))]
visualizer = dict(type='SegLocalVisualizer', vis_backends=[dict(type='LocalVisBackend', **dict({backend}))])
env_cfg = dict(dist_cfg=dict(whatever=1), **dict({env}))
randomness = dict({randomness})
"""
PLACES = dict(
    preprocessor=('seg_pad_value', 'model.data_preprocessor', 'seg_pad_val'),
    norm=('moment', 'model.backbone.norm_cfg', 'momentum'),
    backbone=('stries', 'model.backbone', 'strides'),
    loss=('loss_weigth', 'model.decode_head.0.loss_decode', 'loss_weight'),
    model=('nek', 'model', 'neck'),
    sampler=('shufle', 'train_dataloader.sampler', 'shuffle'),
    dataset=('ann_fil', 'train_dataloader.dataset.dataset', 'ann_file'),
    transform=('directions', 'train_dataloader.dataset.dataset.pipeline.0.transforms.0', 'direction'),
    loader=('drop_lst', 'train_dataloader', 'drop_last'),
    optimizer=('wieght_decay', 'optim_wrapper.optimizer', 'weight_decay'),
    optim_wrapper=('clip_gard', 'optim_wrapper', 'clip_grad'),
    scheduler=('pwer', 'param_scheduler.0', 'power'),
    train_cfg=('val_intervall', 'train_cfg', 'val_interval'),
    evaluator=('per_clas', 'val_evaluator', 'per_class'),
    hook=('num_image', 'custom_hooks.0', 'num_images'),
    backend=('save_dr', 'visualizer.vis_backends.0', 'save_dir'),
    env=('cudnn_benchmrk', 'env_cfg', 'cudnn_benchmark'),
    randomness=('sed', 'randomness', 'seed'),
)


def config(tmp_path, **more):
    (tmp_path / 'c.py').write_text(FILE.format(**dict.fromkeys(PLACES, '') | more))
    return read_config(tmp_path / 'c.py')


def test_what_is_right(tmp_path):
    check_keys(config(tmp_path))


@pytest.mark.parametrize('name', PLACES)
def test_a_misspelt_key(name, tmp_path):
    key, place, near = PLACES[name]
    cfg = config(tmp_path, **{name: f'{key}=1'})
    with pytest.raises(InputError) as error:
        check_keys(cfg)
    assert str(error.value).startswith(f'{cfg.filename}: {place}.{key}: ') and '\n' not in str(error.value)
    assert str(error.value).endswith(f'takes no "{key}"; did you mean "{near}"?')
    check_keys(cfg, *(TOP.keys() - {place.split('.')[0]}))  # for a tool that builds the other parts only


@pytest.mark.parametrize(
    ('part', 'value', 'message'),
    [
        ('senses', "dict(classes='in1k', num_image=3)", 'senses.num_image: senses takes no "num_image"; did you mean "num_images"?'),
        ('senses', "dict(classes='in1k', language_model=dict(folder='a', tempratur=1))", 'senses.language_model.tempratur: '),
        ('senses', "dict(classes='in1k', embedder=dict(type='mmbdg.OpenCLIP', folders='a'))", 'did you mean "folder"?'),
        ('senses', "dict(classes='in1k', images=dict(type='mmbdg.FashionMNIST32', splt='train'))", 'did you mean "split"?'),
        ('prompts', "dict(classes='in1k', per_clas=3)", 'did you mean "per_class"?'),
        ('prompts', "dict(classes='in1k', language_model=dict(folder='a', top=1))", 'did you mean "top_p"?'),
        ('prompts', "dict(classes='in1k', per_class=3, kinds={'clas': 1.0})", ''),  # names of kinds are data, which PromptPlan checks
    ],
)
def test_parts_of_the_tools(part, value, message, tmp_path):
    (tmp_path / 'c.py').write_text(f'{part} = {value}')
    cfg = read_config(tmp_path / 'c.py', {}, (part,))
    with pytest.raises(InputError, match=re.escape(message)) if message else nullcontext():
        check_keys(cfg, part)
    for key in ('clases', 'sed'):
        with pytest.raises(InputError, match=f'{part}.{key}: there is no "{key}" in {part} .* did you mean'):
            read_config(tmp_path / 'c.py', {f'{part}.{key}': 1}, (part,))


def test_all_are_listed(tmp_path):
    with pytest.raises(InputError, match=r'(?s)unknown keys:\n  model\.backbone\.a: .*\n  train_cfg\.b: '):
        check_keys(config(tmp_path, backbone='a=1', train_cfg='b=1'))


def test_an_optimizer_that_there_is_not():
    """An unknown optimizer is named. mmengine's message would be: None is not a callable object."""
    cfg = Config(dict(default_scope='mmseg', optim_wrapper=dict(optimizer=dict(type='SDG', lr=1))))
    with pytest.raises(InputError, match='optim_wrapper.optimizer.type: there is no optimizer "SDG"; did you mean "SGD"?'):
        check_keys(cfg)


BROKEN = {
    'mmpretrain/configs/maskfeat/benchmarks/vit-base-p16_8xb256-coslr-100e_in1k.py': 'by_epoch',
    'mmdet/configs/cascade_rpn/cascade-rpn_r50-caffe_fpn_1x_coco.py': 'sampling',
    'mmdet/configs/pascal_voc/faster-rcnn_r50_fpn_1x_voc0712-cocofmt.py': 'eval_mode',
    'mmdet/configs/v3det/fcos_swinb_fpn_8x4_sample1e-3_mstrain_v3det_2x.py': 'force_grad_on_level',
    'mmdet/configs/solov2/solov2-light_r18_fpn_ms-3x_coco.py': 'by_epoch',
}
"""Configs of other packages from which no Runner can be built, for the same reason."""


def files(package: str) -> list[Path]:
    return sorted((Path(importlib.util.find_spec(package).origin).parent / '.mim' / 'configs').rglob('*.py'))


@pytest.mark.parametrize('package', ['mmpretrain', 'mmseg', 'mmdet'])
def test_configs_of_other_packages(package):
    """Valid configs of other packages pass. The test checks one in sixteen.

    A check of all 2,480 readable ones found eight errors, in configs that no Runner accepts either.
    """
    looked_through = 0
    for path in files(package)[::16]:
        try:
            cfg = Config.fromfile(path)
        except Exception:  # for example, its base is missing
            continue
        assert list(unknown_keys(cfg, TOP)) == [], path
        looked_through += 1
    assert looked_through > 40


@pytest.mark.parametrize('name', BROKEN)
def test_broken_configs_of_other_packages(name):
    package, _, path = name.partition('/configs/')
    (file,) = [found for found in files(package) if found.as_posix().endswith(f'/.mim/configs/{path}')]
    problems = list(unknown_keys(Config.fromfile(file), TOP))
    assert problems and all(f'takes no "{BROKEN[name]}"' in problem for problem in problems)


class Base:
    def __init__(self, a, b=1):
        pass


class HandsOn(Base):
    def __init__(self, c, *, d=2, **kwargs):
        super().__init__(**kwargs)


class HandsOnByName(HandsOn):
    def __init__(self, e, **kwargs):
        super(HandsOnByName, self).__init__(c=e, **kwargs)  # noqa: UP008


class PassesOver(HandsOn):
    def __init__(self, e, **kwargs):
        super(HandsOn, self).__init__(**kwargs)


class Uses(Base):
    def __init__(self, c, **kwargs):
        self.width = kwargs.pop('width', 1)
        super().__init__(**kwargs)


class Keeps(Base):
    def __init__(self, c, **kwargs):
        self.kwargs = kwargs


class Inherits(Base):
    pass


class Made:
    def __new__(cls, **kwargs):
        return object()


@pytest.mark.parametrize(
    ('target', 'names'),
    [
        (Base, 'a b'),
        (Inherits, 'a b'),
        (HandsOn, 'a b c d'),
        (HandsOnByName, 'a b c d e'),
        (PassesOver, None),
        (Uses, None),
        (Keeps, None),
        (Made, None),
        (torch.nn.Identity, None),
        (torch.nn.Linear, 'in_features out_features bias device dtype'),
        (config, None),
        (files, 'package'),
        (dict, None),
    ],
)
def test_signatures(target, names):
    assert accepted_arguments(target) == (names if names is None else frozenset(names.split()))
