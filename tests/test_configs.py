"""Every config parses and its model builds."""

import pytest
import torch
from conftest import ROOT
from mmengine.config import Config
from mmengine.registry import MODELS as ROOT_MODELS
from mmengine.registry import DefaultScope

from mmbdg.compat.config import apply_variables
from mmbdg.engine.launch import fit_labels
from mmbdg.synthesis import Synthesis
from mmbdg.synthesis.classifier import classifier_identity

CONFIGS = sorted(p.relative_to(ROOT / 'configs').as_posix() for p in (ROOT / 'configs').rglob('*.py') if '_base_' not in p.parts)

PUBLISHED = ('interpreter/biggan512', 'interpreter/biggan-deep', 'interpreter/vqgan')  # names and shapes only: gigabytes


@pytest.mark.parametrize('name', CONFIGS)
def test_config(name, monkeypatch):
    cfg = Config.fromfile(ROOT / 'configs' / name)
    if 'synthesis' in cfg:
        plan = Synthesis.from_config(cfg.synthesis)
        apply_variables(cfg)
        if plan.classifier:  # its weights are elsewhere
            judge = classifier_identity(plan.classifier)
            with DefaultScope.overwrite_default_scope('mmpretrain'):
                ROOT_MODELS.build(judge.get('model') or {key: value for key, value in judge.items() if key != 'classes'})
    if 'model' not in cfg:
        return
    if name == 'own/interpreter.py' or 'generator_weights' in cfg.get('requires', {}):
        cfg.model.generator.init_cfg = None  # weights that are not here
    large = name.startswith(PUBLISHED)
    if large:  # a power iteration for each layer takes longest, and on meta tensors tells nothing
        monkeypatch.setattr('mmbdg.generators.spectral_norm.spectral_norm', lambda module, eps: module)
    with DefaultScope.overwrite_default_scope(cfg.get('default_scope', 'mmengine')), torch.device('meta' if large else 'cpu'):
        model = ROOT_MODELS.build(cfg.model)
    assert sum(p.numel() for p in model.parameters()) > 0
    apply_variables(cfg)  # every place that reach names is there
    before = cfg.to_dict()
    fit_labels(cfg)  # what the label space decides stands in the file as it will be
    assert cfg.to_dict() == before


@pytest.mark.parametrize('path', sorted((ROOT / 'configs' / '_base_' / 'generators').glob('*.py')), ids=lambda path: path.stem)
def test_published_generators(path):
    """Their sizes by name; the weights they name are converted by the tool they name."""
    cfg = Config.fromfile(path)
    with torch.device('meta'):
        generator = ROOT_MODELS.build(cfg.generator)
    assert str(generator.resolution) in path.stem
    apply_variables(cfg, dict(generator_weights='elsewhere.safetensors') if 'generator_weights' in cfg else None)
    if 'generator_weights' in cfg:
        assert cfg.requires.keys() == {'generator_weights'} and 'converted by tools/convert_generator.py' in cfg.requires.generator_weights


def test_metafile_names_configs():
    import yaml

    index = yaml.safe_load((ROOT / 'model-index.yml').read_text())
    for metafile in index['Import']:
        for model in yaml.safe_load((ROOT / metafile).read_text())['Models']:
            assert (ROOT / model['Config']).is_file()
