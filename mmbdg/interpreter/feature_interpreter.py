"""The feature interpreter of BigDatasetGAN (section 3.2, figure 3): it maps generator features to labels."""

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

OWN_EMBED_DIM = 128  # as in BigGAN

Last = Callable[[Tensor, Tensor], Tensor]
"""Fused features (N,C,h,w), class embedding (N,E) -> (...,num_outputs,h,w).

A row of the result depends on at most ``FeatureInterpreter.halo`` rows above and below it.
"""


@MODELS.register_module()
class FeatureInterpreter(BaseModule):
    """Reduces each group of features, fuses the groups from coarse to fine with class-conditional mix blocks and outputs logits.

    The features of a group are resized to the resolution of the group, concatenated and reduced by a 1x1 convolution.
    A 1x1 convolution and bilinear resizing commute. Each feature is therefore reduced first and resized afterwards, which
    gives the same result with a fraction of the memory. In eval mode the finest group, which needs most of the memory, is
    computed in strips of rows.

    Args:
        feature_info: (channels, resolution, ...) of each feature, coarse to fine: ``feature_info`` of the generator.
        embed_dim: Size E of the class embedding that conditions the mix blocks: ``embed_dim`` of the generator. 0 for a
            generator without class embedding (VQGAN, unconditional generators): the interpreter then learns an embedding
            of size 128.
        num_outputs: Number of logits: 1 for FG/BG, C for a softmax over C classes (background first). Default: 1.
        resolution: Height and width of the labels in pixels. Default: the resolution of the finest feature.
        groups: Upper resolution of each group, or the name of a rule, see
            :func:`~mmbdg.generators.grouping.group_bounds`. Default: "relative".
        widths: Number of channels after the reduction of each group. If some groups are empty, the last widths are used.
            Default: (128, 64, 32), as published.
        out_kernel: Kernel size of the output convolution: 3 in the released code, 1 in the paper. Default: 3.
        spectral_norm: Whether the mix blocks and the output use spectral normalisation, as in the released code.
            Default: True.
        stride: Stride of the finest group: it is computed at resolution / stride, and the logits are resized. 2 takes a
            quarter of the time, but it cannot represent details smaller than two pixels. Default: 1, as published.
        strip_rows: Number of rows of a strip in eval mode. More rows take more memory and are slightly faster.
            Default: 64.
        num_classes: Number of classes of the learned embedding; only used with ``embed_dim=0``. Default: 1.
        init_cfg: Checkpoint of the interpreter, ``dict(type='Pretrained', checkpoint=..., prefix=...)``; state dict of
            ``BigdatasetGANModel`` of the released code, with or without its generator,
            ``dict(type='mmbdg.PublishedWeights', checkpoint=..., source='bigdatasetgan')``; or None for random weights.
            Default: None.

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
            raise ValueError(
                f'stride {stride} does not fit the finest group of {finest} px: it must divide {finest}, and the group must not become '
                f'coarser than the one before it: {coarse[-1:]}'
            )
        self.groups = [*coarse, (finest // stride, taps)]
        if len(widths) < len(self.groups):
            raise ValueError(f'{len(self.groups)} groups need as many widths, got widths={tuple(widths)}')
        widths = widths[-len(self.groups) :]
        self.tap_channels = channels
        self.num_outputs = num_outputs

        conditional = len(widths) > 1  # only mix blocks use the class embedding
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
        """Features (N,C_i,R_i,R_i) coarse to fine, result of the generator's ``embed`` -> logits (N,num_outputs,R,R).

        ``embedding`` is the class embedding float32 (N,E), or the class indices int64 (N,) of a generator without class
        embedding.
        """
        return self.interpret(features, embedding, self.last)

    def last(self, x: Tensor, embedding: Tensor) -> Tensor:
        """The last mix block and the output: fused features (N,C,h,w), class embedding (N,E) -> logits (N,num_outputs,h,w)."""
        return self.output(self.mix[-1](x, embedding) if self.mix else x)

    def interpret(self, features: Sequence[Tensor], embedding: Tensor, last: Last) -> Tensor:
        """Compute the forward pass with another ``last``. It may add leading axes to its result, e.g. for the members of an ensemble."""
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
        """Compute the logits of the strip from row ``start``.

        The halo rows around the strip are computed too, because zero padding may affect the edges of the image only.
        """
        height = self.groups[-1][0]
        stop = min(height, start + self.strip_rows)
        first, beyond = max(0, start - self.halo), min(height, stop + self.halo)
        logits = last(self._fuse(x, len(self.groups) - 1, features, first, beyond), embedding)
        return logits[..., start - first : stop - first, :]

    def _fuse(self, x: Tensor | None, group: int, features: Sequence[Tensor], start: int, stop: int) -> Tensor:
        """Concatenate rows ``start`` to ``stop`` of the fused features ``x`` and of the reduced features of a group."""
        resolution, taps = self.groups[group]
        weights = self.reduce[group].weight.split([self.tap_channels[i] for i in taps], dim=1)
        reduced = None
        for i, weight in zip(taps, weights, strict=True):
            rows = resized_rows(features[i], resolution, start, stop, lambda rows, weight=weight: F.conv2d(rows, weight))
            reduced = rows if reduced is None else reduced + rows
        return reduced if x is None else torch.cat([resized_rows(x, resolution, start, stop), reduced], dim=1)

    def init_weights(self) -> None:
        """Load the checkpoint of ``init_cfg`` strictly, or keep torch's default initialisation (as the released code does).

        Raises:
            InputError: The keys or shapes of the checkpoint do not match this interpreter.
        """
        if self.init_cfg:
            load_pretrained(self, self.init_cfg)
        self.is_init = True
