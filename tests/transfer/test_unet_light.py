"""The small U-Net of the three domains begins with outputs that can tell classes apart."""

import pytest
import torch
from conftest import ROOT
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS

from mmbdg.engine.launch import read_fitted


@pytest.mark.parametrize('name', ['fashion/unet_32px_light', 'fashion/unet_32px_synthetic', 'colour/unet_32px', 'stamps/unet_64px'])
def test_the_output_layer_begins_with_large_weights(name):
    """With mmseg's 0.01 the logits of 16 channels vary by 0.03 only, and the network predicts background for hundreds of iterations."""
    cfg = read_fitted(str(ROOT / f'configs/transfer/{name}.py'))
    init_default_scope('mmseg')
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    model.init_weights()
    assert model.decode_head.conv_seg.weight.std().item() == pytest.approx(0.25, rel=0.2)
    side = cfg.model.data_preprocessor.size[0]
    logits = model.train()(torch.randn(2, 3, side, side), mode='tensor')
    assert logits.shape[:2] == (2, model.decode_head.num_classes) and logits.std() > 0.3
    assert sum(value.numel() for value in model.parameters()) < 500_000
