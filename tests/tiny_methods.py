"""Each self-supervised method of mmpretrain that joint pre-training knows, a few thousand weights."""

import torch
from mmengine.model import BaseModel
from mmpretrain.structures import DataSample

from mmbdg.registry import MODELS

BACKBONE = dict(type='ResNet', depth=18, base_channels=4, stem_channels=4, norm_cfg=dict(type='BN'))
CROSS_ENTROPY = dict(type='CrossEntropyLoss')


def mlp(inputs: int, pool: bool = True, outputs: int = 16) -> dict:
    return dict(type='NonLinearNeck', in_channels=inputs, hid_channels=32, out_channels=outputs, num_layers=2, with_avg_pool=pool)


CONTRASTIVE = dict(type='ContrastiveHead', loss=CROSS_ENTROPY, temperature=0.2)
PREDICTION = dict(type='LatentPredictHead', predictor=mlp(16, False), loss=dict(type='CosineSimilarityLoss'))
METHODS = dict(
    DenseCL=dict(
        neck=dict(type='DenseCLNeck', in_channels=32, hid_channels=32, out_channels=16), head=CONTRASTIVE, queue_len=64, feat_dim=16
    ),
    MoCo=dict(neck=dict(type='MoCoV2Neck', in_channels=32, hid_channels=32, out_channels=16), head=CONTRASTIVE, queue_len=64, feat_dim=16),
    MoCoV3=dict(neck=mlp(32), head=dict(type='MoCoV3Head', predictor=mlp(16, False), loss=CROSS_ENTROPY, temperature=0.2)),
    BYOL=dict(neck=mlp(32), head=PREDICTION),
    SimCLR=dict(neck=mlp(32), head=CONTRASTIVE),
    SimSiam=dict(neck=mlp(32), head=PREDICTION),
    BarlowTwins=dict(
        neck=mlp(32), head=dict(type='LatentCrossCorrelationHead', in_channels=16, loss=dict(type='CrossCorrelationLoss'))
    ),
)  # fmt: skip
MOMENTUM_ENCODERS = dict(DenseCL='encoder_k', MoCo='encoder_k', MoCoV3='momentum_encoder', BYOL='target_net')
PREPROCESSOR = dict(type='SelfSupDataPreprocessor', mean=[127.5] * 3, std=[127.5] * 3)


def build_method(name: str) -> BaseModel:
    """With random weights; the same for the same seed of torch."""
    return MODELS.build(
        dict(type=f'mmpretrain.{name}', _scope_='mmpretrain', backbone=BACKBONE, data_preprocessor=PREPROCESSOR, **METHODS[name])
    )


def views(n: int = 8, seed: int = 3) -> dict:
    """A batch as the data loader gives it: two views of n images."""
    generator = torch.Generator().manual_seed(seed)
    images = [torch.randint(0, 256, (n, 3, 64, 64), dtype=torch.uint8, generator=generator) for _ in range(2)]
    return dict(inputs=images, data_samples=[DataSample() for _ in range(n)])
