"""Every variable of every config that is set on the command line changes what is built, or raises an error."""

from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT

import mmbdg.synthesis  # noqa: F401  registers what synthesis=dict(...) accepts
from mmbdg.compat import config as reading
from mmbdg.compat.config import read_config
from mmbdg.compat.config_options import SAID, TOOLS, differences, runner_keys
from mmbdg.compat.config_variables import is_plain
from mmbdg.errors import InputError

CONFIGS = sorted((ROOT / 'configs').rglob('*.py'))
ALIKE = [f'deeplabv3_r50_{task}.py' for task in ('dog', 'bird', 'fgbg', 'mc16', 'mc100', 'mc128')]
"""Configs that differ from another one in their label space only; they need not be read once for each variable."""
RUNNABLE = [
    path
    for path in CONFIGS
    if '_base_' not in path.parts and path.name not in ('dataset.py', 'networks.py', 'images.py', 'generated.py', *ALIKE)
]

UNUSED = dict(
    dataset_type="mmpretrain's",
    data_root="mmpretrain's: ours is imagenet",
    strides='where the fourth stage is used only',
    channels='where the fourth stage is used only',
    requires_annotated='a text',
    synthetic='where samples are made online',
    dataset='where the training images are not synthesised before',
    labelled_generator='where samples are not made online',
    label_fraction='where there are synthetic images only',
    label_seed='where there are synthetic images only',
    synthetic_ratio='where there are synthetic images only',
    aux_norm='where there are synthetic images only',
    label_space='where nothing is segmented',
    mean="where the network's file has them",
    std="where the network's file has them",
    moco='where a study has no such row',
    autoencoder='where a pipeline has one',
    processes='where a study has no detector',
    num_images='where no step repeats the images',
    generator_type='where no generator is used',
)
"""Variables that some configs inherit but do not use."""


def name_of(path: Path) -> str:
    return path.relative_to(ROOT / 'configs').as_posix()


OTHERS = dict(
    resolution=32,
    label_space='fgbg',
    class_names=('a', 'b', 'c'),
    colours='grey',
    budget='cpu-hour',
    num_images=20,
    generator_type='diffusion',
)
"""Valid values of the variables of configs/own and configs/transfer/stamps."""
CHOICES = dict(train_data='vqgan', test_data='imagenet-s', network='vit-b16', rendering='colour')
"""Valid values of variables that name one of several parts of their config."""
OF_GARMENTS = dict(train_data='real', task='bag')
"""The same for the garments."""

TOGETHER = ('measured', 'published')
"""Variables of the paper's tables that fit each other: a value for each figure. Another value of one of them raises an error."""


