import pytest
from mmengine.config import Config

BASES = {
    'mmseg::_base_/models/fpn_r50.py': lambda cfg: cfg.model.decode_head.type == 'FPNHead',
    'mmpretrain::_base_/models/resnet50.py': lambda cfg: cfg.model.backbone.depth == 50,
    'mmdet::_base_/models/retinanet_r50_fpn.py': lambda cfg: cfg.model.type == 'RetinaNet',
    'mmbdg::_base_/runtime.py': lambda cfg: cfg.default_scope == 'mmpretrain',
}


@pytest.mark.parametrize('base', BASES)
def test_bases_of_other_packages(base, tmp_path):
    path = tmp_path / 'child.py'
    path.write_text(f"_base_ = '{base}'\n")
    assert BASES[base](Config.fromfile(path))
