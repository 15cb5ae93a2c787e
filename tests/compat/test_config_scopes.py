import pytest
import torch
from conftest import ROOT
from mmengine.config import Config
from mmengine.registry import DATASETS, HOOKS, LOOPS, METRICS, MODELS, PARAM_SCHEDULERS, VISUALIZERS, DefaultScope
from mmengine.runner import Runner

from mmbdg.compat.config_scopes import register_config_scopes

BASES = {
    'mmseg::_base_/models/fpn_r50.py': lambda cfg: cfg.model.decode_head.type == 'FPNHead',
    'mmpretrain::_base_/models/resnet50.py': lambda cfg: cfg.model.backbone.depth == 50,
    'mmdet::_base_/models/retinanet_r50_fpn.py': lambda cfg: cfg.model.type == 'RetinaNet',
    'mmbdg::_base_/runtime.py': lambda cfg: cfg.default_scope == 'mmpretrain',
    'mmbdg::densecl_biggan_fpn.py': lambda cfg: cfg.model.type == 'mmbdg.JointDenseCL' and cfg.iterations == 240,
    'mmbdg::transfer/fashion/fpn_r18_frozen.py': lambda cfg: cfg.default_scope == 'mmseg' == cfg.model._scope_,
}
OURS = sorted(path.relative_to(ROOT / 'configs').as_posix() for path in (ROOT / 'configs/_base_').rglob('*.py'))


def child(base: str, folder, *lines: str) -> Config:
    """The config of another project that inherits from ``base``."""
    path = folder / 'child.py'
    path.write_text('\n'.join([f"_base_ = '{base}'", *lines]))
    return Config.fromfile(path)


@pytest.mark.parametrize('base', BASES)
def test_bases_of_other_packages(base, tmp_path):
    assert BASES[base](child(base, tmp_path))


def test_registering_twice_changes_nothing(tmp_path):
    before = Config._dict_to_config_dict
    register_config_scopes()
    assert Config._dict_to_config_dict is before


def test_what_mmengine_refuses_stays_refused(tmp_path):
    with pytest.raises(ValueError, match='specify the package name and relative config path'):
        child('mmseg::fpn.py', tmp_path)
    with pytest.raises(FileNotFoundError):
        child('mmbdg::nothing.py', tmp_path)
    with pytest.raises(ValueError, match='multiple'):
        child('mmbdg::a/b::c.py', tmp_path)


def test_functions_that_collate_get_no_scope(tmp_path):
    """Collate functions get no ``_scope_``, because mmengine would pass it to the function.

    This holds in configs of other packages too.
    """
    loader = child('mmpretrain::_base_/datasets/imagenet_bs32_mocov2.py', tmp_path).train_dataloader
    assert loader.dataset._scope_ == 'mmpretrain' and loader.collate_fn == dict(type='default_collate')


def test_a_scope_that_was_given_is_kept(tmp_path):
    head = child('mmbdg::_base_/models/joint_densecl_r18_64px.py', tmp_path).model.seg_head
    assert head._scope_ == 'mmseg'


REGISTRIES = dict(
    model=MODELS, generator=MODELS, interpreter=MODELS, classifier=MODELS, backbone=MODELS, seg_neck=MODELS, seg_head=MODELS,
    joint_preprocessor=MODELS, ssl_dataset=DATASETS, synthetic_dataset=DATASETS, train_cfg=LOOPS, val_cfg=LOOPS, test_cfg=LOOPS,
    val_evaluator=METRICS, test_evaluator=METRICS, param_scheduler=PARAM_SCHEDULERS, visualizer=VISUALIZERS,
)  # fmt: skip
LARGE = ('generator', 'synthetic_dataset', 'train_cfg')  # needs ImageNet's classes, missing weights or data, or a Runner


def check_types(registry, node) -> None:
    """Check that every type is found in its scope."""
    with registry.switch_scope_and_registry(node.get('_scope_')) as found:
        assert found.get(node['type']) is not None, node['type']


@pytest.mark.parametrize('base', OURS)
def test_each_of_our_bases_from_another_project(base, tmp_path):
    """Our base configs can be built under another project's default scope."""
    cfg = child(f'mmbdg::{base}', tmp_path, "default_scope = 'mmseg'")
    with DefaultScope.overwrite_default_scope('mmseg'):
        for name, registry in REGISTRIES.items():
            for part in [cfg[name]] if isinstance(cfg.get(name), dict) and 'type' in cfg[name] else []:
                check_types(registry, part)
                if name not in LARGE and 'interpreter' not in base:
                    registry.build(part | dict(name='own') if registry is VISUALIZERS else part)
        for hook in cfg.get('default_hooks', {}).values():
            if 'type' in hook:
                HOOKS.build(hook)
        for name in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
            if cfg.get(name):
                check_loader(cfg[name])
        view = cfg.get('view')
        if view:
            DATASETS.build(dict(cfg.ssl_dataset, pipeline=view, _scope_='mmpretrain'))[0]


def check_loader(loader: Config) -> None:
    if 'dataset' in loader:
        check_types(DATASETS, loader.dataset)
    loader = dict(loader, dataset=[torch.ones(2), torch.zeros(2)], num_workers=0, persistent_workers=False, drop_last=False, batch_size=2)
    if loader['sampler'].get('num_members'):
        loader['sampler'] = dict(type='DefaultSampler')
    assert len(next(iter(Runner.build_dataloader(loader)))) == 2
