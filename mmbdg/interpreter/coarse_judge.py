"""The judge of early rejection: it ranks samples by the coarse features of a generator, before there is an image."""

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn import functional as F

from mmbdg.compat.checkpoint import load_pretrained
from mmbdg.generators import ClassConditionalGenerator
from mmbdg.registry import MODELS


@MODELS.register_module()
class CoarseJudge(BaseModule):
    """A small network that predicts how a classifier ranks the image of a sample among those of its class.

    Its inputs are the output of one block of a generator, averaged in ``cells`` x ``cells`` cells, the latent (a BigGAN gives later
    blocks parts of it that earlier blocks have not seen) and the class. It has no spatial layer, so its cost is small beside that of any
    block. This is ours; it is trained by :class:`~mmbdg.models.judge_training.JudgeTraining`.

    Args:
        block: Name of the block in the generator's ``feature_info``.
        channels: Channels C of the block's output.
        latent_dim: Size D of the generator's z.
        num_classes: Number of the generator's classes.
        cells: Number of cells along each side, at most the resolution of the block's output. Default: 4.
        width: Channels to which each cell is reduced. Default: 16.
        hidden: Width of the two hidden layers, and size of the class embedding. Default: 64.
        use_latent: Whether the latent is an input. Default: True.
        init_cfg: ``dict(type='Pretrained', checkpoint=..., prefix=...)`` or None for random weights. Default: None.
    """

    def __init__(
        self,
        block: str,
        channels: int,
        latent_dim: int,
        num_classes: int,
        cells: int = 4,
        width: int = 16,
        hidden: int = 64,
        use_latent: bool = True,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.block, self.channels, self.cells, self.use_latent = block, channels, cells, use_latent
        self.norm = nn.BatchNorm2d(channels)
        self.reduce = nn.Conv2d(channels, width, 1)
        self.embedding = nn.Embedding(num_classes, hidden)
        self.layers = nn.Sequential(
            nn.Linear(width * cells**2 + hidden + (latent_dim if use_latent else 0), hidden),
            nn.ReLU(),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Linear(hidden, 1),
        )

    @staticmethod
    def sizes(generator: ClassConditionalGenerator, block: str) -> dict[str, object]:
        """Return the arguments that depend on the generator.

        Raises:
            InputError: The generator has no such block.
        """
        info = generator.feature_info[generator.tap_of(block)]
        return dict(block=block, channels=info.channels, latent_dim=generator.latent_dim, num_classes=generator.num_classes)

    def init_weights(self) -> None:
        """Load the checkpoint of ``init_cfg`` strictly, or keep the layers' random weights.

        Raises:
            InputError: The keys or shapes of the checkpoint do not match.
        """
        if self.init_cfg:
            load_pretrained(self, self.init_cfg)
        self.is_init = True

    def forward(self, feature: Tensor, z: Tensor, y: Tensor) -> Tensor:
        """Return the score of each sample; within a class, a higher score predicts a higher confidence of the classifier.

        Args:
            feature: Output of the block, float (N,C,r,r), or its cells (N,C,cells,cells).
            z: Latents, float (N,D).
            y: Class indices, int64 (N,).

        Returns:
            Scores, float32 (N,).
        """
        cells = in_cells(feature, self.cells)
        inputs = [F.relu(self.reduce(self.norm(cells))).flatten(1), self.embedding(y)]
        return self.layers(torch.cat([*inputs, z.float()] if self.use_latent else inputs, dim=1))[:, 0]


def in_cells(feature: Tensor, cells: int) -> Tensor:
    """Mean of each cell: float (N,C,r,r) -> float32 (N,C,cells,cells)."""
    return F.adaptive_avg_pool2d(feature.float(), cells)
