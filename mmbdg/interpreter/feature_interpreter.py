"""The feature interpreter of BigDatasetGAN (section 3.2, figure 3): generator features to labels."""

from collections.abc import Callable, Sequence

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn import functional as F

from mmbdg.compat.checkpoint import load_pretrained
from mmbdg.generators.grouping import group_taps
from mmbdg.generators.layers import ConditionalResBlock
from mmbdg.generators.spectral_norm import normalised
from mmbdg.interpreter.rows import in_step, resize, resized_rows
from mmbdg.registry import MODELS

OWN_EMBED_DIM = 128  # as BigGAN's

Last = Callable[[Tensor, Tensor], Tensor]
"""Fused features (N,C,h,w), class embedding (N,E) -> (...,num_outputs,h,w), looking ``FeatureInterpreter.halo`` rows around at most."""


@MODELS.register_module()
class FeatureInterpreter(BaseModule):
    """Reduce each group of features, fuse coarse to fine with class-conditional mix blocks, put out logits.

    A group's features are concatenated at the group's resolution and reduced by a 1x1 convolution. Since a 1x1 convolution and bilinear
    resizing commute, each feature is reduced first and resized after: the same result, a fraction of the memory. At rest (eval mode) the
    finest group, where nearly all of the memory would go, is computed in strips of rows.

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
        stride: Of the finest group: it is computed at resolution / stride and the logits are resized. 1 as published; 2 takes a quarter of
            the time and cannot draw finer than two pixels.
        strip_rows: Rows of a strip at rest. More take more memory and are a little faster.
        num_classes: Classes of an embedding of its own.
        init_cfg: ``dict(type='Pretrained', checkpoint=..., prefix=...)`` or None.
            ``dict(type='mmbdg.PublishedWeights', checkpoint=..., source='bigdatasetgan')`` takes a state dict of the released code's
            ``BigdatasetGANModel``, with or without its generator inside.

    Raises:
        ValueError: The groups do not fit the features or the stride, or there are fewer widths than groups.
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
        stride: int = 1,
        strip_rows: int = 64,
        num_classes: int = 1,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        channels, resolutions = zip(*[(info[0], info[1]) for info in feature_info], strict=True)
        self.resolution = resolution or max(resolutions)
        *coarse, (finest, taps) = group_taps(resolutions, groups, self.resolution)
        if finest % stride or (coarse and finest // stride < coarse[-1][0]):
            raise ValueError(f'the finest group would be computed at {finest} / {stride} px, coarser than the one before it: {coarse[-1:]}')
        self.groups = [*coarse, (finest // stride, taps)]
        if len(widths) < len(self.groups):
            raise ValueError(f'{len(self.groups)} groups need as many widths, got {tuple(widths)}')
        widths = widths[-len(self.groups) :]
        self.tap_channels = channels
        self.num_outputs = num_outputs

        conditional = len(widths) > 1  # mix blocks are
        self.embedding = nn.Embedding(num_classes, OWN_EMBED_DIM) if conditional and not embed_dim else None
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
        self.halo = out_kernel // 2 + (2 if self.mix else 0)  # a mix block has two 3x3 convolutions
        sources = [resolutions[i] for i in taps] + [resolution for resolution, _ in coarse[-1:]]
        self.strip_rows = strip_rows if all(in_step(source, finest // stride) for source in sources) else finest

    def forward(self, features: Sequence[Tensor], embedding: Tensor) -> Tensor:
        """Features (N,C_i,R_i,R_i) coarse to fine, what the generator's ``embed`` gave -> logits (N,num_outputs,R,R).

        That is the class embedding float32 (N,E), or the class indices int64 (N,) of a generator without one.
        """
        return self.interpret(features, embedding, self.last)

    def last(self, x: Tensor, embedding: Tensor) -> Tensor:
        """The last mix block and the output: fused features (N,C,h,w), class embedding (N,E) -> logits (N,num_outputs,h,w)."""
        return self.output(self.mix[-1](x, embedding) if self.mix else x)

    def interpret(self, features: Sequence[Tensor], embedding: Tensor, last: Last) -> Tensor:
        """The forward pass with another ``last``, which may put axes before those of its result (the members of an ensemble, say)."""
        if self.embedding is not None:
            embedding = self.embedding(embedding)
        x, coarse = None, len(self.groups) - 1
        for i in range(coarse):
            x = self._fuse(x, i, features, 0, self.groups[i][0])
            x = self.mix[i - 1](x, embedding) if i else x
        height = self.groups[-1][0]
        if self.training or height <= self.strip_rows:
            logits = last(self._fuse(x, coarse, features, 0, height), embedding)
        else:
            logits = torch.cat([self._strip(x, features, embedding, last, start) for start in range(0, height, self.strip_rows)], dim=-2)
        return resize(logits.flatten(0, -4), self.resolution).unflatten(0, logits.shape[:-3])

    def _strip(self, x: Tensor | None, features: Sequence[Tensor], embedding: Tensor, last: Last, start: int) -> Tensor:
        """Logits of the rows from ``start``. Rows beyond the strip are computed too: zero padding belongs to the picture's edges only."""
        height = self.groups[-1][0]
        stop = min(height, start + self.strip_rows)
        first, beyond = max(0, start - self.halo), min(height, stop + self.halo)
        logits = last(self._fuse(x, len(self.groups) - 1, features, first, beyond), embedding)
        return logits[..., start - first : stop - first, :]

    def _fuse(self, x: Tensor | None, group: int, features: Sequence[Tensor], start: int, stop: int) -> Tensor:
        """Rows ``start`` to ``stop`` of a group's reduced features behind those of what was fused before."""
        resolution, taps = self.groups[group]
        weights = self.reduce[group].weight.split([self.tap_channels[i] for i in taps], dim=1)
        reduced = None
        for i, weight in zip(taps, weights, strict=True):
            rows = resized_rows(features[i], resolution, start, stop, lambda rows, weight=weight: F.conv2d(rows, weight))
            reduced = rows if reduced is None else reduced + rows
        return reduced if x is None else torch.cat([resized_rows(x, resolution, start, stop), reduced], dim=1)

    def init_weights(self) -> None:
        """Load ``init_cfg``'s checkpoint exactly, or keep torch's default initialisation (as the released code does).

        Raises:
            InputError: The checkpoint does not hold exactly the keys and shapes of this interpreter.
        """
        if self.init_cfg:
            load_pretrained(self, self.init_cfg)
        self.is_init = True
