"""Layers of BigGAN's generator; the feature interpreter's conditional mix blocks use them too."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmbdg.generators.batch_statistics import StandingBatchNorm2d
from mmbdg.generators.spectral_norm import normalised

# Shape legend: N samples, C channels, H = W pixels, E size of the class embedding, D size of a block's condition (E or E + a chunk of z).


class ConditionalBatchNorm2d(nn.Module):
    """Batch normalisation whose gain and bias are linear maps of a condition (BigGAN, appendix B).

    Args:
        channels: Number of channels C.
        cond_dim: Size D of the condition.
        bias: Whether the two linear maps have a bias: False in BigGAN's generator (default), True in the released interpreter.
        spectral_norm: Whether the two linear maps are spectrally normalised; default True.
        eps: Constant added to the variance; default 1e-4, as in BigGAN's conditional layers.
        truncation_rows: Number of rows of statistics, see :class:`~mmbdg.generators.batch_statistics.StandingBatchNorm2d`; default 0.
    """

    def __init__(
        self,
        channels: int,
        cond_dim: int,
        bias: bool = False,
        spectral_norm: bool = True,
        eps: float = 1e-4,
        truncation_rows: int = 0,
    ) -> None:
        super().__init__()
        self.bn = StandingBatchNorm2d(channels, eps, affine=False, rows=truncation_rows)
        self.gain = normalised(nn.Linear(cond_dim, channels, bias=bias), spectral_norm)
        self.bias = normalised(nn.Linear(cond_dim, channels, bias=bias), spectral_norm)

    def forward(self, x: Tensor, cond: Tensor) -> Tensor:
        """x (N,C,H,W), cond (N,D) -> (N,C,H,W)."""
        gain = 1 + self.gain(cond)
        return torch.addcmul(self.bias(cond)[:, :, None, None], self.bn(x), gain[:, :, None, None])


class ConditionalResBlock(nn.Module):
    """Residual block: cBN, ReLU, (x2), conv3x3, cBN, ReLU, conv3x3, plus a shortcut (BigGAN, figure 15b).

    The shortcut is a 1x1 convolution if the number of channels or the resolution changes, else the identity.

    Args:
        in_channels, out_channels: Number of input and output channels.
        cond_dim: Size D of the condition.
        upsample: Whether to double H and W (nearest neighbour); default False.
        cond_bias: Whether the maps of the condition have a bias, see :class:`ConditionalBatchNorm2d`; default False.
        spectral_norm: Whether convolutions and linear maps are spectrally normalised; default True.
        eps: Epsilon of the batch normalisation; default 1e-4.
        truncation_rows: Number of rows of statistics, see :class:`~mmbdg.generators.batch_statistics.StandingBatchNorm2d`; default 0.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        cond_dim: int,
        upsample: bool = False,
        cond_bias: bool = False,
        spectral_norm: bool = True,
        eps: float = 1e-4,
        truncation_rows: int = 0,
    ) -> None:
        super().__init__()
        self.upsample = upsample
        self.bn1 = ConditionalBatchNorm2d(in_channels, cond_dim, cond_bias, spectral_norm, eps, truncation_rows)
        self.bn2 = ConditionalBatchNorm2d(out_channels, cond_dim, cond_bias, spectral_norm, eps, truncation_rows)
        self.conv1 = normalised(nn.Conv2d(in_channels, out_channels, 3, padding=1), spectral_norm)
        self.conv2 = normalised(nn.Conv2d(out_channels, out_channels, 3, padding=1), spectral_norm)
        has_conv = upsample or in_channels != out_channels
        self.conv_sc = normalised(nn.Conv2d(in_channels, out_channels, 1), spectral_norm) if has_conv else None

    def forward(self, x: Tensor, cond: Tensor) -> Tensor:
        """x (N,in,H,W), cond (N,D) -> (N,out,H,W), or (N,out,2H,2W) if upsample."""
        h = F.relu(self.bn1(x, cond))
        if self.upsample:
            h = F.interpolate(h, scale_factor=2, mode='nearest')
        h = self.conv1(h)
        h = self.conv2(F.relu(self.bn2(h, cond)))
        # A 1x1 convolution and nearest-neighbour upsampling commute; this order costs a quarter.
        shortcut = x if self.conv_sc is None else self.conv_sc(x)
        if self.upsample:
            shortcut = F.interpolate(shortcut, scale_factor=2, mode='nearest')
        return h + shortcut


class SelfAttention2d(nn.Module):
    """Self-attention of SAGAN with a learned gate, as in BigGAN: keys and values have half the resolution.

    Args:
        channels: Number of channels C, divisible by 8.
        spectral_norm: Whether the four 1x1 convolutions are spectrally normalised; default True.
    """

    def __init__(self, channels: int, spectral_norm: bool = True) -> None:
        super().__init__()

        def conv1x1(in_channels: int, out_channels: int) -> nn.Module:
            return normalised(nn.Conv2d(in_channels, out_channels, 1, bias=False), spectral_norm)

        self.theta = conv1x1(channels, channels // 8)
        self.phi = conv1x1(channels, channels // 8)
        self.g = conv1x1(channels, channels // 2)
        self.o = conv1x1(channels // 2, channels)
        self.gamma = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor, cond: Tensor | None = None) -> Tensor:
        """x (N,C,H,W) -> (N,C,H,W); ``cond`` is ignored and exists so that the call is the same as that of conditional blocks."""
        n, _, h, w = x.shape
        query = self.theta(x).flatten(2)  # (N, C/8, HW)
        key = F.max_pool2d(self.phi(x), 2).flatten(2)  # (N, C/8, HW/4)
        value = F.max_pool2d(self.g(x), 2).flatten(2)  # (N, C/2, HW/4)
        attention = torch.bmm(query.transpose(1, 2), key).softmax(-1)  # (N, HW, HW/4)
        mixed = torch.bmm(value, attention.transpose(1, 2)).view(n, -1, h, w)
        return self.gamma * self.o(mixed) + x
