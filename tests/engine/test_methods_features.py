"""Features that hooks read from the networks of mmpretrain's methods."""

import pytest
import torch
from mmengine.model import revert_sync_batchnorm

from mmbdg.engine.hooks.correspondence_hook import _last_map
from mmbdg.engine.hooks.embedding_hook import _features
from mmbdg.errors import InputError
from mmbdg.registry import MODELS

RESNET = dict(type='mmpretrain.ResNet', depth=18, stem_channels=8, base_channels=8, norm_cfg=dict(type='BN'))
VIT = dict(type='mmpretrain.MoCoV3ViT', arch=dict(embed_dims=24, num_layers=2, num_heads=2, feedforward_channels=48),
           img_size=32, patch_size=8)  # fmt: skip
LINEAR = dict(type='mmpretrain.NonLinearNeck', in_channels=64, hid_channels=16, out_channels=12, num_layers=2)
METHODS = dict(
    densecl=(RESNET, dict(type='mmpretrain.DenseCLNeck', in_channels=64, hid_channels=16, out_channels=12, num_grid=None)),
    moco=(RESNET, dict(type='mmpretrain.MoCoV2Neck', in_channels=64, hid_channels=16, out_channels=12)),
    others=(RESNET, LINEAR),
    mocov3=(VIT, dict(LINEAR, in_channels=24, with_avg_pool=False)),
)


@pytest.mark.parametrize('method', METHODS)
def test_features(method):
    backbone, neck = METHODS[method]
    model = torch.nn.Module()
    model.backbone, model.neck = MODELS.build(backbone), revert_sync_batchnorm(MODELS.build(neck))
    model.eval()
    images = torch.randn(3, 3, 32, 32)
    with torch.no_grad():
        pooled, embedded = _features(model, images)
        last = model.backbone(images)[-1]
        torch.testing.assert_close(embedded, model.neck(model.backbone(images))[0])
        torch.testing.assert_close(pooled, last if method == 'mocov3' else last.mean((2, 3)))
        maps = _last_map(model.backbone, images)
    assert embedded.shape == (3, 12) and maps.shape == ((3, 24, 4, 4) if method == 'mocov3' else (3, 64, 1, 1))
    if method == 'mocov3':
        assert model.backbone.out_type == 'cls_token'  # the hook restores the output type


def test_vectors_are_no_maps():
    class Pooled(torch.nn.Module):
        def forward(self, images):
            return (images.mean((2, 3)),)

    with pytest.raises(InputError, match=r'Pooled gives \(2, 3\): remove the hook'):
        _last_map(Pooled(), torch.zeros(2, 3, 8, 8))
