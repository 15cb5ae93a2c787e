"""Every config parses and its model builds."""

import pytest
import torch
from conftest import ROOT
from mmengine.config import Config
from mmengine.registry import MODELS as ROOT_MODELS
from mmengine.registry import DefaultScope

from mmbdg.classifiers import classifier_identity
from mmbdg.compat.config import check_keys, read_config
from mmbdg.engine.config_values import check_values
from mmbdg.engine.launch import options_of_labels
from mmbdg.sources.class_list import ClassList
from mmbdg.sources.prompt_slots import read_slots
from mmbdg.sources.prompts import PromptPlan
from mmbdg.sources.sense_plan import SensePlan
from mmbdg.sources.senses import check_told_apart
from mmbdg.synthesis import SelectionPlan, Synthesis

CONFIGS = sorted(p.relative_to(ROOT / 'configs').as_posix() for p in (ROOT / 'configs').rglob('*.py') if '_base_' not in p.parts)

# Names and shapes only: the weights take gigabytes.
PUBLISHED = (
    'interpreter/biggan512',
    'interpreter/biggan-deep',
    'interpreter/vqgan',
    'interpreter/sd15',
    'interpreter/dit-xl',
    'benchmark/imagenet',
    'clip/vit',
)


INITS = ('kaiming_normal_', 'kaiming_uniform_', 'normal_', 'orthogonal_', 'trunc_normal_', 'uniform_', 'xavier_normal_', 'xavier_uniform_')


@pytest.fixture
def quickly_built(monkeypatch):
    """Models are built without the random values of their weights, which take most of the time and decide nothing here."""
    for name in INITS:
        monkeypatch.setattr(torch.nn.init, name, lambda tensor, *args, **kwargs: tensor)
    monkeypatch.setattr('torch.nn.utils.parametrizations._SpectralNorm._power_method', lambda self, weight, iterations: None)


@pytest.fixture
def without_spectral_norm(quickly_built, monkeypatch):
    """On the meta device a parametrization of each layer takes long and has no effect."""
    monkeypatch.setattr('mmbdg.generators.spectral_norm.spectral_norm', lambda module, eps: module)


@pytest.mark.parametrize('name', CONFIGS)
def test_config(name, quickly_built, request):
    # A selection that compares with test images reads their folder when it is built.
    options = dict(test_images=str(ROOT / 'docs' / 'transfer')) if name == 'selections/no_copies.py' else None
    cfg = read_config(ROOT / 'configs' / name, options)
    check_keys(cfg)
    check_values(cfg)
    if 'synthesis' in cfg:
        plan = Synthesis.from_config(cfg.synthesis)
        for entry in (entry for entry in plan.filters if entry.get('classifier')):  # the classifier's weights are not in the repository
            judge = classifier_identity(entry['classifier'])
            with DefaultScope.overwrite_default_scope('mmpretrain'):
                ROOT_MODELS.build(judge.get('model') or {key: value for key, value in judge.items() if key != 'classes'})
    if 'selection' in cfg:
        assert SelectionPlan.from_config(cfg.selection).build()
    if 'senses' in cfg:
        SensePlan.from_config(cfg.senses.to_dict())
        ClassList(cfg.senses.classes)
    if 'prompts' in cfg:
        plan = PromptPlan.from_config(cfg.prompts.to_dict())
        check_told_apart(ClassList(plan.classes))
        assert read_slots(plan.slots).forms
    if 'model' not in cfg:
        return
    made = str(cfg.get('backbone_weights') or cfg.get('pipeline')).startswith('work_dirs/')  # by a training
    if name == 'own/interpreter.py' or 'generator_weights' in cfg.get('requires', {}) or made:
        cfg.model.generator.init_cfg = None  # these weights are not in the repository
    if name == 'own/lora.py':
        cfg.model.pipeline = 'mmbdg://fashion32/diffusion'
    if name == 'own/diffusion.py':
        cfg.model.autoencoder, cfg.model.unet.in_channels, cfg.model.unet.out_channels = 'mmbdg://fashion32/diffusion/vae', 8, 8
    if name.startswith('diffusion/') and str(cfg.model.get('autoencoder')).startswith('work_dirs/'):
        request.getfixturevalue('monkeypatch').chdir(request.getfixturevalue('tmp_path'))
        before = read_config(ROOT / 'configs' / cfg.requires.autoencoder.split('configs/')[1].split()[0])  # its training
        ROOT_MODELS.build(before.model).save_pretrained(cfg.model.autoencoder)
    large = name.startswith(PUBLISHED)
    if large:
        request.getfixturevalue('without_spectral_norm')
    with DefaultScope.overwrite_default_scope(cfg.get('default_scope', 'mmengine')), torch.device('meta' if large else 'cpu'):
        model = ROOT_MODELS.build(cfg.model)
    assert sum(p.numel() for p in model.parameters()) > 0
    assert options_of_labels(cfg) == {}  # the config already contains the values that follow from the label space


def scopeless(cfg):
    """Remove the ``_scope_`` keys that mmengine adds to values inherited from another package."""
    for value in cfg.values() if isinstance(cfg, dict | Config) else cfg if isinstance(cfg, list | tuple) else ():
        scopeless(value)
    if isinstance(cfg, dict):
        cfg.pop('_scope_', None)
    return cfg


