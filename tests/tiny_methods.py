"""All mmpretrain methods that joint pre-training supports, and joint models, with a few thousand weights."""

from collections.abc import Iterable
from typing import Any

import torch
from conftest import ROOT
from mmengine.config import Config
from mmengine.model import BaseModel, revert_sync_batchnorm
from mmengine.optim import OptimWrapper
from mmengine.structures import PixelData
from mmpretrain.structures import DataSample
from mmseg.structures import SegDataSample

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
SGD = dict(type='SGD', lr=0.03, momentum=0.9, weight_decay=1e-4)
PREPROCESSOR = dict(type='SelfSupDataPreprocessor', mean=[127.5] * 3, std=[127.5] * 3)


def build_method(name: str) -> BaseModel:
    """A method's model with random weights from torch's current seed."""
    return MODELS.build(
        dict(type=f'mmpretrain.{name}', _scope_='mmpretrain', backbone=BACKBONE, data_preprocessor=PREPROCESSOR, **METHODS[name])
    )


def views(n: int = 8, seed: int = 3) -> dict:
    """A batch in the data loader's format: two views of n images."""
    generator = torch.Generator().manual_seed(seed)
    images = [torch.randint(0, 256, (n, 3, 64, 64), dtype=torch.uint8, generator=generator) for _ in range(2)]
    return dict(inputs=images, data_samples=[DataSample() for _ in range(n)])


def joint(method: str = 'JointDenseCL', **model: Any) -> BaseModel:
    """The default joint model or another joint method, with a queue of 16 and no dropout."""
    config = Config.fromfile(ROOT / 'configs/_base_/models/joint_densecl_r18_64px.py').model
    config.queue_len, config.seg_head.dropout_ratio = 16, 0.0
    config.backbone.update(base_channels=16, stem_channels=16)
    config.neck.update(in_channels=128, hid_channels=64)
    config.seg_neck.in_channels = [16, 32, 64, 128]
    if method == 'JointMoCo':
        del config.loss_lambda
        config.neck.type = 'mmpretrain.MoCoV2Neck'
        del config.neck.num_grid
    config.update(type=f'mmbdg.{method}', **model)
    torch.manual_seed(0)
    return revert_sync_batchnorm(MODELS.build(config))


def batch(seed: int) -> dict:
    """Eight real images and eight labelled images."""
    generator, real = torch.Generator().manual_seed(seed), views(8, seed)
    samples = [SegDataSample(metainfo=dict(img_shape=(64, 64), ori_shape=(64, 64))) for _ in range(8)]
    for sample in samples:
        sample.gt_sem_seg = PixelData(data=torch.randint(0, 11, (1, 64, 64), generator=generator))
    images = torch.randint(0, 256, (8, 3, 64, 64), dtype=torch.uint8, generator=generator)
    return dict(inputs=dict(ssl=real['inputs'], seg=images), data_samples=dict(ssl=real['data_samples'], seg=samples))


def train(model: BaseModel, wrapper: OptimWrapper, steps: Iterable[int]) -> list[dict[str, float]]:
    """The losses of the given steps."""
    losses = []
    for i in steps:
        torch.manual_seed(i)  # seeds the order in which keys are shuffled
        losses.append({key: float(value) for key, value in model.train_step(batch(i), wrapper).items() if 'loss' in key})
    return losses
