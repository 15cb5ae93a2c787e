"""Every config parses and its model builds."""

import pytest
from conftest import ROOT
from mmengine.config import Config
from mmengine.registry import MODELS as ROOT_MODELS
from mmengine.registry import DefaultScope

from mmbdg.compat.config import apply_variables
from mmbdg.synthesis import Synthesis

CONFIGS = sorted(p.relative_to(ROOT / 'configs').as_posix() for p in (ROOT / 'configs').rglob('*.py') if '_base_' not in p.parts)


@pytest.mark.parametrize('name', CONFIGS)
def test_config(name):
    cfg = Config.fromfile(ROOT / 'configs' / name)
    if 'synthesis' in cfg:
        Synthesis.from_config(cfg.synthesis)
    if 'model' not in cfg:
        return
    if name == 'own/interpreter.py':
        cfg.model.generator.init_cfg = None  # the user's own weights
    with DefaultScope.overwrite_default_scope(cfg.get('default_scope', 'mmengine')):
        model = ROOT_MODELS.build(cfg.model)
    assert sum(p.numel() for p in model.parameters()) > 0
    apply_variables(cfg)  # every place that reach names is there


def test_metafile_names_configs():
    import yaml

    index = yaml.safe_load((ROOT / 'model-index.yml').read_text())
    for metafile in index['Import']:
        for model in yaml.safe_load((ROOT / metafile).read_text())['Models']:
            assert (ROOT / model['Config']).is_file()