@pytest.mark.parametrize('name', [name for name in CONFIGS if name.endswith('_biggan_fpn_in1k.py') and not name.startswith('densecl')])
def test_a_joint_method_is_trained_as_mmpretrain_trains_it(name):
    """A joint method keeps mmpretrain's batch size, views, optimiser, schedule, hooks and model settings.

    Only the data preprocessor differs.
    """
    (base,) = [base for base in Config._get_base_files(str(ROOT / 'configs' / name)) if base.startswith('mmpretrain::')]
    own, usual = (scopeless(Config.fromfile(path)) for path in (ROOT / 'configs' / name, Config._get_cfg_path(base, '')[0]))
    for key in ('optim_wrapper', 'param_scheduler', 'train_cfg', 'randomness', 'auto_scale_lr'):
        assert own.get(key) == usual.get(key), key
    loader, theirs = own.train_dataloader, usual.train_dataloader
    assert loader.dataset.ssl.pipeline == theirs.dataset.pipeline
    assert all(loader[key] == theirs[key] for key in theirs.keys() - {'dataset', 'sampler'})
    assert all(hook in own.custom_hooks for hook in usual.get('custom_hooks', []))
    assert own.model.type == f'mmbdg.Joint{usual.model.type}'
    assert all(own.model[key] == value for key, value in usual.model.items() if key != 'type')


@pytest.mark.parametrize('path', sorted((ROOT / 'configs' / '_base_' / 'generators').glob('*.py')), ids=lambda path: path.stem)
def test_published_generators(path, without_spectral_norm):
    """The generator has the resolution in its file name, and a missing weights file names the conversion tool."""
    options = dict(generator_weights='elsewhere.safetensors') if 'generator_weights' in Config.fromfile(path) else None
    cfg = read_config(path, options)
    with torch.device('meta'):
        generator = ROOT_MODELS.build(cfg.generator)
    assert str(generator.resolution) in path.stem
    if options:
        assert cfg.generator.init_cfg.checkpoint == 'elsewhere.safetensors'
        assert cfg.requires.keys() == {'generator_weights'} and 'converted by tools/convert_generator.py' in cfg.requires.generator_weights


@pytest.mark.parametrize(
    ('name', 'denoiser', 'autoencoder'), [('sd15-512_in1k', 859_520_964, 83_653_863), ('dit-xl-256_in1k', 749_826_464, 83_653_863)]
)
def test_published_diffusion_models(name, denoiser, autoencoder):
    """Parameter counts of the published sizes.

    The DiT paper's code has 675,129,632 parameters: one embedding of timestep and class instead of one in each of the 28 blocks, and a
    constant position embedding of 256 x 1,152.
    """
    config = read_config(
        ROOT / 'configs' / '_base_' / 'generators' / f'{name}.py', dict(generator_weights='elsewhere.safetensors')
    ).generator
    with torch.device('meta'):
        generator = ROOT_MODELS.build(dict(config, init_cfg=None))
    own, decoder = (sum(p.numel() for p in part.parameters()) for part in (generator.denoiser, generator.autoencoder))
    assert (own, decoder) == (denoiser, autoencoder)
    if name.startswith('dit'):
        embedding = (256 + 1) * 1152 + (1152 + 1) * 1152 + 1001 * 1152
        assert own - 27 * embedding + 256 * 1152 == 675_129_632


def test_metafile_names_configs():
    import yaml

    index = yaml.safe_load((ROOT / 'model-index.yml').read_text())
    for metafile in index['Import']:
        for model in yaml.safe_load((ROOT / metafile).read_text())['Models']:
            assert (ROOT / model['Config']).is_file()


@pytest.mark.parametrize(
    'name', [name for name in CONFIGS if not any(part in name for part in ('in1k', 'fcn_r50', 'benchmark/imagenet'))]
)  # the paper's are for photographs
def test_logits_resolve_what_is_asked(name):
    """Our segmentation heads for small images give logits at a quarter of the image resolution or better."""
    cfg = read_config(ROOT / 'configs' / name)
    found = [(neck, head) for neck, head in (('neck', 'decode_head'), ('seg_neck', 'seg_head')) if head in cfg.get('model', {})]
    if not found:
        return
    ((neck, head),) = found
    more = dict(out_indices=(0, 1, 2, 3)) if cfg.model.backbone.type.endswith('ResNet') else {}
    with DefaultScope.overwrite_default_scope(cfg.get('default_scope', 'mmengine')):
        backbone = ROOT_MODELS.build({**cfg.model.backbone, 'init_cfg': None, **more, 'norm_cfg': dict(type='BN')})
        between = ROOT_MODELS.build(cfg.model[neck]) if cfg.model.get(neck) else torch.nn.Identity()
        decoder = ROOT_MODELS.build({**cfg.model[head], 'norm_cfg': dict(type='BN')})
    for module in (backbone, decoder):
        module.eval()
    images = torch.zeros(1, 3, 64, 64)
    with torch.no_grad():
        logits = decoder(between(backbone(images)))
    assert logits.shape[-2] >= 16 and logits.shape[-1] >= 16


@pytest.mark.parametrize('path', sorted((ROOT / 'configs').rglob('*.py')), ids=lambda path: str(path.relative_to(ROOT / 'configs')))
def test_images_and_masks_are_loaded_the_one_way(path):
    """Configs load images and masks with this package's transforms only (docs/images_and_masks.md).

    OpenMMLab's own transforms read some files differently.
    """
    text = path.read_text()
    assert 'LoadImageFromFile' not in text, 'mmbdg.LoadImage'
    assert 'LoadAnnotations' not in text.replace("'LoadAnnotations', with_bbox=True", ''), 'mmbdg.LoadMask'