def another(value: Any) -> Any:
    """Another value of the same type."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    if value is None or isinstance(value, str):
        return f'{value or ""}x'
    return type(value)([*value, *(value[:1] or ['x'])])


@pytest.mark.parametrize('path', RUNNABLE, ids=name_of)
def test_variables_arrive(path, monkeypatch):
    cfg, evaluate = read_config(path), reading.with_options
    # Each option is compared with the config without options, which is the same each time.
    monkeypatch.setattr(reading, 'with_options', lambda path, options: evaluate(path, options) if options else cfg)
    used = {'study'} if path.parent.name == 'studies' else None
    built = {*runner_keys(), *TOOLS, *(used or ())}
    choices = OF_GARMENTS if path.parent.name == 'fashion' else CHOICES
    for key, value in cfg.items():
        if key in {*built, *SAID, 'label_classes'} or not is_plain(value):  # label_classes decides num_labels, see test_launch
            continue
        try:
            new = OTHERS[key] if path.parent.name in ('own', 'stamps') and key in OTHERS else choices.get(key, another(value))
            changed = read_config(path, {key: new}, used)
        except InputError as error:
            told = 'papers_table.py, line' if key in TOGETHER else 'so it has no effect; set '
            told = 'train diffusion.py, or set' if (path.name, key) == ('gan.py', 'generator_type') else told
            assert key in (*UNUSED, *TOGETHER) and told in str(error), (key, error)
            without_labels = ('unet_32px_synthetic.py', 'unet_32px_online.py', 'unet_32px_rounds.py')
            assert key not in ('label_fraction', 'label_seed') or path.name in without_labels
        else:
            places = list(differences(cfg, changed, built))
            assert places and changed[key] == new
            somewhere = (
                'dataset_type',
                'data_root',
                'label_space',
                'synthetic',
                'dataset',
                'labelled_generator',
                'synthetic_ratio',
                'aux_norm',
                'strides',
                'channels',
                'mean',
                'std',
                'moco',
                'autoencoder',
                'processes',
                'label_fraction',
                'label_seed',
                'num_images',
                'generator_type',
            )
            assert key not in UNUSED or key in somewhere


@pytest.mark.parametrize(
    ('name', 'key', 'value', 'place', 'there'),
    [
        ('own/gan.py', 'data_root', '/mine', 'val_dataloader.dataset.data_root', '/mine/images'),
        ('own/gan.py', 'class_names', ('a', 'b', 'c'), 'model.discriminator.num_classes', 3),
        ('own/transfer.py', 'train_root', '/t', 'train_dataloader.dataset.data_root', '/t'),
        ('own/transfer.py', 'resolution', 128, 'train_dataloader.dataset.pipeline.3.crop_size', (128, 128)),
        ('own/gan.py', 'resolution', 32, 'model.discriminator.channel_multipliers', (1, 2, 4, 4)),
        ('own/gan.py', 'resolution', 128, 'model.generator.latent_dim', 120),
        ('own/joint.py', 'synthetic', '/s', 'train_dataloader.dataset.seg.data_root', '/s'),
        ('densecl_biggan_fpn.py', 'synthesis.seed', 5, 'train_dataloader.dataset.seg.prepare.seed', 5),
        ('densecl_biggan_fpn.py', 'synthesis.num_per_class', 7, 'train_dataloader.dataset.seg.prepare.num_per_class', 7),
        ('densecl_biggan_fpn.py', 'seg_augmentation.size', 32, 'train_dataloader.dataset.seg.pipeline.2.size', 32),
        ('densecl_biggan_fpn_online.py', 'seg_augmentation.size', 32, 'model.data_preprocessor.seg.augmentation.size', 32),
        ('densecl_biggan_fpn_fgbg_in1k.py', 'imagenet', '/i', 'train_dataloader.dataset.ssl.data_root', '/i'),
        ('interpreter/biggan32_fashion.py', 'num_members', 4, 'model.interpreter.num_members', 4),
        ('interpreter/biggan32_fashion.py', 'num_members', 4, 'train_dataloader.batch_size', 16),
        ('interpreter/biggan512_fgbg.py', 'class_names', 'fashion32', 'custom_hooks.0.classes', 'fashion32'),
        ('synthesis/vqgan256_in1k.py', 'classifier_weights', '/w.pth', 'synthesis.filters.0.classifier.checkpoint', '/w.pth'),
        (
            'transfer/coco/mask-rcnn_r50_fpn_2x_coco.py',
            'data_root',
            '/c',
            'test_evaluator.ann_file',
            '/c/annotations/instances_val2017.json',
        ),
        ('benchmark/fashion/fpn_r18_biggan-off.py', 'synthesis.seed', 5, 'train_dataloader.dataset.prepare.seed', 5),
    ],
)
def test_where_they_arrive(name, key, value, place, there):
    node = read_config(ROOT / 'configs' / name, {key: value})
    for part in place.split('.'):
        node = node[int(part)] if isinstance(node, list | tuple) else node[part]
    assert node == there


def test_what_is_missing_is_looked_for_at_the_new_place():
    cfg = read_config(ROOT / 'configs' / 'own' / 'joint.py', dict(data_root='/mine'))
    assert cfg.synthetic == '/mine/synthetic' and cfg.requires.synthetic.endswith(' /mine/synthetic')
