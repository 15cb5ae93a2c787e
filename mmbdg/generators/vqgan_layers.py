"""Layers of VQGAN's encoder and decoder, with the parameter names of the released weights."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

# Shape legend: N images, C channels, H = W pixels.
GROUPS = 32
"""Groups of a norm in the released weights."""


def group_norm(channels: int, groups: int = GROUPS) -> nn.GroupNorm:
    """Normalisation layer of VQGAN's encoder and decoder; ``channels`` is a multiple of ``groups``."""
    return nn.GroupNorm(groups, channels, eps=1e-6)


class ResidualBlock(nn.Module):
    """Residual block: twice GroupNorm, swish and conv3x3, plus a shortcut (a 1x1 convolution if the number of channels changes).

    Args:
        in_channels, out_channels: Number of input and output channels, multiples of ``groups``.
        groups: Number of groups of a norm. Default: 32.
    """

    def __init__(self, in_channels: int, out_channels: int, groups: int = GROUPS) -> None:
        super().__init__()
        self.out_channels = out_channels
        self.norm1 = group_norm(in_channels, groups)
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.norm2 = group_norm(out_channels, groups)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        self.nin_shortcut = nn.Conv2d(in_channels, out_channels, 1) if in_channels != out_channels else None

    def forward(self, x: Tensor) -> Tensor:
        """x (N,in,H,W) -> (N,out,H,W)."""
        h = self.conv1(F.silu(self.norm1(x)))
        h = self.conv2(F.silu(self.norm2(h)))
        return h + (x if self.nin_shortcut is None else self.nin_shortcut(x))


class SpatialAttention(nn.Module):
    """Self-attention among all pixels with one head, added to the input. Scores are scaled by C^-0.5.

    Args:
        channels: Number of channels C, a multiple of ``groups``.
        groups: Number of groups of the norm. Default: 32.
    """

    def __init__(self, channels: int, groups: int = GROUPS) -> None:
        super().__init__()
        self.out_channels = channels
        self.norm = group_norm(channels, groups)
        self.q = nn.Conv2d(channels, channels, 1)
        self.k = nn.Conv2d(channels, channels, 1)
        self.v = nn.Conv2d(channels, channels, 1)
        self.proj_out = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """x (N,C,H,W) -> (N,C,H,W)."""
        h = self.norm(x)
        q, k, v = (conv(h).flatten(2).transpose(1, 2).unsqueeze(1) for conv in (self.q, self.k, self.v))  # (N, 1, HW, C)
        mixed = F.scaled_dot_product_attention(q, k, v)
        return x + self.proj_out(mixed.squeeze(1).transpose(1, 2).reshape(x.shape))


class Downsample(nn.Module):
    """Convolution with stride 2 that halves H and W. Zero padding is added only at the right and the bottom.

    Args:
        channels: Number of channels C.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        """x (N,C,H,W) -> (N,C,H/2,W/2)."""
        return self.conv(F.pad(x, (0, 1, 0, 1)))


class Upsample(nn.Module):
    """Nearest-neighbour upsampling that doubles H and W, followed by a convolution.

    Args:
        channels: Number of channels C.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.out_channels = channels
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """x (N,C,H,W) -> (N,C,2H,2W)."""
        return self.conv(F.interpolate(x, scale_factor=2, mode='nearest'))


class VectorQuantizer(nn.Module):
    """Table of code vectors with nearest-neighbour search (VQ-VAE; Taming Transformers, section 3.1).

    Args:
        n_embed: Number of codes K.
        code_dim: Size D of a code.
    """

    def __init__(self, n_embed: int, code_dim: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(n_embed, code_dim)

    def nearest(self, x: Tensor) -> Tensor:
        """Vectors float (N,D,H,W) -> indices int64 (N,H*W) of the codes with the smallest Euclidean distance, row by row."""
        # Half precision cannot distinguish neighbouring codes.
        with torch.autocast(x.device.type, enabled=False):
            codes = self.embedding.weight.float()
            vectors = x.float().permute(0, 2, 3, 1).reshape(-1, x.shape[1])  # (N*H*W, D)
            # Squared distances without |vector|^2, which is the same for all codes.
            distances = torch.addmm(codes.square().sum(1), vectors, codes.t(), alpha=-2)  # (N*H*W, K)
            return distances.argmin(1).view(len(x), -1)

    def forward(self, tokens: Tensor) -> Tensor:
        """Indices int64 (N,H*W) of a square grid, row by row -> codes float (N,D,H,W)."""
        size = round(tokens.shape[1] ** 0.5)
        return self.embedding(tokens).transpose(1, 2).unflatten(2, (size, size))
