"""BigGAN-deep (Brock et al. 2019), with the layers and weights of ``pytorch-pretrained-biggan``."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmbdg.errors import InputError
from mmbdg.generators.base import FeatureInfo
from mmbdg.generators.batch_statistics import interpolate_row
from mmbdg.generators.block_chain import BlockChain, Step
from mmbdg.generators.spectral_norm import normalised, orthogonal_init
from mmbdg.registry import MODELS

if TYPE_CHECKING:
    from pytorch_pretrained_biggan.model import BigGANBatchNorm, GenBlock

BOTTOM_RESOLUTION = 4

# (upsample, input channels, output channels) of each block, channels in units of base_channels (config files of the package).
PUBLISHED = {
    128: 'F16,16 T16,16 F16,16 T16,8 F8,8 T8,4 F4,4 T4,2 F2,2 T2,1',
    256: 'F16,16 T16,16 F16,16 T16,8 F8,8 T8,8 F8,8 T8,4 F4,4 T4,2 F2,2 T2,1',
    512: 'F16,16 T16,16 F16,16 T16,8 F8,8 T8,8 F8,8 T8,4 F4,4 T4,2 F2,2 T2,1 F1,1 T1,1',
}
PUBLISHED_BLOCKS = {
    resolution: tuple((block[0] == 'T', *map(int, block[1:].split(','))) for block in text.split())
    for resolution, text in PUBLISHED.items()
}


class _TruncatedBatchNorm(nn.Module):
    """Batch normalisation with the package's parameters and buffers, but with correct interpolation between truncations.

    The package swaps the two weights of the interpolation, and uses a neighbouring row where t / 0.02 is not an exact integer in
    floating point (0.14, 0.28, 0.56, 0.58, 0.94).
    """

    def __init__(self, original: 'BigGANBatchNorm') -> None:
        super().__init__()
        self.eps, self.conditional = original.eps, original.conditional
        self.register_buffer('running_means', original.running_means)
        self.register_buffer('running_vars', original.running_vars)
        if self.conditional:
            self.scale, self.offset = original.scale, original.offset
        else:
            self.weight, self.bias = original.weight, original.bias

    def forward(self, x: Tensor, truncation: float, condition_vector: Tensor | None = None) -> Tensor:
        """x (N,C,H,W), condition (N,D) -> (N,C,H,W)."""
        mean, var = (self._row(table, truncation) for table in (self.running_means, self.running_vars))
        if not self.conditional:
            return F.batch_norm(x, mean, var, self.weight, self.bias, eps=self.eps)
        gain, bias = 1 + self.scale(condition_vector), self.offset(condition_vector)
        return torch.addcmul(bias[:, :, None, None], F.batch_norm(x, mean, var, eps=self.eps), gain[:, :, None, None])

    @staticmethod
    def _row(table: Tensor, truncation: float) -> Tensor:
        return table[-1] if truncation == 1 else interpolate_row(table, truncation, first=0)


@MODELS.register_module()
class BigGANDeep(BlockChain):
    """BigGAN-deep's generator (arXiv 1809.11096, appendix B, tables 7 to 9) with feature taps, for trained weights only.

    Blocks and attention come from ``pytorch-pretrained-biggan`` and keep its parameter names, with torch's current names for the spectral
    norm. The condition, z concatenated with the class embedding, is the same for the first linear map and every block. Features are tapped
    after each block and after the attention. The weights hold no statistics without truncation; those of t = 1 (z cut at 2) are used then.

    Args:
        resolution: Height and width of an image in pixels. For 128, 256 and 512 the published blocks are the default.
        num_classes: Number of classes; default 1000.
        base_channels: Base number of channels; default 128, as in the published models.
        latent_dim: Size of z and of the class embedding; default 128.
        blocks: (upsample, input channels, output channels) of each block, channels in units of ``base_channels``. Default: the published.
        attention_position: Index of the block before which the attention is inserted; default 8.
        truncation_rows: Number of rows in the tables of batch statistics, for truncations 0 to 1: 51 in the published weights (default), 1
            in OpenMMLab's conversion, which kept only one row.
        rgb_outputs: Output channels of the last convolution, whose first three are the image: ``base_channels`` in the published weights
            (default None), 3 in OpenMMLab's conversion.
        spectral_norm: Whether the weights are spectrally normalised; default True. False for folded weights.
        eps: Epsilon of batch and spectral normalisation; default 1e-4.
        original: Whether to reproduce the package bit by bit, with its errors in the interpolation between truncations; default False.
        init_cfg: ``dict(type='Pretrained', checkpoint=..., prefix=...)``; default None: random weights.

    Raises:
        InputError: ``pytorch-pretrained-biggan`` is not installed.
        ValueError: The sizes do not match each other.
    """

    def __init__(
        self,
        resolution: int,
        num_classes: int = 1000,
        base_channels: int = 128,
        latent_dim: int = 128,
        blocks: Sequence[tuple[bool, int, int]] | None = None,
        attention_position: int = 8,
        truncation_rows: int = 51,
        rgb_outputs: int | None = None,
        spectral_norm: bool = True,
        eps: float = 1e-4,
        original: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        if original and truncation_rows < 2:
            raise ValueError('original=True needs statistics for several truncations, as the package does: truncation_rows of at least 2')
        blocks = [tuple(block) for block in blocks or PUBLISHED_BLOCKS.get(resolution, ())]
        _check_blocks(resolution, blocks, attention_position)
        config, package = _package_config(
            num_classes=num_classes,
            z_dim=latent_dim,
            channel_width=base_channels,
            layers=blocks,
            attention_layer_position=attention_position,
            n_stats=max(2, truncation_rows),  # the package divides by n_stats - 1
            eps=eps,
        )
        self.resolution, self.num_classes, self.latent_dim, self.embed_dim = resolution, num_classes, latent_dim, latent_dim
        self.original, self.truncation = original, 1.0
        self.embeddings = nn.Linear(num_classes, latent_dim, bias=False)
        self.generator = package.Generator(config)
        if rgb_outputs:
            self.generator.conv_to_rgb.out_channels = rgb_outputs
        for module in list(self.generator.modules()):
            for name, child in list(module.named_children()):
                if hasattr(child, 'weight_orig'):
                    setattr(module, name, _layer_like(child, spectral_norm, eps))
                elif isinstance(child, package.BigGANBatchNorm):
                    child.running_means = child.running_means[:truncation_rows].clone()
                    child.running_vars = child.running_vars[:truncation_rows].clone()
        if not original:
            for module in list(self.generator.modules()):
                for name, child in list(module.named_children()):
                    if isinstance(child, package.BigGANBatchNorm):
                        setattr(module, name, _TruncatedBatchNorm(child))
        self.truncation_rows = truncation_rows
        self.feature_info = tuple(_taps(self.generator.layers, resolution, package.GenBlock))

    def embed(self, y: Tensor) -> Tensor:
        return F.embedding(y, self.embeddings.weight.t())

    def first(self, z: Tensor, y: Tensor) -> Tensor:
        # channels last, as in TensorFlow
        h = self.generator.gen_z(self._condition(z, y)).view(len(z), BOTTOM_RESOLUTION, BOTTOM_RESOLUTION, -1).permute(0, 3, 1, 2)
        if self.original or not h.is_contiguous(memory_format=torch.channels_last):
            h = h.contiguous()
        return h

    def steps(self, z: Tensor, y: Tensor) -> list[Step]:
        arguments = self._condition(z, y), self.truncation
        return [Step(layer) if _is_attention(layer) else Step(layer, arguments) for layer in self.generator.layers]

    def last(self, h: Tensor) -> Tensor:
        net = self.generator
        h = F.relu(net.bn(h, self.truncation))
        if self.original:
            return torch.tanh(net.conv_to_rgb(h)[:, :3])
        weight, bias = net.conv_to_rgb.weight, net.conv_to_rgb.bias  # only the first three output channels are the image
        return torch.tanh(F.conv2d(h, weight[:3], bias[:3], padding=1))

    def _condition(self, z: Tensor, y: Tensor) -> Tensor:
        return torch.cat([z, self.embed(y)], dim=1)  # (N, 2 * latent_dim)

    def use_statistics(self, truncation: float | None) -> None:
        truncation = 1.0 if truncation is None else truncation
        if truncation != 1:
            interpolate_row(self.generator.bn.running_means, truncation, first=0)
        self.truncation = truncation

    def reset_parameters(self) -> None:
        orthogonal_init(self)
        for module in self.generator.modules():
            if not getattr(module, 'conditional', True):
                nn.init.ones_(module.weight)
                nn.init.zeros_(module.bias)


def _check_blocks(resolution: int, blocks: list[tuple[bool, int, int]], attention_position: int) -> None:
    if not blocks or BOTTOM_RESOLUTION * 2 ** sum(up for up, _, _ in blocks) != resolution:
        raise ValueError(f'BigGANDeep at {resolution} px needs blocks that double {BOTTOM_RESOLUTION} px up to it, got {blocks}')
    if blocks[0][1] != 16 or blocks[-1][2] != 1 or any(a[2] != b[1] for a, b in zip(blocks, blocks[1:], strict=False)):
        raise ValueError(
            f"BigGANDeep's blocks must start with 16 and end with 1, and the channels of consecutive blocks must match, got {blocks}"
        )
    if any(into != out and into != 2 * out for _, into, out in blocks):
        raise ValueError(f"BigGANDeep's shortcut keeps all channels or the first half; got {blocks}")
    if not 0 <= attention_position < len(blocks):
        raise ValueError(f'attention_position must be the index of one of {len(blocks)} blocks, got {attention_position}')


def _package_config(**sizes: object) -> tuple:
    try:
        from pytorch_pretrained_biggan import model as package
        from pytorch_pretrained_biggan.config import BigGANConfig
    except ImportError as error:
        raise InputError(f'BigGANDeep needs a package that is missing here ({error.name}): pip install "mmbdg[deep]"') from error
    return BigGANConfig(**sizes), package


def _layer_like(module: nn.Linear | nn.Conv2d, spectral_norm: bool, eps: float) -> nn.Module:
    """New layer of the same size with torch's current spectral norm; the old one (hooks, ``weight_orig``) cannot be removed completely."""
    bias = module.bias is not None
    if isinstance(module, nn.Linear):
        return normalised(nn.Linear(module.in_features, module.out_features, bias=bias), spectral_norm, eps)
    conv = nn.Conv2d(module.in_channels, module.out_channels, module.kernel_size, padding=module.padding, bias=bias)
    return normalised(conv, spectral_norm, eps)


def _is_attention(layer: nn.Module) -> bool:
    return hasattr(layer, 'snconv1x1_theta')


def _taps(layers: nn.ModuleList, resolution: int, block_type: 'type[GenBlock]') -> list[FeatureInfo]:
    taps, size, channels = [], BOTTOM_RESOLUTION, 0
    for i, layer in enumerate(layers):
        if isinstance(layer, block_type):
            size *= 2 if layer.up_sample else 1
            channels = layer.conv_3.out_channels
        taps.append(FeatureInfo(channels, size, f'generator.layers.{i}', resolution // size))
    return taps
