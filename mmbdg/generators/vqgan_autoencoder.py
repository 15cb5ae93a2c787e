"""VQGAN's first stage (Esser et al. 2021): an autoencoder between images and a grid of codes."""

from abc import abstractmethod
from collections.abc import Collection, Iterator, Sequence

from torch import Tensor, nn
from torch.nn import functional as F

from mmbdg.generators.vqgan_layers import (
    GROUPS,
    Downsample,
    ResidualBlock,
    SpatialAttention,
    Upsample,
    VectorQuantizer,
    group_norm,
)


class LayerStack(nn.Module):
    """Common base of encoder and decoder: named layers in sequence, then GroupNorm, swish and a convolution."""

    norm_out: nn.Module
    conv_out: nn.Module

    @abstractmethod
    def layers(self) -> Iterator[tuple[str, nn.Module]]:
        """Name and module of each layer before ``norm_out``, in the order of computation."""

    def forward(self, x: Tensor, features: list[Tensor] | None = None) -> Tensor:
        """x (N,in,H,W) -> (N,out,H',W'). If ``features`` is given, the output of each of :meth:`layers` is appended."""
        for _, layer in self.layers():
            x = layer(x)
            if features is not None:
                features.append(x)
        return self.conv_out(F.silu(self.norm_out(x)))


class Encoder(LayerStack):
    """Encoder from images to vectors: one level of residual blocks per resolution, each half the one before, then a middle part with
    attention.

    Args:
        resolution: Height and width of an image in pixels.
        ch: Base number of channels; level i has ``ch * ch_mult[i]`` channels, level 0 is the finest.
        ch_mult: Channel factor of each level.
        num_res_blocks: Number of residual blocks per level.
        attn_resolutions: Resolutions, in pixels, of the levels in which attention follows each residual block.
        z_channels: Number of output channels.
        norm_groups: Number of groups of a norm, a divisor of all numbers of channels. Default: 32.
    """

    def __init__(
        self,
        resolution: int,
        ch: int,
        ch_mult: Sequence[int],
        num_res_blocks: int,
        attn_resolutions: Collection[int],
        z_channels: int,
        norm_groups: int = GROUPS,
    ) -> None:
        super().__init__()
        channels = [ch * m for m in ch_mult]
        self.conv_in = nn.Conv2d(3, ch, 3, padding=1)
        self.down = nn.ModuleList(
            level(before, after, num_res_blocks, resolution >> i in attn_resolutions, norm_groups)
            for i, (before, after) in enumerate(zip([ch, *channels[:-1]], channels, strict=True))
        )
        for i in range(len(channels) - 1):
            self.down[i]['downsample'] = Downsample(channels[i])
        self.mid = middle(channels[-1], norm_groups)
        self.norm_out = group_norm(channels[-1], norm_groups)
        self.conv_out = nn.Conv2d(channels[-1], z_channels, 3, padding=1)

    def layers(self) -> Iterator[tuple[str, nn.Module]]:
        yield 'conv_in', self.conv_in
        for i, part in enumerate(self.down):
            for name, layer in layers_of(part):
                yield f'down.{i}.{name}', layer
        for name, layer in self.mid.items():
            yield f'mid.{name}', layer


class Decoder(LayerStack):
    """Decoder from vectors to images: mirrors the encoder, with one more residual block per level. Level 0 is the finest, computed last.

    Args: See :class:`Encoder`; ``z_channels`` is the number of input channels.
    """

    def __init__(
        self,
        resolution: int,
        ch: int,
        ch_mult: Sequence[int],
        num_res_blocks: int,
        attn_resolutions: Collection[int],
        z_channels: int,
        norm_groups: int = GROUPS,
    ) -> None:
        super().__init__()
        channels = [ch * m for m in ch_mult]
        self.bottom_resolution = resolution >> (len(channels) - 1)
        self.conv_in = nn.Conv2d(z_channels, channels[-1], 3, padding=1)
        self.mid = middle(channels[-1], norm_groups)
        self.up = nn.ModuleList(
            level(before, after, num_res_blocks + 1, resolution >> i in attn_resolutions, norm_groups)
            for i, (before, after) in enumerate(zip([*channels[1:], channels[-1]], channels, strict=True))
        )
        for i in range(1, len(channels)):
            self.up[i]['upsample'] = Upsample(channels[i])
        self.norm_out = group_norm(channels[0], norm_groups)
        self.conv_out = nn.Conv2d(channels[0], 3, 3, padding=1)

    def layers(self) -> Iterator[tuple[str, nn.Module]]:
        yield 'conv_in', self.conv_in
        for name, layer in self.mid.items():
            yield f'mid.{name}', layer
        for i in reversed(range(len(self.up))):
            for name, layer in layers_of(self.up[i]):
                yield f'up.{i}.{name}', layer

    def taps(self) -> Iterator[tuple[int, int, str]]:
        """Channels, resolution and name of the output of each of :meth:`layers`."""
        resolution = self.bottom_resolution
        for name, layer in self.layers():
            resolution *= 2 if isinstance(layer, Upsample) else 1
            yield layer.out_channels, resolution, name


