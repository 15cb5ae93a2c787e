"""DCGAN (Radford et al. 2016), unconditional: a complete example of how to add a generator."""

from torch import Tensor, nn

from mmbdg.generators.base import FeatureInfo
from mmbdg.generators.block_chain import BlockChain, Step
from mmbdg.registry import MODELS


@MODELS.register_module()
class DCGAN(BlockChain):
    """Generator of PyTorch's DCGAN tutorial (arXiv 1511.06434, figure 1), with its parameter names and a feature tap after each ReLU.

    A generator defines its sizes as attributes, ``feature_info`` and ``generate``; a chain of blocks defines its parts instead, as this
    one. It has one class, 0, and no class embedding.

    Args:
        resolution: Height and width of an image in pixels, 4 times a power of two, at least 8; default 64.
        latent_dim: Size of z; default 100.
        base_channels: Number of channels at half the resolution, doubled at each coarser resolution; default 64.
        init_cfg: ``dict(type='Pretrained', checkpoint=..., prefix=...)``; default None: random weights.

    Raises:
        ValueError: The resolution is not allowed.
    """

    num_classes = 1
    embed_dim = 0

    def __init__(self, resolution: int = 64, latent_dim: int = 100, base_channels: int = 64, init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg)
        doublings = (resolution // 4).bit_length() - 1
        if doublings < 1 or 4 * 2**doublings != resolution:
            raise ValueError(f'DCGAN makes images of 8, 16, 32, ... px, got {resolution}')
        self.resolution, self.latent_dim = resolution, latent_dim
        channels = [base_channels * 2**i for i in reversed(range(doublings))]
        layers: list[nn.Module] = []
        for i, c in enumerate(channels):
            layers += [_up(channels[i - 1] if i else latent_dim, c, first=not i), nn.BatchNorm2d(c), nn.ReLU(inplace=True)]
        self.main = nn.Sequential(*layers, _up(channels[-1], 3), nn.Tanh())
        self.feature_info = tuple(FeatureInfo(c, 4 * 2**i, f'main.{3 * i + 2}', resolution // (4 * 2**i)) for i, c in enumerate(channels))

    def first(self, z: Tensor, y: Tensor) -> Tensor:
        return z[:, :, None, None]

    def steps(self, z: Tensor, y: Tensor) -> list[Step]:
        return [Step(self.main[3 * i : 3 * i + 3]) for i in range(len(self.feature_info))]  # convolution, normalisation, ReLU

    def last(self, h: Tensor) -> Tensor:
        return self.main[-2:](h)  # convolution, tanh

    def reset_parameters(self) -> None:
        """Draw the weights of convolutions from N(0, 0.02) and the gains from N(1, 0.02), as in the paper (section 4)."""
        for module in self.main:
            if isinstance(module, nn.ConvTranspose2d):
                nn.init.normal_(module.weight, std=0.02)
            elif isinstance(module, nn.BatchNorm2d):
                nn.init.normal_(module.weight, mean=1, std=0.02)


def _up(in_channels: int, out_channels: int, first: bool = False) -> nn.ConvTranspose2d:
    return nn.ConvTranspose2d(in_channels, out_channels, 4, stride=1 if first else 2, padding=0 if first else 1, bias=False)
