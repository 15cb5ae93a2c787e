"""Discriminator of BigGAN."""

from collections.abc import Sequence

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn import functional as F

from mmbdg.generators.layers import SelfAttention2d
from mmbdg.generators.spectral_norm import normalised, orthogonal_init
from mmbdg.registry import MODELS


class DiscriminatorBlock(nn.Module):
    """(ReLU), conv3x3, ReLU, conv3x3, (average pooling), plus a shortcut (BigGAN, figure 15c)."""

    def __init__(self, in_channels: int, out_channels: int, first: bool, downsample: bool, eps: float) -> None:
        super().__init__()
        self.first, self.downsample = first, downsample
        self.conv1 = normalised(nn.Conv2d(in_channels, out_channels, 3, padding=1), eps=eps)
        self.conv2 = normalised(nn.Conv2d(out_channels, out_channels, 3, padding=1), eps=eps)
        has_conv = downsample or in_channels != out_channels
        self.conv_sc = normalised(nn.Conv2d(in_channels, out_channels, 1), eps=eps) if has_conv else None

    def forward(self, x: Tensor) -> Tensor:
        """(N,in,H,W) -> (N,out,H,W), or (N,out,H/2,W/2) if downsample."""
        h = self.conv2(F.relu(self.conv1(x if self.first else F.relu(x))))
        if self.downsample:  # average pooling and a 1x1 convolution commute
            h, x = F.avg_pool2d(h, 2), F.avg_pool2d(x, 2)
        return h + (x if self.conv_sc is None else self.conv_sc(x))


@MODELS.register_module()
class ProjectionDiscriminator(BaseModule):
    """Residual discriminator with class projection (Miyato & Koyama 2018), as in BigGAN.

    Args:
        resolution: Height and width of an image in pixels.
        num_classes: Number of classes.
        base_channels: Base number of channels.
        channel_multipliers: Channels after each block, in units of ``base_channels``.
        downsample: For each block, whether it halves the resolution.
        attention: Resolutions in pixels at which a self-attention layer follows the block.
        eps: Epsilon of the spectral normalisation.
        init_cfg: mmengine's ``init_cfg``.
    """

    def __init__(
        self,
        resolution: int,
        num_classes: int,
        base_channels: int,
        channel_multipliers: Sequence[int],
        downsample: Sequence[bool],
        attention: Sequence[int] = (),
        eps: float = 1e-4,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        blocks, channels, size = [], 3, resolution
        for i, (multiplier, down) in enumerate(zip(channel_multipliers, downsample, strict=True)):
            blocks.append(DiscriminatorBlock(channels, base_channels * multiplier, i == 0, down, eps))
            channels, size = base_channels * multiplier, size // 2 if down else size
            if size in attention:
                blocks.append(SelfAttention2d(channels))
        self.blocks = nn.Sequential(*blocks)
        self.linear = normalised(nn.Linear(channels, 1), eps=eps)
        self.embed = normalised(nn.Embedding(num_classes, channels), eps=eps)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Images float (N,3,R,R) in [-1,1], classes int64 (N,) -> logits (N,), high for real."""
        h = F.relu(self.blocks(x)).sum((2, 3))
        return self.linear(h).squeeze(1) + (self.embed(y) * h).sum(1)

    def init_weights(self) -> None:
        if self.init_cfg:
            super().init_weights()
            return
        orthogonal_init(self)


def hinge_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    """Hinge loss of the discriminator: mean max(0, 1 - D(x)) + mean max(0, 1 + D(G(z))) (Geometric GAN; BigGAN, section 3)."""
    return F.relu(1 - real).mean() + F.relu(1 + fake).mean()


def hinge_generator(fake: Tensor) -> Tensor:
    """Hinge loss of the generator: - mean D(G(z))."""
    return -torch.mean(fake)
