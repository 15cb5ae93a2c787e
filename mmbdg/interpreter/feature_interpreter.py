"""The feature interpreter of BigDatasetGAN (section 3.2, figure 3): generator features to labels."""

from collections.abc import Sequence

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn import functional as F

from mmbdg.compat.checkpoint import load_pretrained
from mmbdg.generators.grouping import group_taps
from mmbdg.generators.layers import ConditionalResBlock
from mmbdg.generators.spectral_norm import normalised
from mmbdg.registry import MODELS

OWN_EMBED_DIM = 128  # as BigGAN's


@MODELS.register_module()
class FeatureInterpreter(BaseModule):
    """Reduce each group of features, fuse coarse to fine with class-conditional mix blocks, put out logits.

    A group's features are concatenated at the group's resolution and reduced by a 1x1 convolution. Since a 1x1 convolution and bilinear
    resizing commute, each feature is reduced first and resized after: the same result, a fraction of the memory.

    Args:
        feature_info: (channels, resolution, ...) of each feature, coarse to fine: the generator's ``feature_info``.
        embed_dim: Size E of the class embedding that conditions the mix blocks: the generator's ``embed_dim``. 0 for a generator without
            one (VQGAN, unconditional ones): the interpreter then learns an embedding of 128 of its own.
        num_outputs: 1 for an FG/BG logit, C for a softmax over C classes (background first).
        resolution: Height and width of the labels; default: the finest feature's.
        groups: Upper resolution of each group, or the name of a rule, see :func:`~mmbdg.generators.grouping.group_bounds`.
        widths: Channels each group is reduced to; the last ones count where groups are empty. 128, 64, 32 as published.
        out_kernel: Kernel of the output convolution: 3 in the released code, 1 in the paper.
        spectral_norm: Whether mix blocks and output are spectrally normalised, as in the released code.
        num_classes: Classes of an embedding of its own.
        init_cfg: ``dict(type='Pretrained', checkpoint=..., prefix=...)`` or None.
    """

    def __init__(
        self,
        feature_info: Sequence[tuple],
        embed_dim: int,
        num_outputs: int = 1,
        resolution: int | None = None,
        groups: Sequence[int] | str = 'relative',
        widths: Sequence[int] = (128, 64, 32),
        out_kernel: int = 3,
        spectral_norm: bool = True,
        num_classes: int = 1,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        channels, resolutions = zip(*[(info[0], info[1]) for info in feature_info], strict=True)
        self.resolution = resolution or max(resolutions)
        self.groups = group_taps(resolutions, groups, self.resolution)
        if len(widths) < len(self.groups):
            raise ValueError(f'{len(self.groups)} groups need as many widths, got {tuple(widths)}')
        widths = widths[-len(self.groups) :]
        self.tap_channels = channels
        self.num_outputs = num_outputs

        self.embedding = None if embed_dim else nn.Embedding(num_classes, OWN_EMBED_DIM)
        embed_dim = embed_dim or OWN_EMBED_DIM
        self.reduce = nn.ModuleList(
            nn.Conv2d(sum(channels[i] for i in taps), width, 1, bias=False) for (_, taps), width in zip(self.groups, widths, strict=True)
        )
        fused, blocks = widths[0], []
        for width in widths[1:]:
            fused += width
            blocks.append(ConditionalResBlock(fused, fused, embed_dim, cond_bias=True, spectral_norm=spectral_norm))
        self.mix = nn.ModuleList(blocks)
        self.output = nn.Sequential(
            nn.BatchNorm2d(fused), nn.ReLU(), normalised(nn.Conv2d(fused, num_outputs, out_kernel, padding=out_kernel // 2), spectral_norm)
        )

    def forward(self, features: Sequence[Tensor], embedding: Tensor) -> Tensor:
        """Features (N,C_i,R_i,R_i) coarse to fine, what the generator's ``embed`` gave -> logits (N,num_outputs,R,R).

        That is the class embedding float32 (N,E), or the class indices int64 (N,) of a generator without one.
        """
        if self.embedding is not None:
            embedding = self.embedding(embedding)
        x = self._reduce(0, features)
        for i, mix in enumerate(self.mix, start=1):
            fine = self._reduce(i, features)
            x = mix(torch.cat([_resize(x, fine.shape[-1]), fine], dim=1), embedding)
        return _resize(self.output(x), self.resolution)

    def _reduce(self, group: int, features: Sequence[Tensor]) -> Tensor:
        resolution, taps = self.groups[group]
        weights = self.reduce[group].weight.split([self.tap_channels[i] for i in taps], dim=1)
        reduced = [_resize(F.conv2d(features[i], weight), resolution) for i, weight in zip(taps, weights, strict=True)]
        return torch.stack(reduced).sum(0) if len(reduced) > 1 else reduced[0]

    def init_weights(self) -> None:
        """Load ``init_cfg``'s checkpoint exactly, or keep torch's default initialisation (as the released code does)."""
        if self.init_cfg:
            load_pretrained(self, self.init_cfg)
        self.is_init = True


def _resize(x: Tensor, resolution: int) -> Tensor:
    return x if x.shape[-1] == resolution else F.interpolate(x, size=(resolution, resolution), mode='bilinear', align_corners=False)
