"""BigGAN (Brock et al. 2019), the non-deep architecture, at any resolution."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mmbdg.generators.base import FeatureInfo
from mmbdg.generators.batch_statistics import StandingBatchNorm2d
from mmbdg.generators.block_chain import BlockChain, Step
from mmbdg.generators.layers import ConditionalResBlock, SelfAttention2d
from mmbdg.generators.spectral_norm import normalised, orthogonal_init
from mmbdg.registry import MODELS

BOTTOM_RESOLUTION = 4

# Published sizes: channels before the first block and after each block, in units of base_channels; size of z; attention resolutions.
PUBLISHED = {
    128: dict(channel_multipliers=(16, 16, 8, 4, 2, 1), latent_dim=120, attention=(64,)),
    256: dict(channel_multipliers=(16, 16, 8, 8, 4, 2, 1), latent_dim=140, attention=(128,)),
    512: dict(channel_multipliers=(16, 16, 8, 8, 4, 2, 1, 1), latent_dim=128, attention=(64,)),
}


@MODELS.register_module()
class BigGAN(BlockChain):
    """BigGAN's generator (paper: arXiv 1809.11096, appendix B, table 6) with feature taps.

    z is split into one chunk for the first linear map and one for each block (hierarchical latents); a block is conditioned on its chunk
    and the shared class embedding. Features are tapped after every block and every attention layer (BigDatasetGAN, section 3.2).

    Args:
        resolution: Height and width of an image in pixels, a power of two. For 128, 256 and 512 the published sizes are the defaults.
        num_classes: Number of classes; default 1000.
        base_channels: Base number of channels; default 96, as in the published models.
        channel_multipliers: Channels before the first block and after each block, in units of ``base_channels``; a sequence of length
            log2(resolution / 4) + 1. Default: the published one.
        latent_dim: Size of z, a multiple of the number of chunks (blocks + 1). Default: the published one.
        embed_dim: Size E of the shared class embedding; default 128.
        attention: Resolutions, in pixels, of the blocks that are followed by an attention layer. Default: the published ones.
        spectral_norm: Whether the weights are spectrally normalised; default True.
        eps: Epsilon of the conditional batch normalisation; default 1e-4.
        output_eps: Epsilon of the output layer's batch normalisation: 1e-5 in the code of ajbrock and of BigDatasetGAN (default), 1e-4 in
            DeepMind's.
        truncation_rows: Number of rows in the tables of batch statistics per truncation: 50 in DeepMind's weights
            (t = 0.02, 0.04, ..., 1). Default 0: no tables. See :meth:`use_statistics`.
        grey: Whether images are grey: the three channels of an image are their mean. Default False.
        init_cfg: ``dict(type='Pretrained', checkpoint=..., prefix=...)``; default None: random weights.

    Raises:
        ValueError: The sizes do not match each other.
    """

    def __init__(
        self,
        resolution: int,
        num_classes: int = 1000,
        base_channels: int = 96,
        channel_multipliers: Sequence[int] | None = None,
        latent_dim: int | None = None,
        embed_dim: int = 128,
        attention: Sequence[int] | None = None,
        spectral_norm: bool = True,
        eps: float = 1e-4,
        output_eps: float = 1e-5,
        truncation_rows: int = 0,
        grey: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        published = PUBLISHED.get(resolution, {})
        multipliers = tuple(channel_multipliers or published.get('channel_multipliers', ()))
        attention = tuple(published.get('attention', ()) if attention is None else attention)
        latent_dim = latent_dim or published.get('latent_dim', 0)
        blocks = len(multipliers) - 1
        if BOTTOM_RESOLUTION * 2**blocks != resolution:
            raise ValueError(
                f'BigGAN at {resolution} px needs log2({resolution} / {BOTTOM_RESOLUTION}) + 1 channel_multipliers, got {multipliers}'
            )
        if latent_dim <= 0 or latent_dim % (blocks + 1):
            raise ValueError(
                f'latent_dim must be a positive multiple of {blocks + 1} (one chunk for the first layer and one for each '
                f'of {blocks} blocks), got {latent_dim}'
            )

        self.resolution, self.num_classes, self.latent_dim, self.embed_dim = resolution, num_classes, latent_dim, embed_dim
        self.truncation_rows, self.grey = truncation_rows, grey
        self.chunk_dim = latent_dim // (blocks + 1)
        channels = [base_channels * m for m in multipliers]
        cond_dim = embed_dim + self.chunk_dim

        self.shared = nn.Embedding(num_classes, embed_dim)
        self.linear = normalised(nn.Linear(self.chunk_dim, channels[0] * BOTTOM_RESOLUTION**2), spectral_norm)
        self.blocks = nn.ModuleList()
        taps = []
        for i in range(blocks):
            size = BOTTOM_RESOLUTION * 2 ** (i + 1)
            block = ConditionalResBlock(
                channels[i],
                channels[i + 1],
                cond_dim,
                upsample=True,
                spectral_norm=spectral_norm,
                eps=eps,
                truncation_rows=truncation_rows,
            )
            stage = nn.ModuleList([block])
            if size in attention:
                stage.append(SelfAttention2d(channels[i + 1], spectral_norm))
            self.blocks.append(stage)
            taps += [FeatureInfo(channels[i + 1], size, f'blocks.{i}.{j}', resolution // size) for j in range(len(stage))]
        self.feature_info = tuple(taps)
        self.output_layer = nn.Sequential(
            StandingBatchNorm2d(channels[-1], output_eps, rows=truncation_rows),
            nn.ReLU(),
            normalised(nn.Conv2d(channels[-1], 3, 3, padding=1), spectral_norm),
        )

    def embed(self, y: Tensor) -> Tensor:
        return self.shared(y)

    def first(self, z: Tensor, y: Tensor) -> Tensor:
        return self.linear(z[:, : self.chunk_dim]).view(len(z), -1, BOTTOM_RESOLUTION, BOTTOM_RESOLUTION)

    def steps(self, z: Tensor, y: Tensor) -> list[Step]:
        embedding = self.embed(y)  # (N, E)
        chunks = z.split(self.chunk_dim, dim=1)[1:]
        conditions = [torch.cat([embedding, chunk], dim=1) for chunk in chunks]
        return [Step(block, (cond,)) for stage, cond in zip(self.blocks, conditions, strict=True) for block in stage]

    def last(self, h: Tensor) -> Tensor:
        colours = self.output_layer(h)
        return torch.tanh(colours.mean(1, keepdim=True).repeat(1, 3, 1, 1) if self.grey else colours)

    def use_statistics(self, truncation: float | None) -> None:
        for module in self.modules():
            if isinstance(module, StandingBatchNorm2d):
                module.use_statistics(truncation)

    def reset_parameters(self) -> None:
        orthogonal_init(self)
