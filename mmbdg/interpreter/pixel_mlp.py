"""The labeller of DatasetGAN: an MLP on the features of each pixel. It is a baseline for the feature interpreter."""

from collections.abc import Sequence

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn import functional as F

from mmbdg.compat.checkpoint import load_pretrained
from mmbdg.interpreter.rows import resize
from mmbdg.registry import MODELS


@MODELS.register_module()
class PixelMLP(BaseModule):
    """The pixel classifier of DatasetGAN (section 3.2).

    Every feature is resized to the resolution of the image. Three linear layers with ReLU and batch normalisation between
    them classify the channels of each pixel. The classifier uses neither neighbouring pixels nor the class of the image.

    It is trained on sampled pixels, see ``pixels_per_image`` of :class:`~mmbdg.models.InterpreterTraining`. Labelling an
    image needs all features at full resolution: 4,224 channels at 512 px, 4.4 GB.

    Args:
        feature_info, num_outputs, resolution: See :class:`~mmbdg.interpreter.FeatureInterpreter`.
        hidden: Widths of the two hidden layers. Default: (128, 32), as in DatasetGAN for fewer than 30 classes.
        embed_dim, num_classes: Accepted for the same interface as :class:`~mmbdg.interpreter.FeatureInterpreter`; not
            used.
        init_cfg: ``dict(type='Pretrained', checkpoint=..., prefix=...)`` or None for random weights. Default: None.
    """

    def __init__(
        self,
        feature_info: Sequence[tuple],
        num_outputs: int = 1,
        resolution: int | None = None,
        hidden: Sequence[int] = (128, 32),
        embed_dim: int = 0,
        num_classes: int = 1,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.resolution = resolution or max(info[1] for info in feature_info)
        self.num_outputs = num_outputs
        widths = (sum(info[0] for info in feature_info), *hidden)
        layers = [
            layer
            for before, after in zip(widths[:-1], widths[1:], strict=True)
            for layer in (nn.Linear(before, after), nn.ReLU(), nn.BatchNorm1d(after))
        ]
        self.layers = nn.Sequential(*layers, nn.Linear(widths[-1], num_outputs))

    def forward(self, features: Sequence[Tensor], embedding: Tensor, pixels: Tensor | None = None) -> Tensor:
        """Features (N,C_i,R_i,R_i), any class embedding -> logits (N,num_outputs,R,R).

        Args:
            features: Features of the generator, coarse to fine.
            embedding: Class embedding; not used.
            pixels: Row-major pixel indices, int64 (N,P). The result then has the logits (N,num_outputs,1,P) of these
                pixels only. Default: None, for all pixels.
        """
        if pixels is None:
            columns = torch.cat([resize(feature, self.resolution) for feature in features], dim=1)
        else:
            columns = torch.cat([self._at(feature, pixels) for feature in features], dim=1)
        n, channels, height, width = columns.shape
        logits = self.layers(columns.permute(0, 2, 3, 1).reshape(-1, channels))
        return logits.view(n, height, width, -1).permute(0, 3, 1, 2)

    def _at(self, feature: Tensor, pixels: Tensor) -> Tensor:
        """Return the values of the resized feature at some pixels, equal to :func:`resize`: (N,C,S,S), (N,P) -> (N,C,1,P)."""
        places = torch.stack([pixels % self.resolution, pixels // self.resolution], dim=-1)  # (x, y)
        places = (places + 0.5) / self.resolution * 2 - 1
        return F.grid_sample(feature, places[:, None].to(feature.dtype), mode='bilinear', padding_mode='border', align_corners=False)

    def init_weights(self) -> None:
        """Load the checkpoint of ``init_cfg`` strictly, or keep torch's default initialisation."""
        if self.init_cfg:
            load_pretrained(self, self.init_cfg)
        self.is_init = True