class Autoencoder(nn.Module):
    """Encoder, decoder and the table of codes between them (Taming Transformers, arXiv 2012.09841, section 3.1).

    An image is represented by (resolution / 2^(levels - 1))^2 tokens in row-major order, which are indices into the table.

    Args:
        n_embed: Number of codes K.
        code_dim: Size D of a code.
        **sizes: Arguments of :class:`Encoder`.
    """

    def __init__(self, n_embed: int, code_dim: int, **sizes: int | Sequence[int]) -> None:
        super().__init__()
        self.encoder = Encoder(**sizes)
        self.decoder = Decoder(**sizes)
        self.quantize = VectorQuantizer(n_embed, code_dim)
        self.quant_conv = nn.Conv2d(sizes['z_channels'], code_dim, 1)
        self.post_quant_conv = nn.Conv2d(code_dim, sizes['z_channels'], 1)

    def encode(self, images: Tensor) -> Tensor:
        """Images float (N,3,R,R) in [-1,1] -> tokens int64 (N,L)."""
        return self.quantize.nearest(self.quant_conv(self.encoder(images)))

    def decode(self, tokens: Tensor, features: list[Tensor] | None = None) -> Tensor:
        """Tokens int64 (N,L) -> images float (N,3,R,R), not clamped: some values lie slightly outside [-1,1].

        If ``features`` is given, the output of each layer of the decoder is appended.
        """
        return self.decoder(self.post_quant_conv(self.quantize(tokens)), features)


def level(in_channels: int, out_channels: int, num_blocks: int, attention: bool, groups: int) -> nn.ModuleDict:
    """Residual blocks at one resolution, each followed by attention if ``attention`` is True."""
    blocks = [ResidualBlock(in_channels if j == 0 else out_channels, out_channels, groups) for j in range(num_blocks)]
    attentions = [SpatialAttention(out_channels, groups) for _ in blocks] if attention else []
    return nn.ModuleDict(dict(block=nn.ModuleList(blocks), attn=nn.ModuleList(attentions)))


def middle(channels: int, groups: int) -> nn.ModuleDict:
    """Middle part at the coarsest resolution: residual block, attention, residual block."""
    return nn.ModuleDict(
        dict(
            block_1=ResidualBlock(channels, channels, groups),
            attn_1=SpatialAttention(channels, groups),
            block_2=ResidualBlock(channels, channels, groups),
        )
    )


def layers_of(part: nn.ModuleDict) -> Iterator[tuple[str, nn.Module]]:
    """Name and module of each layer of a :func:`level`, in the order of computation."""
    for j, block in enumerate(part['block']):
        yield f'block.{j}', block
        if part['attn']:
            yield f'attn.{j}', part['attn'][j]
    for name in ('downsample', 'upsample'):
        if name in part:
            yield name, part[name]


def check_sizes(
    resolution: int,
    ch: int,
    ch_mult: Sequence[int],
    num_res_blocks: int,
    attn_resolutions: Sequence[int],
    norm_groups: int = GROUPS,
) -> None:
    """Raise ValueError unless an encoder and a decoder of these sizes can be built."""
    levels = len(ch_mult)
    if not levels or resolution < 1 or resolution % 2 ** (levels - 1):
        raise ValueError(f'resolution must be a multiple of 2^{levels - 1} for {levels} levels of ch_mult, got {resolution}')
    if norm_groups < 1:
        raise ValueError(f'norm_groups must be at least 1, got {norm_groups}')
    if any(channels <= 0 or channels % norm_groups for channels in (ch, *(ch * m for m in ch_mult))):
        raise ValueError(
            f'ch and ch times each of ch_mult must be multiples of {norm_groups} (the groups of a norm), got {ch} and {tuple(ch_mult)}'
        )
    if not 1 <= num_res_blocks <= 64:
        raise ValueError(f'num_res_blocks must be 1..64, got {num_res_blocks}')
    if unknown := set(attn_resolutions) - {resolution >> i for i in range(levels)}:
        raise ValueError(f'no level of a {resolution} px model with {levels} levels has the attn_resolutions {sorted(unknown)}')
